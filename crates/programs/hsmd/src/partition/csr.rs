//! What a new partition shows: the request for the cluster's certificate, and the certificates that say which
//! hardware its key is in. And its key, as it signs from inside.

use std::sync::Arc;

use anyhow::Result;
use strongroom_crypto::CryptoError;
use strongroom_hsm_core::{ClusterScheme, Hsm, Mode};
use strongroom_hsm_proto::fleet::HardwareCertificates;
use strongroom_hsm_proto::tls::{ClusterSigner, SchemeOfCluster};
use strongroom_pki::{CertificateRequest, Name};

use crate::state::Device;

/// The cluster's key in the HSM.
pub(crate) struct Signer(pub(crate) Arc<Hsm>);

impl strongroom_pki::Signer for Signer {
    fn public_key(&self) -> Result<Vec<u8>, CryptoError> {
        self.0.cluster_public_key().map_err(|_| CryptoError)
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, CryptoError> {
        self.0.sign_with_cluster_key(ClusterScheme::Pkcs1Sha256, message).map_err(|_| CryptoError)
    }
}

impl ClusterSigner for Signer {
    fn sign(&self, scheme: SchemeOfCluster, message: &[u8]) -> Option<Vec<u8>> {
        let scheme = match scheme {
            SchemeOfCluster::PssSha256 => ClusterScheme::PssSha256,
            SchemeOfCluster::PssSha384 => ClusterScheme::PssSha384,
            SchemeOfCluster::PssSha512 => ClusterScheme::PssSha512,
        };
        self.0.sign_with_cluster_key(scheme, message).ok()
    }
}

/// Makes the CSR and the partition's certificate, and puts those of the device beside them. `now` is in seconds
/// since 1970.
pub(crate) fn hardware_certificates(
    device: &Device,
    hsm: &Arc<Hsm>,
    now: i64,
) -> Result<HardwareCertificates> {
    let signer = Signer(hsm.clone());
    let request = CertificateRequest::create(&name(hsm), &signer)?;
    let certificate = device.certify(name(hsm), request.public_key(), now)?;
    Ok(HardwareCertificates {
        cluster_csr: request.to_pem(),
        hsm_certificate: certificate.to_pem(),
        manufacturer_hardware_certificate: device.manufacturer_hardware().to_pem(),
        aws_hardware_certificate: device.aws_hardware().to_pem(),
        manufacturer_root: device.manufacturer_root().to_pem(),
        fleet_root: device.fleet_root().to_pem(),
    })
}

/// The subject, in the form of AWS's HSMs.
fn name(hsm: &Hsm) -> Name {
    let mode = match hsm.options().mode {
        Mode::Fips => "FIPS",
        Mode::NonFips => "NON_FIPS",
    };
    let common_name = format!("HSM:{}:PARTN:1, for {mode} mode", hsm.identity().serial_number);
    Name::default()
        .country("US")
        .state("CA")
        .organization("Strongroom")
        .unit("HSM")
        .locality("SanJose")
        .common_name(&common_name)
}

//! The certificate by which HSMs know the control plane, and its key.

use rustls::ServerConfig;
use strongroom_hsm_proto::tls::TlsError;
use strongroom_hsm_proto::tls::fleet::plane_config;
use strongroom_pki::Certificate;
use strongroom_seal::{Purpose, Root, Sealer};
use strongroom_secret::SecretBytes;
use strongroom_store::Db;

use crate::certificates;
use crate::plane::StartError;

/// The name under which the store keeps it, sealed; and what it is sealed as.
pub(crate) const NAME: &str = "cloudhsm.fleet_identity";

/// The format of what is stored.
const FORMAT: u8 = 1;

/// The certificate and its key. HSMs pin the certificate, so that it stays the same while there are any.
pub(super) struct FleetIdentity {
    certificate_der: Vec<u8>,
    certificate_pem: String,
    key: SecretBytes,
}

impl FleetIdentity {
    /// Opens the identity that the store keeps, or makes one. Of several servers that start at once, all get
    /// the first one's.
    pub(super) async fn open(db: &Db, root: &Root) -> Result<Self, StartError> {
        let sealer = Sealer::new(root, Purpose::Secrets);
        let failed = |error: String| StartError::Identity(error);
        let sealed = if let Some(sealed) = db.meta_get(NAME).await? {
            sealed
        } else {
            let made = certificates::self_signed().map_err(|error| failed(error.to_string()))?;
            let plain = SecretBytes::new(encode(made.certificate.as_der(), made.key.expose()));
            db.meta_insert_if_absent(NAME, &sealer.seal(NAME.as_bytes(), plain.expose())?).await?
        };
        let opened = sealer.open(NAME.as_bytes(), &sealed)?;
        let (certificate, key) =
            decode(opened.expose()).ok_or_else(|| failed("its form is unknown".to_owned()))?;
        let certificate = Certificate::from_der(certificate).map_err(|error| failed(error.to_string()))?;
        Ok(Self {
            certificate_pem: certificate.to_pem(),
            certificate_der: certificate.as_der().to_vec(),
            key: SecretBytes::new(key.to_vec()),
        })
    }

    pub(super) fn certificate_pem(&self) -> &str {
        &self.certificate_pem
    }

    pub(super) fn tls(&self) -> Result<ServerConfig, TlsError> {
        plane_config(std::slice::from_ref(&self.certificate_der), self.key.expose())
    }
}

/// Format, length of the certificate in 4 bytes, certificate, key.
fn encode(certificate: &[u8], key: &[u8]) -> Vec<u8> {
    let length = u32::try_from(certificate.len()).unwrap_or(u32::MAX);
    [&[FORMAT], length.to_be_bytes().as_slice(), certificate, key].concat()
}

fn decode(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (&[FORMAT, ref length @ ..], rest) = bytes.split_first_chunk::<5>()? else { return None };
    rest.split_at_checked(u32::from_be_bytes(*length) as usize)
}

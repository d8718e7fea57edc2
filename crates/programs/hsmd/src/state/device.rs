//! This HSM's device: its key, and the certificates that say where it was made.

use std::path::Path;

use anyhow::{Context as _, Result, anyhow};
use prost::Message as _;
use strongroom_crypto::digest::sha256;
use strongroom_crypto::ec::{Curve, PrivateKey};
use strongroom_crypto::{CryptoError, hex};
use strongroom_hsm_cluster::JoinRequest;
use strongroom_pki::{Certificate, Identity, Kind, Name, SignatureAlgorithm, issue};
use strongroom_secret::{Key256, SecretBytes};

use super::root::{DeviceRoot, validity};
use super::{DeviceChain, Folder};

const FILE: &str = "device";

/// The device.
pub(crate) struct Device {
    key: PrivateKey,
    backup_half: Key256,
    /// The device's certificate by the manufacturer, and the manufacturer's root, as DER.
    chain: Vec<Vec<u8>>,
    manufacturer_hardware: Certificate,
    manufacturer_root: Certificate,
    aws_hardware: Certificate,
    fleet_root: Certificate,
}

/// The device as it is kept, sealed.
#[derive(Clone, PartialEq, prost::Message)]
#[prost(skip_debug)]
struct Kept {
    #[prost(bytes = "vec", tag = "1")]
    key: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    backup_half: Vec<u8>,
    /// Manufacturer hardware certificate, manufacturer root, AWS hardware certificate, fleet root.
    #[prost(bytes = "vec", repeated, tag = "3")]
    certificates: Vec<Vec<u8>>,
}

impl Drop for Kept {
    fn drop(&mut self) {
        zeroize::Zeroize::zeroize(&mut self.key);
        zeroize::Zeroize::zeroize(&mut self.backup_half);
    }
}

impl Device {
    /// Opens the device in the state folder, or makes one and lets the host's root certify it. `now` is in seconds
    /// since 1970.
    pub(crate) fn open(folder: &Folder, root: &Path, hsm_id: &str, now: i64) -> Result<Self> {
        let kept = if let Some(kept) = folder.read_sealed(FILE)? {
            Kept::decode(kept.expose().as_slice()).context("reading the device")?
        } else {
            let kept = make(root, hsm_id, now).context("making the device")?;
            let bytes = SecretBytes::new(kept.encode_to_vec());
            folder.write_sealed(FILE, bytes.expose())?;
            kept
        };
        let certificate = |index: usize| {
            let der =
                kept.certificates.get(index).ok_or_else(|| anyhow!("the device lacks a certificate"))?;
            Certificate::from_der(der).context("reading the device's certificates")
        };
        let (manufacturer_hardware, manufacturer_root) = (certificate(0)?, certificate(1)?);
        let device = Self {
            key: PrivateKey::from_pkcs8(&kept.key)?,
            backup_half: Key256::copied_from(&kept.backup_half)
                .context("the device lacks its half of backups")?,
            chain: vec![manufacturer_hardware.as_der().to_vec(), manufacturer_root.as_der().to_vec()],
            manufacturer_hardware,
            manufacturer_root,
            aws_hardware: certificate(2)?,
            fleet_root: certificate(3)?,
        };
        if device.manufacturer_hardware.common_name() != Some(hsm_id) {
            anyhow::bail!("the state folder is that of another HSM, not of {hsm_id}");
        }
        Ok(device)
    }

    /// The device's certificate and the manufacturer's root, as DER.
    pub(crate) fn chain(&self) -> &[Vec<u8>] {
        &self.chain
    }

    /// The root that devices of members have to lead to, as DER.
    pub(crate) fn root(&self) -> &[u8] {
        self.manufacturer_root.as_der()
    }

    /// The fleet's half of the keys of backups.
    pub(crate) const fn backup_half(&self) -> &Key256 {
        &self.backup_half
    }

    pub(crate) fn key_pkcs8(&self) -> Result<SecretBytes, CryptoError> {
        self.key.to_pkcs8()
    }

    /// ECDSA with SHA-256, as DER.
    pub(crate) fn sign(&self, message: &[u8]) -> Result<Vec<u8>, CryptoError> {
        strongroom_pki::Signer::sign(&self.key, message)
    }

    /// A number that no other device has, as AWS's look: `5.1.` and more digits.
    pub(crate) fn serial_number(&self) -> String {
        let digest = sha256(self.manufacturer_hardware.public_key());
        format!("SR{}", hex::encode(&digest[..6]).to_uppercase())
    }

    pub(crate) const fn manufacturer_hardware(&self) -> &Certificate {
        &self.manufacturer_hardware
    }

    pub(crate) const fn manufacturer_root(&self) -> &Certificate {
        &self.manufacturer_root
    }

    pub(crate) const fn aws_hardware(&self) -> &Certificate {
        &self.aws_hardware
    }

    pub(crate) const fn fleet_root(&self) -> &Certificate {
        &self.fleet_root
    }

    /// Certifies a partition's key. The name of the issuer is the device's, which both hardware certificates
    /// bear, so that it verifies by either.
    pub(crate) fn certify(&self, name: Name, public_key: &[u8], now: i64) -> Result<Certificate> {
        let identity = Identity::new(name, Kind::Endpoint, validity(now));
        Ok(issue(&identity, public_key, &self.manufacturer_hardware, &self.key)?)
    }
}

fn make(root: &Path, hsm_id: &str, now: i64) -> Result<Kept> {
    let root = DeviceRoot::open(root, now)?;
    let key = PrivateKey::generate(Curve::P256)?;
    let by_manufacturer = root.manufacturer.certify(hsm_id, &key, now)?;
    let by_fleet = root.fleet.certify(hsm_id, &key, now)?;
    let certificates = [&by_manufacturer, &root.manufacturer.certificate, &by_fleet, &root.fleet.certificate];
    Ok(Kept {
        key: key.to_pkcs8()?.expose().clone(),
        backup_half: root.backup_half.expose().to_vec(),
        certificates: certificates.iter().map(|certificate| certificate.as_der().to_vec()).collect(),
    })
}

/// Whether a request to join comes from a device that the root of the partition certified, and bears its id.
pub(crate) fn vouch(request: &JoinRequest, device_root: &[u8]) -> bool {
    judge(request, device_root).is_some()
}

fn judge(request: &JoinRequest, device_root: &[u8]) -> Option<()> {
    let read = |chain: &[u8]| {
        let chain = DeviceChain::decode(chain).ok()?;
        chain.certificates.iter().map(|der| Certificate::from_der(der).ok()).collect::<Option<Vec<_>>>()
    };
    let (roots, chain) = (read(device_root)?, read(&request.member.device_chain)?);
    let (root, device) = (roots.first()?, chain.first()?);
    let is_certified = device.names_issuer(root)
        && device.verify_signed_by(root).is_ok()
        && device.common_name() == Some(request.member.id.as_str());
    let signed = SignatureAlgorithm::Ecdsa(strongroom_crypto::digest::Hash::Sha256).verify(
        device.public_key(),
        &request.signed_bytes(),
        &request.signature,
    );
    (is_certified && signed.is_ok()).then_some(())
}

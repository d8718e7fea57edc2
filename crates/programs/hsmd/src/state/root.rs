//! The device root of this host: the "manufacturer" that certifies the devices made here, and the fleet that
//! takes them in. It is made on first use, stays on the host, and never comes to the control plane.
//!
//! Two roots sign every device's key, as with CloudHSM: chain A leads over the device's AWS hardware certificate
//! to the fleet's root, chain B over its manufacturer hardware certificate to the manufacturer's root.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow};
use strongroom_crypto::ec::{Curve, PrivateKey};
use strongroom_crypto::random;
use strongroom_pki::{Certificate, Identity, Kind, Name, Validity, issue, self_sign};
use strongroom_secret::Key256;

use super::Folder;

/// How often a root that another HSM of this host has open is tried again.
const TRIES: u32 = 200;
/// How long to wait in between.
const PAUSE: Duration = Duration::from_millis(50);
/// How long before now certificates begin, in seconds: clocks differ.
const EARLIER: i64 = 86_400;
/// How long they last, in seconds: 30 years. Nothing is cut off when they end.
const LATER: i64 = 30 * 365 * 86_400;
const BACKUP_HALF: &str = "backup-half";

/// The open device root. While it is held, no other HSM of the host opens it.
pub(super) struct DeviceRoot {
    pub(super) manufacturer: Root,
    pub(super) fleet: Root,
    /// The fleet's half of the keys of backups.
    pub(super) backup_half: Key256,
}

/// A root's key and certificate.
pub(super) struct Root {
    key: PrivateKey,
    pub(super) certificate: Certificate,
}

impl DeviceRoot {
    /// Opens the root in this folder, or makes it.
    pub(super) fn open(path: &Path, now: i64) -> Result<Self> {
        let folder = locked(path)?;
        let manufacturer = Root::open(&folder, "manufacturer", "Strongroom Manufacturer Root", now)?;
        let fleet = Root::open(&folder, "fleet", "Strongroom HSM Fleet Root", now)?;
        let backup_half = if let Some(half) = folder.read_sealed(BACKUP_HALF)? {
            Key256::copied_from(half.expose())
                .ok_or_else(|| anyhow!("{}/{BACKUP_HALF} is damaged", path.display()))?
        } else {
            let half = random::key256()?;
            folder.write_sealed(BACKUP_HALF, half.expose())?;
            half
        };
        Ok(Self { manufacturer, fleet, backup_half })
    }
}

/// Several HSMs may start on a host at once: each waits for its turn.
fn locked(path: &Path) -> Result<Folder> {
    let mut tries = 0;
    loop {
        match Folder::open(path, "other HSMs of this host, for too long") {
            Ok(folder) => return Ok(folder),
            Err(error) if error.is::<super::folder::InUse>() && tries < TRIES => {
                tries += 1;
                std::thread::sleep(PAUSE);
            }
            Err(error) => return Err(error).context("opening the device root"),
        }
    }
}

impl Root {
    fn open(folder: &Folder, name: &str, common_name: &str, now: i64) -> Result<Self> {
        let (key_file, certificate_file) = (format!("{name}-key"), format!("{name}-certificate"));
        let key = if let Some(key) = folder.read_sealed(&key_file)? {
            PrivateKey::from_pkcs8(key.expose())?
        } else {
            let key = PrivateKey::generate(Curve::P256)?;
            folder.write_sealed(&key_file, key.to_pkcs8()?.expose())?;
            key
        };
        let certificate = if let Some(der) = folder.read(&certificate_file)? {
            Certificate::from_der(der.expose())
                .with_context(|| format!("reading {}/{certificate_file}", folder.path().display()))?
        } else {
            let name = Name::default().organization("Strongroom").common_name(common_name);
            let identity = Identity::new(name, Kind::Authority { path_length: Some(1) }, validity(now));
            let certificate = self_sign(&identity, &key)?;
            folder.write(&certificate_file, certificate.as_der())?;
            certificate
        };
        Ok(Self { key, certificate })
    }

    /// Certifies a device's key. The device signs for its partition in turn, so it is an authority.
    pub(super) fn certify(&self, common_name: &str, key: &PrivateKey, now: i64) -> Result<Certificate> {
        let name = Name::default().organization("Strongroom").common_name(common_name);
        let identity = Identity::new(name, Kind::Authority { path_length: Some(0) }, validity(now));
        Ok(issue(&identity, &key.public_key().to_spki()?, &self.certificate, &self.key)?)
    }
}

pub(crate) fn validity(now: i64) -> Validity {
    Validity { not_before: now - EARLIER, not_after: now + LATER }
}

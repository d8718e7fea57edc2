//! The keys that sign digests: RSA, one pair after the other in each Region (CloudTrail API Reference, "ListPublicKeys").

use std::sync::Arc;

use strongroom_crypto::digest::Hash;
use strongroom_crypto::md5::md5;
use strongroom_crypto::rsa::{PrivateKey, PublicKey};
use strongroom_crypto::{CryptoError, hex};
use strongroom_seal::{Purpose, Root, SealError, Sealer};
use strongroom_store::{Db, RowMac, StoreError};

use crate::repo::keys::{self, SigningKey};

const BITS: u32 = 2048;
const EXPONENT: u64 = 65_537;
const DAY_MS: i64 = 24 * 60 * 60 * 1000;
/// How long a pair signs (CloudTrail User Guide, "Validating CloudTrail log file integrity": about 30 days).
const VALID_MS: i64 = 30 * DAY_MS;
/// How long before its first digest a pair counts as valid: the pair before still is.
const OVERLAP_MS: i64 = DAY_MS;

/// Why a digest is not signed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SigningError {
    #[error("the keys of digests cannot be read or kept")]
    Store(#[from] StoreError),
    #[error("the private half of a key of digests cannot be opened or sealed")]
    Seal(#[from] SealError),
    #[error("a key of digests cannot be made or used")]
    Crypto(#[from] CryptoError),
    #[error("making a key of digests was interrupted")]
    Interrupted,
}

/// Signs digests.
pub(crate) struct Signing {
    db: Db,
    mac: RowMac,
    sealer: Sealer,
}

/// The key that signs a digest.
pub(crate) struct Signer {
    pub(crate) fingerprint: String,
    private: PrivateKey,
}

impl Signer {
    /// The signature in hexadecimal.
    pub(crate) fn sign(&self, text: &str) -> Result<String, CryptoError> {
        Ok(hex::encode(&self.private.sign_pkcs1_message(Hash::Sha256, text.as_bytes())?))
    }
}

impl Signing {
    pub(crate) fn new(db: Db, root: &Root) -> Self {
        Self { db, mac: RowMac::new(root), sealer: Sealer::new(root, Purpose::TrailDigests) }
    }

    /// The key that signs a Region's digests which end at `at_ms`; a new one if the last one's time is over.
    pub(crate) async fn signer(&self, region: &str, at_ms: i64) -> Result<Arc<Signer>, SigningError> {
        if let Some(key) = keys::at(&self.db, &self.mac, region, at_ms).await?
            && let Some(sealed) = &key.sealed_private
        {
            let der = self.sealer.open(&bound_to(region, &key.fingerprint), sealed)?;
            let private = PrivateKey::from_pkcs8(der.expose())?;
            return Ok(Arc::new(Signer { fingerprint: key.fingerprint, private }));
        }
        let signer = self.make(region, at_ms).await?;
        self.drop_old(region, at_ms).await?;
        Ok(signer)
    }

    async fn make(&self, region: &str, at_ms: i64) -> Result<Arc<Signer>, SigningError> {
        // Takes a good part of a second of a processor.
        let private = tokio::task::spawn_blocking(|| PrivateKey::generate(BITS, EXPONENT))
            .await
            .map_err(|_| SigningError::Interrupted)??;
        let public = pkcs1(private.public_key())?;
        let fingerprint = hex::encode(&md5(&public)?);
        let sealed = self.sealer.seal(&bound_to(region, &fingerprint), private.to_pkcs8()?.expose())?;
        let key = SigningKey {
            region: region.to_owned(),
            fingerprint: fingerprint.clone(),
            public,
            sealed_private: Some(sealed),
            start_ms: at_ms.saturating_sub(OVERLAP_MS),
            end_ms: at_ms.saturating_add(VALID_MS),
        };
        keys::insert(&self.db, &self.mac, &key).await?;
        tracing::info!(region, fingerprint, "digests are signed with a new key");
        Ok(Arc::new(Signer { fingerprint, private }))
    }

    /// Drops the private halves of keys that sign nothing any more: who steals the seal later signs no older digests.
    async fn drop_old(&self, region: &str, at_ms: i64) -> Result<(), SigningError> {
        let over = (i64::MIN, at_ms.saturating_sub(OVERLAP_MS));
        for key in keys::in_range(&self.db, &self.mac, region, over).await? {
            if key.end_ms <= over.1 && key.sealed_private.is_some() {
                keys::drop_private(&self.db, &self.mac, &key).await?;
            }
        }
        Ok(())
    }

    /// The public keys of digests that end within a range of time.
    pub(crate) async fn public_keys(
        &self,
        region: &str,
        range: (i64, i64),
    ) -> Result<Vec<SigningKey>, StoreError> {
        keys::in_range(&self.db, &self.mac, region, range).await
    }
}

/// What a sealed private key is bound to.
pub(crate) fn bound_to(region: &str, fingerprint: &str) -> Vec<u8> {
    format!("cloudtrail key {region} {fingerprint}").into_bytes()
}

/// A public key as ListPublicKeys gives it: `RSAPublicKey` of PKCS #1, in DER.
fn pkcs1(key: &PublicKey) -> Result<Vec<u8>, CryptoError> {
    let numbers = [unsigned(&key.modulus()?), unsigned(&key.exponent()?)].concat();
    Ok(tagged(0x30, &numbers))
}

/// A number in DER, from its bytes, the highest first.
fn unsigned(number: &[u8]) -> Vec<u8> {
    let digits: Vec<u8> = number.iter().copied().skip_while(|&byte| byte == 0).collect();
    // A first bit that is set would make it negative.
    let pad = digits.first().is_none_or(|&byte| byte & 0x80 != 0);
    tagged(0x02, &[if pad { vec![0] } else { Vec::new() }, digits].concat())
}

fn tagged(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len().to_be_bytes();
    let digits: Vec<u8> = length.into_iter().skip_while(|&byte| byte == 0).collect();
    let head = match digits.as_slice() {
        [] => vec![tag, 0],
        &[short] if short < 0x80 => vec![tag, short],
        long => [&[tag, 0x80 | long.len() as u8], long].concat(),
    };
    [head.as_slice(), content].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The SPKI form of an RSA key ends in its PKCS #1 form.
    #[test]
    fn a_public_key_is_written_as_its_spki_holds_it() {
        let key = PrivateKey::generate(BITS, EXPONENT).unwrap();
        let (spki, pkcs1) = (key.public_key().to_spki().unwrap(), pkcs1(key.public_key()).unwrap());
        assert!(spki.ends_with(&pkcs1));
        assert_eq!((pkcs1.len(), &pkcs1[..4]), (270, &[0x30, 0x82, 0x01, 0x0a][..]));
    }
}

//! Random bytes from AWS-LC's generator (a CTR_DRBG, NIST SP 800-90A, reseeded by the operating system).
//!
//! There is no second source and none that can be seeded.

use strongroom_secret::Key256;

use crate::CryptoError;

/// Fills `bytes` with random bytes. Fails only if the module refuses to work.
pub fn fill(bytes: &mut [u8]) -> Result<(), CryptoError> {
    Ok(aws_lc_rs::rand::fill(bytes)?)
}

/// Gives `N` random bytes that need not stay secret: nonces, salts, ids.
pub fn bytes<const N: usize>() -> Result<[u8; N], CryptoError> {
    let mut bytes = [0; N];
    fill(&mut bytes)?;
    Ok(bytes)
}

/// Gives a random 256-bit key.
pub fn key256() -> Result<Key256, CryptoError> {
    Key256::filled(|bytes| fill(bytes))
}

//! Random bytes from AWS-LC's generator (a CTR_DRBG, NIST SP 800-90A, reseeded by the operating system).
//!
//! There is no second source and none that can be seeded.

use std::cell::RefCell;

use strongroom_secret::Key256;

use crate::CryptoError;

/// Fills `bytes` with random bytes. Fails only if the module refuses to work.
pub fn fill(bytes: &mut [u8]) -> Result<(), CryptoError> {
    Ok(aws_lc_rs::rand::fill(bytes)?)
}

/// How many ids are drawn at once.
const IDS: usize = 32;

thread_local! {
    /// Ids that were drawn and not given out yet.
    static DRAWN: RefCell<Vec<[u8; 16]>> = const { RefCell::new(Vec::new()) };
}

/// Gives sixteen random bytes for an id that everybody may see: of a request, an event. They are drawn many at a time,
/// since asking the generator takes longer than what it gives; so they wait in memory, as nothing secret may.
pub fn id() -> Result<[u8; 16], CryptoError> {
    DRAWN.with_borrow_mut(|drawn| {
        if drawn.is_empty() {
            let mut bytes = [0; 16 * IDS];
            fill(&mut bytes)?;
            drawn.extend_from_slice(bytes.as_chunks().0);
        }
        drawn.pop().ok_or(CryptoError)
    })
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

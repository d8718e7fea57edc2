//! RSA (RFC 8017): signatures by PKCS#1 v1.5, PSS and bare, encryption by OAEP, PKCS#1 v1.5 and bare.
//!
//! All of it goes through `aws-lc-sys`: `aws-lc-rs` signs neither with SHA-1 and SHA-224 nor a ready
//! `DigestInfo`, makes keys of three sizes with one exponent only, and pads OAEP without SHA-224.
//!
//! Start from [`PrivateKey::generate`] or [`PrivateKey::from_pkcs8`]. A handle may be used by many threads at
//! once; it holds the key parsed and is wiped when it is dropped.

mod private;
mod public;

pub use private::PrivateKey;
pub use public::PublicKey;

use crate::CryptoError;
use crate::digest::Hash;

/// The shortest modulus, in bits.
pub const MIN_BITS: u32 = 2048;
/// The longest modulus, in bits.
pub const MAX_BITS: u32 = 4096;
/// Generated keys have a modulus of [`MIN_BITS`] and a multiple of this, in bits.
pub const BITS_STEP: u32 = 256;
/// The smallest public exponent. It is also the usual one.
pub const MIN_EXPONENT: u64 = 65_537;
/// The largest public exponent: AWS-LC makes keys with no more than 32 bits of it.
pub const MAX_EXPONENT: u64 = (1 << 32) - 1;

/// How many bytes PKCS#1 v1.5 needs beside what it pads.
pub const PKCS1_OVERHEAD: usize = 11;

fn sizes_are_served(bits: u32, exponent: &[u8]) -> Result<(), CryptoError> {
    let value = exponent.iter().fold(0_u64, |value, byte| value.saturating_mul(256) | u64::from(*byte));
    if (MIN_BITS..=MAX_BITS).contains(&bits) && exponent_is_served(value) { Ok(()) } else { Err(CryptoError) }
}

fn exponent_is_served(exponent: u64) -> bool {
    (MIN_EXPONENT..=MAX_EXPONENT).contains(&exponent) && exponent % 2 == 1
}

fn nid(hash: Hash) -> i32 {
    match hash {
        Hash::Sha1 => aws_lc_sys::NID_sha1,
        Hash::Sha224 => aws_lc_sys::NID_sha224,
        Hash::Sha256 => aws_lc_sys::NID_sha256,
        Hash::Sha384 => aws_lc_sys::NID_sha384,
        Hash::Sha512 => aws_lc_sys::NID_sha512,
    }
}

/// Fills a block that is shorter than the modulus with zeros from the left, as PKCS#11 says of `CKM_RSA_X_509`.
fn left_padded(data: &[u8], length: usize) -> Result<Vec<u8>, CryptoError> {
    let zeros = length.checked_sub(data.len()).ok_or(CryptoError)?;
    let mut block = Vec::with_capacity(length);
    block.resize(zeros, 0);
    block.extend_from_slice(data);
    Ok(block)
}

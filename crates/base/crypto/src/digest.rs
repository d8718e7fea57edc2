//! SHA-1 and SHA-2 (FIPS 180-4). SHA-1 is there for what clients of an HSM still sign with it, and for check
//! values; nothing of ours relies on it.

use std::fmt;

use aws_lc_rs::digest;

/// A hash function that can be chosen at run time: of signatures, MACs, paddings and key derivations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hash {
    /// SHA-1, 160 bits.
    Sha1,
    /// SHA-224.
    Sha224,
    /// SHA-256.
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512.
    Sha512,
}

impl Hash {
    /// Every hash function, shortest first.
    pub const ALL: [Self; 5] = [Self::Sha1, Self::Sha224, Self::Sha256, Self::Sha384, Self::Sha512];

    /// The length of a digest, in bytes.
    #[must_use]
    pub const fn output_length(self) -> usize {
        match self {
            Self::Sha1 => 20,
            Self::Sha224 => 28,
            Self::Sha256 => 32,
            Self::Sha384 => 48,
            Self::Sha512 => 64,
        }
    }

    /// Gives the digest of `data`.
    #[must_use]
    pub fn digest(self, data: &[u8]) -> Vec<u8> {
        digest::digest(self.algorithm(), data).as_ref().to_vec()
    }

    fn algorithm(self) -> &'static digest::Algorithm {
        match self {
            Self::Sha1 => &digest::SHA1_FOR_LEGACY_USE_ONLY,
            Self::Sha224 => &digest::SHA224,
            Self::Sha256 => &digest::SHA256,
            Self::Sha384 => &digest::SHA384,
            Self::Sha512 => &digest::SHA512,
        }
    }
}

/// A digest, by any [`enum@Hash`], of data that comes in pieces.
#[derive(Clone)]
pub struct Hasher(digest::Context);

impl Hasher {
    /// Begins a digest.
    #[must_use]
    pub fn new(hash: Hash) -> Self {
        Self(digest::Context::new(hash.algorithm()))
    }

    /// Takes the next piece.
    pub fn update(&mut self, piece: &[u8]) {
        self.0.update(piece);
    }

    /// Gives the digest of all pieces, one after the other.
    #[must_use]
    pub fn finish(self) -> Vec<u8> {
        self.0.finish().as_ref().to_vec()
    }
}

impl fmt::Debug for Hasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hasher(..)")
    }
}

/// Gives the SHA-256 digest of `data`.
#[must_use]
pub fn sha256(data: &[u8]) -> [u8; 32] {
    array(&digest::digest(&digest::SHA256, data))
}

/// Gives the SHA-384 digest of `data`.
#[must_use]
pub fn sha384(data: &[u8]) -> [u8; 48] {
    array(&digest::digest(&digest::SHA384, data))
}

/// Gives the SHA-512 digest of `data`.
#[must_use]
pub fn sha512(data: &[u8]) -> [u8; 64] {
    array(&digest::digest(&digest::SHA512, data))
}

/// A SHA-256 digest of data that comes in pieces.
#[derive(Clone)]
pub struct Sha256(digest::Context);

impl Sha256 {
    /// Begins a digest.
    #[must_use]
    pub fn new() -> Self {
        Self(digest::Context::new(&digest::SHA256))
    }

    /// Takes the next piece.
    pub fn update(&mut self, piece: &[u8]) {
        self.0.update(piece);
    }

    /// Gives the digest of all pieces, one after the other.
    #[must_use]
    pub fn finish(self) -> [u8; 32] {
        array(&self.0.finish())
    }
}

impl Default for Sha256 {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sha256(..)")
    }
}

fn array<const N: usize>(digest: &digest::Digest) -> [u8; N] {
    let mut bytes = [0; N];
    bytes.copy_from_slice(digest.as_ref());
    bytes
}

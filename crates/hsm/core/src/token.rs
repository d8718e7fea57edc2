//! Key tokens: keys as they are kept outside of memory.
//!
//! ```text
//! format                          1 byte
//! partition id                   16 bytes
//! incarnation, epoch              4 bytes each, big-endian
//! key handle                     16 bytes
//! version                         4 bytes, big-endian; a change of attributes counts it up
//! length of the attributes        2 bytes, big-endian
//! attributes                      (`attributes.rs`)
//! key material, salted and sealed under the partition's token key
//! ```
//!
//! All that stands before the material is its associated data.

use std::fmt;

use strongroom_crypto::digest::sha256;
use strongroom_crypto::{hex, random, salted};
use strongroom_secret::{Key256, SecretBytes};

use crate::{Attributes, HsmError};

const FORMAT: u8 = 1;
const LABEL: &[u8] = b"strongroom/hsm/token";

/// The bytes before the attributes.
const FIXED_LENGTH: usize = 1 + Place::LENGTH + 16 + 4 + 2;

/// Names a key within its partition, through all its versions.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyHandle([u8; 16]);

impl KeyHandle {
    /// The handle with these bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// Makes a handle that no other key has.
    pub fn random() -> Result<Self, HsmError> {
        Ok(Self(random::bytes()?))
    }

    /// Gives the handle's bytes.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl fmt::Debug for KeyHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyHandle({})", hex::encode(&self.0))
    }
}

/// The SHA-256 of a token: what the current state keeps to tell it from older ones.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct TokenDigest([u8; 32]);

impl TokenDigest {
    /// The digest with these bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Gives the digest of `token`.
    #[must_use]
    pub fn of(token: &[u8]) -> Self {
        Self(sha256(token))
    }

    /// Gives the digest's bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for TokenDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TokenDigest({})", hex::encode(&self.0))
    }
}

/// Which token of which key is the current one, as the caller's state has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TokenRef {
    /// The key.
    pub handle: KeyHandle,
    /// Its current token.
    pub digest: TokenDigest,
}

/// A key token, fresh from the partition. The caller keeps both parts, the reference where it cannot be
/// forged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyToken {
    /// What the token is found and recognised by.
    pub reference: TokenRef,
    /// The token itself.
    pub bytes: Vec<u8>,
}

/// Where a token is at home: `partition id || incarnation || epoch`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place(pub(crate) [u8; Self::LENGTH]);

impl Place {
    pub(crate) const LENGTH: usize = 16 + 4 + 4;
}

/// Seals `material` into a token.
pub(crate) fn seal(
    token_key: &Key256,
    place: &Place,
    handle: KeyHandle,
    version: u32,
    attributes: Attributes,
    material: &[u8],
) -> Result<KeyToken, HsmError> {
    let attributes = attributes.encode();
    let length = (Attributes::ENCODED_LENGTH as u16).to_be_bytes();
    let header =
        [&[FORMAT], place.0.as_slice(), &handle.0, &version.to_be_bytes(), &length, &attributes].concat();
    let mut bytes = Vec::with_capacity(header.len() + material.len() + salted::OVERHEAD);
    bytes.extend_from_slice(&header);
    salted::seal_into(token_key, LABEL, &header, material, &mut bytes)?;
    Ok(KeyToken { reference: TokenRef { handle, digest: TokenDigest::of(&bytes) }, bytes })
}

/// Opens a token that belongs to `place` and `handle`, and gives the attributes and the material.
pub(crate) fn open(
    token_key: &Key256,
    place: &Place,
    handle: KeyHandle,
    token: &[u8],
) -> Result<(Attributes, SecretBytes), HsmError> {
    let &format = token.first().ok_or(HsmError::InvalidToken)?;
    if format != FORMAT {
        return Err(HsmError::UnsupportedToken(format));
    }
    let (fixed, rest) = token.split_at_checked(FIXED_LENGTH).ok_or(HsmError::InvalidToken)?;
    let owner = [place.0.as_slice(), &handle.0].concat();
    if fixed[1..=owner.len()] != owner {
        return Err(HsmError::InvalidToken);
    }
    let length = usize::from(u16::from_be_bytes([fixed[FIXED_LENGTH - 2], fixed[FIXED_LENGTH - 1]]));
    let (attributes, sealed) = rest.split_at_checked(length).ok_or(HsmError::InvalidToken)?;
    let header = &token[..FIXED_LENGTH + length];
    let material = salted::open(token_key, LABEL, header, sealed).map_err(|_| HsmError::InvalidToken)?;
    Ok((Attributes::decode(attributes)?, material))
}

//! What stands behind options: small languages of their own.

use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;

use clap::ValueEnum;
use strongroom_hsm_proto::command::{Hash, Role};
use strongroom_secret::SecretString;

/// The roles that a person can name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum RoleName {
    /// Manages users and quorum values, and owns no keys
    Admin,
    /// Owns and uses keys
    CryptoUser,
}

impl From<RoleName> for Role {
    fn from(name: RoleName) -> Self {
        match name {
            RoleName::Admin => Self::Admin,
            RoleName::CryptoUser => Self::CryptoUser,
        }
    }
}

/// Hash functions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum HashName {
    Sha1,
    Sha224,
    Sha256,
    Sha384,
    Sha512,
}

impl From<HashName> for Hash {
    fn from(name: HashName) -> Self {
        match name {
            HashName::Sha1 => Self::Sha1,
            HashName::Sha224 => Self::Sha224,
            HashName::Sha256 => Self::Sha256,
            HashName::Sha384 => Self::Sha384,
            HashName::Sha512 => Self::Sha512,
        }
    }
}

/// Mask generation functions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum MgfName {
    Mgf1Sha1,
    Mgf1Sha224,
    Mgf1Sha256,
    Mgf1Sha384,
    Mgf1Sha512,
}

impl From<MgfName> for Hash {
    fn from(name: MgfName) -> Self {
        match name {
            MgfName::Mgf1Sha1 => Self::Sha1,
            MgfName::Mgf1Sha224 => Self::Sha224,
            MgfName::Mgf1Sha256 => Self::Sha256,
            MgfName::Mgf1Sha384 => Self::Sha384,
            MgfName::Mgf1Sha512 => Self::Sha512,
        }
    }
}

/// Bytes as hexadecimal digits, with or without `0x`.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct HexBytes(pub(crate) Vec<u8>);

impl FromStr for HexBytes {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")).unwrap_or(text);
        strongroom_crypto::hex::decode(digits)
            .map(Self)
            .ok_or("expected an even number of hexadecimal digits, like 0x0a1b")
    }
}

impl fmt::Debug for HexBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "0x{}", strongroom_crypto::hex::encode(&self.0))
    }
}

/// Takes a secret in.
#[expect(clippy::unnecessary_wraps, reason = "clap asks for what can fail")]
pub(crate) fn secret(text: &str) -> Result<SecretString, Infallible> {
    Ok(SecretString::new(text.to_owned()))
}

/// Reads a number that may be written in hexadecimal with `0x`.
pub(crate) fn number(text: &str) -> Result<u64, String> {
    let parsed = match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(digits) => u64::from_str_radix(digits, 16),
        None => text.parse(),
    };
    parsed.map_err(|_| "expected a number, like 12 or 0x0c".to_owned())
}

/// Reads a number of 32 bits in either form.
pub(crate) fn number32(text: &str) -> Result<u32, String> {
    u32::try_from(number(text)?).map_err(|_| "the number is too large".to_owned())
}

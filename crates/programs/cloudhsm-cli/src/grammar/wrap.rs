//! `key wrap ...` and `key unwrap ...`

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use strongroom_hsm_proto::command::{KeyClass, KeyType};

use super::generate::Sharing;
use super::values::{HashName, HexBytes, MgfName};
use crate::attribute::Assignment;
use crate::filter::Term;

/// Ways to wrap.
#[derive(Debug, Subcommand)]
pub(crate) enum Wrap {
    /// AES-GCM; the HSM chooses the IV
    AesGcm {
        #[command(flatten)]
        keys: WrapKeys,
        #[command(flatten)]
        gcm: Gcm,
    },
    /// AES key wrap without padding (RFC 3394)
    AesNoPad(WrapKeys),
    /// AES key wrap (RFC 3394) after PKCS#5 padding
    AesPkcs5Pad(WrapKeys),
    /// AES key wrap with padding (RFC 5649)
    AesZeroPad(WrapKeys),
    /// AES-GCM with the IV before the wrapped key
    CloudhsmAesGcm {
        #[command(flatten)]
        keys: WrapKeys,
        #[command(flatten)]
        gcm: Gcm,
    },
    /// A temporary AES key under RSA-OAEP, and the key under that
    RsaAes {
        #[command(flatten)]
        keys: WrapKeys,
        #[command(flatten)]
        oaep: Oaep,
    },
    /// RSA-OAEP
    RsaOaep {
        #[command(flatten)]
        keys: WrapKeys,
        #[command(flatten)]
        oaep: Oaep,
    },
    /// RSA with PKCS#1 v1.5 padding; not in mode FIPS
    RsaPkcs(WrapKeys),
}

/// The two keys of wrapping.
#[derive(Debug, Args)]
pub(crate) struct WrapKeys {
    /// The key to export
    #[arg(long, num_args = 1.., required = true, value_name = "TERM")]
    pub(crate) payload_filter: Vec<Term>,
    /// The key that it is encrypted under
    #[arg(long, num_args = 1.., required = true, value_name = "TERM")]
    pub(crate) wrapping_filter: Vec<Term>,
    /// File to which the wrapped key is written, as bytes
    #[arg(long, value_name = "FILE")]
    pub(crate) path: Option<PathBuf>,
    /// File of a signed quorum token for the wrapping key
    #[arg(long, value_name = "FILE")]
    pub(crate) wrapping_approval: Option<PathBuf>,
    /// File of a signed quorum token for the key to export
    #[arg(long, value_name = "FILE")]
    pub(crate) payload_approval: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Gcm {
    /// The tag's length in bits
    #[arg(long)]
    pub(crate) tag_length_bits: u32,
    /// Additional authenticated data, as 0x...
    #[arg(long)]
    pub(crate) aad: Option<HexBytes>,
}

#[derive(Debug, Args)]
pub(crate) struct Oaep {
    /// The hash function
    #[arg(long, value_enum)]
    pub(crate) hash_function: HashName,
    /// The mask generation function; its hash must be the hash function
    #[arg(long, value_enum)]
    pub(crate) mgf: MgfName,
}

/// Ways to unwrap.
#[derive(Debug, Subcommand)]
pub(crate) enum Unwrap {
    /// AES-GCM
    AesGcm {
        #[command(flatten)]
        payload: UnwrapPayload,
        #[command(flatten)]
        gcm: Gcm,
        /// The IV that wrapping gave, as 0x...
        #[arg(long)]
        iv: HexBytes,
    },
    /// AES key wrap without padding (RFC 3394)
    AesNoPad(UnwrapPayload),
    /// AES key wrap (RFC 3394) after PKCS#5 padding
    AesPkcs5Pad(UnwrapPayload),
    /// AES key wrap with padding (RFC 5649)
    AesZeroPad(UnwrapPayload),
    /// AES-GCM with the IV before the wrapped key
    CloudhsmAesGcm {
        #[command(flatten)]
        payload: UnwrapPayload,
        #[command(flatten)]
        gcm: Gcm,
    },
    /// A temporary AES key under RSA-OAEP, and the key under that
    RsaAes {
        #[command(flatten)]
        payload: UnwrapPayload,
        #[command(flatten)]
        oaep: Oaep,
    },
    /// RSA-OAEP
    RsaOaep {
        #[command(flatten)]
        payload: UnwrapPayload,
        #[command(flatten)]
        oaep: Oaep,
    },
    /// RSA with PKCS#1 v1.5 padding; not in mode FIPS
    RsaPkcs(UnwrapPayload),
}

/// What is unwrapped, and into what.
#[derive(Debug, Args)]
pub(crate) struct UnwrapPayload {
    /// The key that unwraps
    #[arg(long, num_args = 1.., required = true, value_name = "TERM")]
    pub(crate) filter: Vec<Term>,
    #[command(flatten)]
    pub(crate) wrapped: WrappedData,
    /// What key it is
    #[arg(long, value_enum)]
    pub(crate) key_type_class: WrappedKind,
    /// The new key's label
    #[arg(long)]
    pub(crate) label: String,
    /// Attributes that differ from the defaults, for example `unwrap=true extractable=false`
    #[arg(long, num_args = 1.., value_name = "NAME=VALUE")]
    pub(crate) attributes: Vec<Assignment>,
    #[command(flatten)]
    pub(crate) sharing: Sharing,
    /// Make a session key: it lives on one HSM until you log out
    #[arg(long)]
    pub(crate) session: bool,
    /// File of a signed quorum token
    #[arg(long, value_name = "FILE")]
    pub(crate) approval: Option<PathBuf>,
}

/// The wrapped key, from the command line or a file.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct WrappedData {
    /// The wrapped key, in base64
    #[arg(long, value_name = "BASE64")]
    pub(crate) data: Option<String>,
    /// File with the wrapped key, as bytes
    #[arg(long, value_name = "FILE")]
    pub(crate) data_path: Option<PathBuf>,
}

/// What a wrapped key can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum WrappedKind {
    /// AES
    Aes,
    /// Triple DES
    Des3,
    /// A private key on an elliptic curve
    EcPrivate,
    /// A secret for HMAC or derivation
    GenericSecret,
    /// An RSA private key
    RsaPrivate,
}

impl WrappedKind {
    pub(crate) fn type_and_class(self) -> (KeyType, KeyClass) {
        match self {
            Self::Aes => (KeyType::Aes, KeyClass::SecretKey),
            Self::Des3 => (KeyType::Des3, KeyClass::SecretKey),
            Self::EcPrivate => (KeyType::Ec, KeyClass::PrivateKey),
            Self::GenericSecret => (KeyType::GenericSecret, KeyClass::SecretKey),
            Self::RsaPrivate => (KeyType::Rsa, KeyClass::PrivateKey),
        }
    }
}

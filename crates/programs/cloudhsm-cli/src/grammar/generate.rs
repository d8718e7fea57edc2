//! `key generate-symmetric ...` and `key generate-asymmetric-pair ...`

use clap::{Args, Subcommand, ValueEnum};
use strongroom_hsm_proto::command::{Curve, MlDsaSet};

use super::values::number;
use crate::attribute::Assignment;

/// Symmetric keys.
#[derive(Debug, Subcommand)]
pub(crate) enum Symmetric {
    /// Make an AES key
    Aes(SecretKey),
    /// Make a secret for HMAC or derivation
    GenericSecret(SecretKey),
}

#[derive(Debug, Args)]
pub(crate) struct SecretKey {
    /// The key's label
    #[arg(long)]
    pub(crate) label: String,
    /// The key's length: 16, 24 or 32 for AES, 1 to 800 for a generic secret
    #[arg(long)]
    pub(crate) key_length_bytes: u32,
    /// Make a session key: it lives on one HSM until you log out
    #[arg(long)]
    pub(crate) session: bool,
    /// Attributes that differ from the defaults, for example `wrap=true extractable=false`
    #[arg(long, num_args = 1.., value_name = "NAME=VALUE")]
    pub(crate) attributes: Vec<Assignment>,
    #[command(flatten)]
    pub(crate) sharing: Sharing,
}

/// Who else has to do with a key.
#[derive(Debug, Args)]
pub(crate) struct Sharing {
    /// Crypto users to share the key with
    #[arg(long, num_args = 1.., value_name = "USERNAME")]
    pub(crate) share_crypto_users: Vec<String>,
    /// How many must approve the key's management, 0 or 2 to 8
    #[arg(long, value_name = "N")]
    pub(crate) manage_key_quorum_value: Option<u32>,
    /// How many must approve the key's use, 0 or 2 to 8
    #[arg(long, value_name = "N")]
    pub(crate) use_key_quorum_value: Option<u32>,
}

/// Key pairs.
#[derive(Debug, Subcommand)]
pub(crate) enum Pair {
    /// Make an elliptic-curve pair
    Ec(EcPair),
    /// Make an ML-DSA pair (FIPS 204)
    MlDsa(MlDsaPair),
    /// Make an RSA pair
    Rsa(RsaPair),
}

/// What all pairs have.
#[derive(Debug, Args)]
pub(crate) struct PairOptions {
    /// The public key's label
    #[arg(long)]
    pub(crate) public_label: String,
    /// The private key's label
    #[arg(long)]
    pub(crate) private_label: String,
    /// Make session keys: they live on one HSM until you log out
    #[arg(long)]
    pub(crate) session: bool,
    /// Attributes of the public key that differ from the defaults, for example `verify=true`
    #[arg(long, num_args = 1.., value_name = "NAME=VALUE")]
    pub(crate) public_attributes: Vec<Assignment>,
    /// Attributes of the private key that differ from the defaults, for example `sign=true`
    #[arg(long, num_args = 1.., value_name = "NAME=VALUE")]
    pub(crate) private_attributes: Vec<Assignment>,
    /// Crypto users to share the private key with
    #[arg(long, num_args = 1.., value_name = "USERNAME")]
    pub(crate) share_crypto_users: Vec<String>,
    /// How many must approve the private key's management, 0 or 2 to 8
    #[arg(long, value_name = "N")]
    pub(crate) manage_private_key_quorum_value: Option<u32>,
    /// How many must approve the private key's use, 0 or 2 to 8
    #[arg(long, value_name = "N")]
    pub(crate) use_private_key_quorum_value: Option<u32>,
}

#[derive(Debug, Args)]
pub(crate) struct RsaPair {
    #[command(flatten)]
    pub(crate) pair: PairOptions,
    /// The modulus' size: 2048 to 4096, in steps of 256
    #[arg(long)]
    pub(crate) modulus_size_bits: u32,
    /// The public exponent: odd, 65537 or more
    #[arg(long, value_parser = number)]
    pub(crate) public_exponent: u64,
}

#[derive(Debug, Args)]
pub(crate) struct EcPair {
    #[command(flatten)]
    pub(crate) pair: PairOptions,
    /// The curve
    #[arg(long, value_enum)]
    pub(crate) curve: CurveName,
}

/// Curves. `ed25519` is for clusters in mode NON_FIPS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum CurveName {
    Prime256v1,
    Secp256r1,
    Secp224r1,
    Secp384r1,
    Secp256k1,
    Secp521r1,
    Ed25519,
}

impl From<CurveName> for Curve {
    fn from(name: CurveName) -> Self {
        match name {
            CurveName::Prime256v1 | CurveName::Secp256r1 => Self::Secp256r1,
            CurveName::Secp224r1 => Self::Secp224r1,
            CurveName::Secp384r1 => Self::Secp384r1,
            CurveName::Secp256k1 => Self::Secp256k1,
            CurveName::Secp521r1 => Self::Secp521r1,
            CurveName::Ed25519 => Self::Ed25519,
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct MlDsaPair {
    #[command(flatten)]
    pub(crate) pair: PairOptions,
    /// The parameter set
    #[arg(long, value_enum)]
    pub(crate) mldsa_algorithm: MlDsaName,
}

/// Parameter sets of ML-DSA.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum MlDsaName {
    #[value(name = "ML-DSA-44", alias = "ml-dsa-44")]
    MlDsa44,
    #[value(name = "ML-DSA-65", alias = "ml-dsa-65")]
    MlDsa65,
    #[value(name = "ML-DSA-87", alias = "ml-dsa-87")]
    MlDsa87,
}

impl From<MlDsaName> for MlDsaSet {
    fn from(name: MlDsaName) -> Self {
        match name {
            MlDsaName::MlDsa44 => Self::MlDsa44,
            MlDsaName::MlDsa65 => Self::MlDsa65,
            MlDsaName::MlDsa87 => Self::MlDsa87,
        }
    }
}

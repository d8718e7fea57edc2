//! `crypto sign ...` and `crypto verify ...`

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::values::{HashName, MgfName};
use crate::filter::Term;

/// An example of signing.
const SIGNING: &str = "\
For example:
  crypto sign rsa-pkcs --key-filter attr.label=my-key --hash-function sha256 --data-path letter.txt
The answer holds the signature in base64. RSA signatures verify with
  openssl dgst -sha256 -verify public.pem -signature letter.sig letter.txt
and `key generate-file --encoding pem` writes public.pem.";

/// An example of verifying.
const VERIFYING: &str = "\
For example:
  crypto verify rsa-pkcs --key-filter attr.label=my-public-key --hash-function sha256 --data-path letter.txt \\
      --signature-path letter.sig";

/// What can be computed.
#[derive(Debug, Subcommand)]
pub(crate) enum Crypto {
    /// Sign with a private key
    #[command(subcommand, after_help = SIGNING)]
    Sign(Sign),
    /// Verify a signature with a public key
    #[command(subcommand, after_help = VERIFYING)]
    Verify(Verify),
}

/// Ways to sign.
#[derive(Debug, Subcommand)]
pub(crate) enum Sign {
    /// ECDSA; the signature is r and then s
    Ecdsa {
        #[command(flatten)]
        input: SignInput,
        #[command(flatten)]
        mechanism: Hashed,
    },
    /// Ed25519; not in mode FIPS
    Ed25519 {
        #[command(flatten)]
        input: SignInput,
    },
    /// Ed25519ph; not in mode FIPS
    Ed25519ph {
        #[command(flatten)]
        input: SignInput,
        #[command(flatten)]
        mechanism: Ed25519phOptions,
    },
    /// ML-DSA (FIPS 204)
    MlDsa {
        #[command(flatten)]
        input: SignInput,
        #[command(flatten)]
        mechanism: MlDsaOptions,
    },
    /// RSASSA-PKCS1-v1_5
    RsaPkcs {
        #[command(flatten)]
        input: SignInput,
        #[command(flatten)]
        mechanism: Hashed,
    },
    /// RSASSA-PSS
    RsaPkcsPss {
        #[command(flatten)]
        input: SignInput,
        #[command(flatten)]
        mechanism: Pss,
    },
}

/// Ways to verify.
#[derive(Debug, Subcommand)]
pub(crate) enum Verify {
    /// ECDSA; the signature is r and then s
    Ecdsa {
        #[command(flatten)]
        input: VerifyInput,
        #[command(flatten)]
        mechanism: Hashed,
    },
    /// Ed25519; not in mode FIPS
    Ed25519 {
        #[command(flatten)]
        input: VerifyInput,
    },
    /// Ed25519ph; not in mode FIPS
    Ed25519ph {
        #[command(flatten)]
        input: VerifyInput,
        #[command(flatten)]
        mechanism: Ed25519phOptions,
    },
    /// ML-DSA (FIPS 204)
    MlDsa {
        #[command(flatten)]
        input: VerifyInput,
        #[command(flatten)]
        mechanism: MlDsaOptions,
    },
    /// RSASSA-PKCS1-v1_5
    RsaPkcs {
        #[command(flatten)]
        input: VerifyInput,
        #[command(flatten)]
        mechanism: Hashed,
    },
    /// RSASSA-PSS
    RsaPkcsPss {
        #[command(flatten)]
        input: VerifyInput,
        #[command(flatten)]
        mechanism: Pss,
    },
}

/// Key and data of a signature.
#[derive(Debug, Args)]
pub(crate) struct SignInput {
    /// Which key, as key-reference=0x... or attr.NAME=VALUE...
    #[arg(long, num_args = 1.., required = true, value_name = "TERM")]
    pub(crate) key_filter: Vec<Term>,
    #[command(flatten)]
    pub(crate) data: Data,
    /// File of a signed quorum token
    #[arg(long, value_name = "FILE")]
    pub(crate) approval: Option<PathBuf>,
}

/// Key, data and signature of a verification.
#[derive(Debug, Args)]
pub(crate) struct VerifyInput {
    /// Which key, as key-reference=0x... or attr.NAME=VALUE...
    #[arg(long, num_args = 1.., required = true, value_name = "TERM")]
    pub(crate) key_filter: Vec<Term>,
    #[command(flatten)]
    pub(crate) data: Data,
    #[command(flatten)]
    pub(crate) signature: Signature,
}

/// Data, from the command line or a file.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct Data {
    /// The data, in base64
    #[arg(long, value_name = "BASE64")]
    pub(crate) data: Option<String>,
    /// File with the data
    #[arg(long, value_name = "FILE")]
    pub(crate) data_path: Option<PathBuf>,
}

/// A signature, from the command line or a file.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct Signature {
    /// The signature, in base64
    #[arg(long, value_name = "BASE64")]
    pub(crate) signature: Option<String>,
    /// File with the signature
    #[arg(long, value_name = "FILE")]
    pub(crate) signature_path: Option<PathBuf>,
}

/// What the data is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum DataType {
    /// What is signed
    #[default]
    Raw,
    /// Its digest
    Digest,
}

/// A hash function, and what the data is.
#[derive(Debug, Args)]
pub(crate) struct Hashed {
    /// The hash function
    #[arg(long, value_enum)]
    pub(crate) hash_function: HashName,
    /// What the data is
    #[arg(long, value_enum, default_value_t)]
    pub(crate) data_type: DataType,
}

/// The parameters of PSS.
#[derive(Debug, Args)]
pub(crate) struct Pss {
    #[command(flatten)]
    pub(crate) hashed: Hashed,
    /// The mask generation function; its hash must be the hash function
    #[arg(long, value_enum)]
    pub(crate) mgf: MgfName,
    /// The salt's length in bytes
    #[arg(long)]
    pub(crate) salt_length: u32,
}

/// The parameters of Ed25519ph.
#[derive(Debug, Args)]
pub(crate) struct Ed25519phOptions {
    /// What the data is
    #[arg(long, value_enum)]
    pub(crate) data_type: DataType,
    /// The hash function
    #[arg(long, value_enum)]
    pub(crate) hash_function: OnlySha512,
}

/// Ed25519ph knows one hash function.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum OnlySha512 {
    Sha512,
}

/// The parameters of ML-DSA.
#[derive(Debug, Args)]
pub(crate) struct MlDsaOptions {
    /// What the data is
    #[arg(long, value_enum)]
    pub(crate) data_type: MlDsaDataType,
    /// The hash function
    #[arg(long, value_enum)]
    pub(crate) hash_function: OnlyShake256,
}

/// What ML-DSA signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum MlDsaDataType {
    /// What is signed
    Raw,
    /// The 64 bytes of mu
    ExternalMu,
}

/// ML-DSA knows one hash function.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum OnlyShake256 {
    Shake256,
}

//! Attestation documents of AWS Nitro Enclaves and of instances with a NitroTPM: what they say of themselves, signed by the
//! hypervisor under them.
//!
//! A document is a COSE_Sign1 (RFC 9052) over a CBOR map, signed with ES384 by a certificate that stands in the map, whose
//! chain ends in a root that the reader trusts: AWS's, or one of his own for enclaves that are not AWS's (AWS Nitro
//! Enclaves User Guide, "Verifying the root of trust"; its rules of syntax are those of the Nitro Secure Module's
//! `attestation_process.md`, 3.2).
//!
//! Nothing here reads a clock or a file. Documents are read in place: what they take in memory is bounded by their length.

#![warn(missing_docs)]

mod chain;
mod cursor;
mod document;
mod sign1;

pub use document::{Attestation, Measured};
use strongroom_pki::{Certificate, ReadError};

/// The longest document that is read, in bytes (KMS API Reference, `AttestationDocumentType`).
pub const MAX_LENGTH: usize = 262_144;

/// AWS's root for Nitro Enclaves, G1. SHA-256 of its DER, as AWS publishes it:
/// `64:1A:03:21:A3:E2:44:EF:E4:56:46:31:95:D6:06:31:7E:D7:CD:CC:3C:17:56:E0:98:93:F3:C6:8F:79:BB:5B`.
pub fn aws_root() -> Result<Certificate, ReadError> {
    Certificate::from_pem(include_str!("aws_nitro_enclaves_root.pem"))
}

/// Why a document is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotBelieved {
    /// It is not a document at all, or one with parts that may not be.
    #[error("it is malformed")]
    Malformed,
    /// Its chain of certificates does not lead to a root that is trusted.
    #[error("its certificates do not lead to a trusted root")]
    Untrusted,
    /// A certificate of its chain is not valid now.
    #[error("its certificates have expired, or are not valid yet")]
    Expired,
    /// Its signature is not its certificate's.
    #[error("its signature is wrong")]
    WrongSignature,
}

//! X.509: reading certificates and requests from strangers, making our own, and the rules for the certificates
//! that a customer brings to an HSM cluster.
//!
//! Certificates are bytes with facts read from them; nothing here reads a clock, a file or a socket, and there
//! is no trust store: each use says which certificate it trusts. Every length is bounded before it is parsed.
//! X.509 version 1 is read, because plain `openssl x509 -req` makes it.
//!
//! Start from [`Certificate`] to read, [`CertificateRequest::create`], [`CertificateRequest::answer`] and [`issue`]
//! to make, and [`check_cluster_certificate`] for what `InitializeCluster` asks. Keys stay where they are: whoever has one
//! implements [`Signer`].

#![warn(missing_docs)]

mod answer;
mod certificate;
mod cluster;
mod der;
mod enveloped;
mod issue;
mod name;
mod pem;
mod request;
mod signature;
mod signer;

pub use certificate::{BasicConstraints, Certificate};
pub use cluster::{CertificateProblem, ClusterCertificate, Which, check_cluster_certificate};
pub use enveloped::envelop;
pub use issue::{Identity, Kind, Validity, issue, self_sign};
pub use name::Name;
pub use pem::private_key_pem;
pub use request::CertificateRequest;
pub use signature::{PublicKeyKind, SignatureAlgorithm};
pub use signer::Signer;

/// The longest PEM text that is read, in bytes.
pub const MAX_PEM_LENGTH: usize = 20_000;
/// The longest single certificate or request that is read, in bytes of DER.
pub const MAX_DER_LENGTH: usize = 16 * 1024;
/// The most certificates in a chain.
pub const MAX_CHAIN_LENGTH: usize = 4;
/// The longest chain, all its certificates together, in bytes of DER.
pub const MAX_CHAIN_DER_LENGTH: usize = 16 * 1024;

/// Why a certificate or a request could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// It is longer than the bounds of this crate.
    #[error("it is too long")]
    TooLong,
    /// It is not PEM, or PEM of something else.
    #[error("it is not PEM of the expected kind")]
    NotPem,
    /// There are more of them than may be.
    #[error("it holds too many certificates")]
    TooMany,
    /// Its DER is not that of an X.509 certificate or a PKCS#10 request.
    #[error("its content is malformed")]
    Malformed,
}

/// A certificate or a request could not be made: the key refused to sign, or a name or a time cannot be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the certificate could not be made")]
pub struct MakeError;

impl From<rcgen::Error> for MakeError {
    fn from(_: rcgen::Error) -> Self {
        Self
    }
}

impl From<strongroom_crypto::CryptoError> for MakeError {
    fn from(_: strongroom_crypto::CryptoError) -> Self {
        Self
    }
}

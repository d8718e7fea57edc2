//! TLS 1.3 between HSMs, their clients and the control plane. Who is believed:
//!
//! - A client believes an HSM that shows the cluster's certificate: the one that it pinned, or one that the
//!   customer's authority signed ([`ClusterTrust`]). Certificates as `openssl x509 -req` makes them, of version 1,
//!   count; one that has expired is warned about and counts too, because nothing could replace it.
//! - An HSM believes a client by its log-in. Where trust anchors for clients are registered, it asks for a
//!   certificate too, and where they are enforced it insists ([`ClientAnchors`]).
//! - An HSM and the control plane know each other's certificates byte for byte ([`fleet`]).
//!
//! Connections are never resumed: a trust anchor that is gone lets nobody in.

mod anchors;
mod chain;
mod cluster_key;
mod configuration;
pub mod fleet;
mod handshake;
mod trust;

pub use anchors::ClientAnchors;
pub use cluster_key::{ClusterSigner, SchemeOfCluster};
pub use configuration::{ClientIdentity, client_config, server_config};
pub use trust::{ClusterTrust, Judgement};

use strongroom_pki::ReadError;

/// Why a certificate, a key or a peer is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// It is no certificate, or none that can be read.
    #[error("not a certificate: {0}")]
    NotACertificate(ReadError),
    /// There is no certificate where one is needed.
    #[error("there is no certificate")]
    Empty,
    /// It does not lead to what is trusted.
    #[error("the certificate is not the pinned one and was not signed by the trust anchor")]
    NotTrusted,
    /// It has expired, or is not valid yet, where that counts.
    #[error("the certificate has expired or is not valid yet")]
    NotValidNow,
    /// The key cannot be used.
    #[error("the private key cannot be used: {0}")]
    Key(String),
}

impl From<ReadError> for TlsError {
    fn from(error: ReadError) -> Self {
        Self::NotACertificate(error)
    }
}

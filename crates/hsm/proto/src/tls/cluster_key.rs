//! The cluster's private key, which stays in the HSM's core and signs handshakes from there.

use std::fmt;
use std::sync::Arc;

use rustls::sign::{Signer, SigningKey};
use rustls::{SignatureAlgorithm, SignatureScheme};

/// How the cluster's key, an RSA key, signs handshakes of TLS 1.3: RSASSA-PSS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SchemeOfCluster {
    /// With SHA-256.
    PssSha256,
    /// With SHA-384.
    PssSha384,
    /// With SHA-512.
    PssSha512,
}

/// What signs with the cluster's key.
pub trait ClusterSigner: Send + Sync {
    /// Signs a message; none when it cannot.
    fn sign(&self, scheme: SchemeOfCluster, message: &[u8]) -> Option<Vec<u8>>;
}

/// The cluster's key as rustls wants to see it.
#[derive(Clone)]
pub(super) struct ClusterKey(pub(super) Arc<dyn ClusterSigner>);

struct Chosen {
    key: ClusterKey,
    scheme: SchemeOfCluster,
}

/// In the order in which they are chosen.
const SCHEMES: [(SignatureScheme, SchemeOfCluster); 3] = [
    (SignatureScheme::RSA_PSS_SHA256, SchemeOfCluster::PssSha256),
    (SignatureScheme::RSA_PSS_SHA384, SchemeOfCluster::PssSha384),
    (SignatureScheme::RSA_PSS_SHA512, SchemeOfCluster::PssSha512),
];

impl SigningKey for ClusterKey {
    fn choose_scheme(&self, offered: &[SignatureScheme]) -> Option<Box<dyn Signer>> {
        let (_, scheme) = SCHEMES.into_iter().find(|(scheme, _)| offered.contains(scheme))?;
        Some(Box::new(Chosen { key: self.clone(), scheme }))
    }

    fn algorithm(&self) -> SignatureAlgorithm {
        SignatureAlgorithm::RSA
    }
}

impl Signer for Chosen {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rustls::Error> {
        let signature = self.key.0.sign(self.scheme, message);
        signature.ok_or_else(|| rustls::Error::General("the cluster's key cannot sign".to_owned()))
    }

    fn scheme(&self) -> SignatureScheme {
        match self.scheme {
            SchemeOfCluster::PssSha256 => SignatureScheme::RSA_PSS_SHA256,
            SchemeOfCluster::PssSha384 => SignatureScheme::RSA_PSS_SHA384,
            SchemeOfCluster::PssSha512 => SignatureScheme::RSA_PSS_SHA512,
        }
    }
}

impl fmt::Debug for ClusterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClusterKey(..)")
    }
}

impl fmt::Debug for Chosen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Chosen").field(&self.scheme).finish()
    }
}

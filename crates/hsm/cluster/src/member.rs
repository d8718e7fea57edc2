//! Members: who is in the cluster, and how an HSM asks to become one.

use strongroom_crypto::CryptoError;
use strongroom_secret::SecretBytes;

use crate::{ClusterError, MemberId, PartitionId};

/// An HSM's secret key for what other members send it (HPKE, RFC 9180). It never leaves the HSM.
#[derive(Clone, Debug)]
pub struct MemberSecret {
    pub(crate) secret: SecretBytes,
    pub(crate) public: Vec<u8>,
}

impl MemberSecret {
    /// Makes a new key pair.
    pub fn generate() -> Result<Self, CryptoError> {
        Err(CryptoError)
    }

    /// The public key.
    #[must_use]
    pub fn public_key(&self) -> &[u8] {
        &self.public
    }
}

/// Who an HSM is.
#[derive(Clone, Debug)]
pub struct Identity {
    /// Its name in the cluster.
    pub member: MemberId,
    /// Its key pair.
    pub secret: MemberSecret,
    /// Its device certificate and those above it, in a form that only the node reads; at most
    /// [`crate::MAX_DEVICE_CHAIN`] bytes.
    pub device_chain: Vec<u8>,
    /// The highest feature level that this version has; `FEATURE_LEVEL` but in tests.
    pub supports: u32,
}

/// A member as every replica knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Its name.
    pub id: MemberId,
    /// Its public key.
    pub public_key: Vec<u8>,
    /// Its device certificates, as it handed them in.
    pub device_chain: Vec<u8>,
    /// The highest feature level that it supports.
    pub supports: u32,
}

/// An HSM's request to be let into a cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JoinRequest {
    /// The partition that it wants to be a replica of.
    pub partition: PartitionId,
    /// Who asks.
    pub member: Member,
    /// The device key's signature over [`JoinRequest::signed_bytes`].
    pub signature: Vec<u8>,
}

impl JoinRequest {
    /// Makes a request; `sign` signs with the device's key.
    pub fn new(
        _identity: &Identity,
        _partition: PartitionId,
        _sign: impl FnOnce(&[u8]) -> Result<Vec<u8>, CryptoError>,
    ) -> Result<Self, ClusterError> {
        Err(ClusterError::Request)
    }

    /// What the device signs.
    #[must_use]
    pub fn signed_bytes(&self) -> Vec<u8> {
        Vec::new()
    }

    /// Writes the request.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        Vec::new()
    }

    /// Reads a request that a peer sent.
    pub fn decode(_bytes: &[u8]) -> Result<Self, ClusterError> {
        Err(ClusterError::Request)
    }
}

//! Signatures and MACs, where the key's backend computes them.

use strongroom_api_kms::actions;
use strongroom_policy::Authorized;

use super::KeyManagement;
use crate::domain::key::SharedKey;
use crate::domain::spec::{MacAlgorithm, Signed, SigningAlgorithm};
use crate::error::Refusal;

impl KeyManagement {
    /// Signs with the key's private half.
    pub(crate) async fn sign(
        &self,
        key: &Authorized<actions::Sign, SharedKey>,
        algorithm: SigningAlgorithm,
        signed: Signed<'_>,
    ) -> Result<Vec<u8>, Refusal> {
        let key = key.resource();
        self.backend(key).sign(key, self.usable(key)?, algorithm, signed).await
    }

    /// Verifies with the key's public half; a wrong signature is a refusal.
    pub(crate) async fn verify(
        &self,
        key: &Authorized<actions::Verify, SharedKey>,
        algorithm: SigningAlgorithm,
        signed: Signed<'_>,
        signature: &[u8],
    ) -> Result<(), Refusal> {
        let key = key.resource();
        let is_right = self.backend(key).verify(key, self.usable(key)?, algorithm, signed, signature).await?;
        if is_right { Ok(()) } else { Err(Refusal::InvalidSignature) }
    }

    /// Makes a MAC.
    pub(crate) async fn generate_mac(
        &self,
        key: &Authorized<actions::GenerateMac, SharedKey>,
        algorithm: MacAlgorithm,
        message: &[u8],
    ) -> Result<Vec<u8>, Refusal> {
        let key = key.resource();
        self.backend(key).mac(key, self.usable(key)?, algorithm, message).await
    }

    /// Verifies a MAC; a wrong one is a refusal.
    pub(crate) async fn verify_mac(
        &self,
        key: &Authorized<actions::VerifyMac, SharedKey>,
        algorithm: MacAlgorithm,
        message: &[u8],
        mac: &[u8],
    ) -> Result<(), Refusal> {
        let key = key.resource();
        let is_right = self.backend(key).verify_mac(key, self.usable(key)?, algorithm, message, mac).await?;
        if is_right { Ok(()) } else { Err(Refusal::InvalidMac) }
    }
}

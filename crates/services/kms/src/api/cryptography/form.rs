//! The two forms of ciphertexts: KMS's own, and an algorithm's.

use strongroom_api_kms::EncryptionAlgorithmSpec;
use strongroom_hsm_core::EncryptionContext;
use strongroom_policy::Authorized;
use strongroom_schema::Map;
use strongroom_secret::SecretBytes;

use super::encryption_context;
use super::source::Ciphertext;
use crate::KeyManagement;
use crate::api::algorithms;
use crate::domain::key::{Key, MaterialId, SharedKey};
use crate::domain::spec::{self, EncryptionAlgorithm};
use crate::error::Refusal;
use crate::management::{Decrypts, Encrypts};

/// How a key encrypts.
pub(super) enum Form {
    /// As KMS does with symmetric keys: the ciphertext names its key and material and is bound to a context.
    Derived(EncryptionContext),
    /// As the algorithm does, and nothing more: what anybody makes who has the public key.
    Raw(EncryptionAlgorithm),
}

impl Form {
    /// The form that the algorithm has with the key, which must have the algorithm.
    pub(super) fn of(
        key: &Key,
        algorithm: Option<&EncryptionAlgorithmSpec>,
        pairs: Option<Map<String>>,
    ) -> Result<Self, Refusal> {
        match algorithms::encryption(key, algorithm)? {
            EncryptionAlgorithm::SymmetricDefault => Ok(Self::Derived(encryption_context(pairs)?)),
            algorithm if pairs.is_none_or(|pairs| pairs.iter().next().is_none()) => Ok(Self::Raw(algorithm)),
            _ => Err(Refusal::Validation(
                "EncryptionContext is not supported when encrypting/decrypting with asymmetric CMKs."
                    .to_owned(),
            )),
        }
    }

    pub(super) fn algorithm(&self) -> EncryptionAlgorithmSpec {
        EncryptionAlgorithmSpec::from(match self {
            Self::Derived(_) => EncryptionAlgorithm::SymmetricDefault.as_str(),
            Self::Raw(algorithm) => algorithm.as_str(),
        })
    }

    /// Refuses a plaintext that is too long for the algorithm. The schema bounds what KMS's own form takes.
    pub(super) fn expect_room(&self, key: &Key, plaintext: &[u8]) -> Result<(), Refusal> {
        match self {
            Self::Derived(_) => Ok(()),
            Self::Raw(algorithm) => spec::fits(key.spec, *algorithm, plaintext),
        }
    }

    /// The material that a new ciphertext names, if it names one.
    pub(super) fn material<'k>(&self, key: &'k Key) -> Option<&'k MaterialId> {
        match self {
            Self::Derived(_) => key.current_material.as_ref(),
            Self::Raw(_) => None,
        }
    }

    /// The material that a ciphertext of this form names. What names none is no ciphertext of KMS's.
    pub(super) fn material_of<'r>(
        &self,
        ciphertext: &Ciphertext<'r>,
    ) -> Result<Option<&'r MaterialId>, Refusal> {
        match (self, &ciphertext.header) {
            (Self::Derived(_), Some(header)) => Ok(Some(header.material_id)),
            (Self::Derived(_), None) => Err(Refusal::InvalidCiphertext),
            (Self::Raw(_), _) => Ok(None),
        }
    }

    pub(super) async fn encrypt<A: Encrypts>(
        &self,
        kms: &KeyManagement,
        key: &Authorized<A, SharedKey>,
        plaintext: &[u8],
    ) -> Result<Vec<u8>, Refusal> {
        match self {
            Self::Derived(context) => kms.encrypt(key, context, plaintext).await,
            Self::Raw(algorithm) => kms.encrypt_raw(key, *algorithm, plaintext).await,
        }
    }

    pub(super) async fn decrypt<A: Decrypts>(
        &self,
        kms: &KeyManagement,
        key: &Authorized<A, SharedKey>,
        ciphertext: &Ciphertext<'_>,
    ) -> Result<SecretBytes, Refusal> {
        match (self, self.material_of(ciphertext)?) {
            (Self::Derived(context), Some(material)) => {
                kms.decrypt(key, material, context, ciphertext.blob).await
            }
            (Self::Derived(_), None) => Err(Refusal::InvalidCiphertext),
            (Self::Raw(algorithm), _) => kms.decrypt_raw(key, *algorithm, ciphertext.blob).await,
        }
    }
}

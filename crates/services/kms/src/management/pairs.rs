//! What else is done with pairs: RSA encryption, secrets agreed on and encapsulated, public halves, data key pairs.

use strongroom_api_kms::actions;
use strongroom_crypto::{ec, ed25519, ml_kem, rsa};
use strongroom_identity::RequestContext;
use strongroom_policy::Authorized;
use strongroom_secret::SecretBytes;

use super::KeyManagement;
use super::cryptography::{Decrypts, Encrypts};
use crate::backend::Encapsulated;
use crate::domain::key::{Key, SharedKey};
use crate::domain::spec::{DataKeyPairKind, EncryptionAlgorithm, Peer};
use crate::error::Refusal;

/// The public exponent of RSA data key pairs.
const PUBLIC_EXPONENT: u64 = 65_537;

impl KeyManagement {
    /// Encrypts with the key's public half. The ciphertext is the algorithm's own and names no key.
    pub(crate) async fn encrypt_raw<A: Encrypts>(
        &self,
        key: &Authorized<A, SharedKey>,
        algorithm: EncryptionAlgorithm,
        plaintext: &[u8],
    ) -> Result<Vec<u8>, Refusal> {
        let key = key.resource();
        self.backend(key).encrypt_raw(key, self.usable(key)?, algorithm, plaintext).await
    }

    /// Decrypts with the key's private half.
    pub(crate) async fn decrypt_raw<A: Decrypts>(
        &self,
        key: &Authorized<A, SharedKey>,
        algorithm: EncryptionAlgorithm,
        ciphertext: &[u8],
    ) -> Result<SecretBytes, Refusal> {
        let key = key.resource();
        // What has another length is no ciphertext of this key's, and need not be asked about.
        if key.spec.modulus_length().is_some_and(|length| length != ciphertext.len()) {
            return Err(Refusal::InvalidCiphertext);
        }
        self.backend(key).decrypt_raw(key, self.usable(key)?, algorithm, ciphertext).await
    }

    /// Agrees on a secret with the holder of another key.
    pub(crate) async fn derive_shared_secret(
        &self,
        key: &Authorized<actions::DeriveSharedSecret, SharedKey>,
        peer: &Peer,
    ) -> Result<SecretBytes, Refusal> {
        let key = key.resource();
        self.backend(key).agree(key, self.usable(key)?, peer).await
    }

    /// Makes a secret for whoever has the key's private half.
    pub(crate) async fn encapsulate(
        &self,
        key: &Authorized<actions::Encapsulate, SharedKey>,
    ) -> Result<Encapsulated, Refusal> {
        let key = key.resource();
        self.backend(key).encapsulate(key, self.usable(key)?).await
    }

    /// Takes a secret out with the key's private half. Only what has another length is refused.
    pub(crate) async fn decapsulate(
        &self,
        key: &Authorized<actions::Decapsulate, SharedKey>,
        ciphertext: &[u8],
    ) -> Result<SecretBytes, Refusal> {
        let key = key.resource();
        if key.spec.encapsulated_length() != Some(ciphertext.len()) {
            return Err(Refusal::InvalidCiphertext);
        }
        self.backend(key).decapsulate(key, self.usable(key)?, ciphertext).await
    }

    /// The key's public half as a DER SubjectPublicKeyInfo.
    pub(crate) fn public_key(key: &Authorized<actions::GetPublicKey, SharedKey>) -> Result<Vec<u8>, Refusal> {
        let key = key.resource();
        key.expect_staying()?;
        key.expect_made()?;
        if !key.spec.is_asymmetric() {
            return Err(Refusal::Unsupported(Some(format!(
                "{} key spec is {} which is not valid for GetPublicKey.",
                key.arn,
                key.spec.as_str()
            ))));
        }
        let current = key.current().ok_or_else(|| key.pending_import())?;
        current
            .public_key()
            .map(<[u8]>::to_vec)
            .ok_or_else(|| Refusal::internal("a pair is without its public half"))
    }

    /// Refuses data key pairs under keys in custom key stores where AWS's refusals are kept.
    pub(crate) fn expect_data_key_pairs(&self, key: &Key) -> Result<(), Refusal> {
        if key.store.is_some() && self.settings.strict {
            return Err(Refusal::Unsupported(Some(format!(
                "{} origin is AWS_CLOUDHSM which is not valid for this operation.",
                key.arn
            ))));
        }
        Ok(())
    }

    /// Makes a pair for the caller: the private half as PKCS#8, the public half as a SubjectPublicKeyInfo, both DER. It is
    /// made in this process, with AWS-LC: no HSM gives out a private key that it made.
    pub(crate) async fn make_data_key_pair(
        &self,
        context: &RequestContext,
        kind: DataKeyPairKind,
    ) -> Result<(SecretBytes, Vec<u8>), Refusal> {
        let made = if kind.spec().is_slow_to_make() {
            self.long_work.run(context.caller.principal.account(), move || make(kind)).await?
        } else {
            make(kind)
        };
        made.map_err(|error| Refusal::Internal(error.into()))
    }
}

fn make(kind: DataKeyPairKind) -> Result<(SecretBytes, Vec<u8>), strongroom_crypto::CryptoError> {
    let rsa = |bits| {
        let key = rsa::PrivateKey::generate(bits, PUBLIC_EXPONENT)?;
        Ok((key.to_pkcs8()?, key.public_key().to_spki()?))
    };
    let ec = |curve| {
        let key = ec::PrivateKey::generate(curve)?;
        Ok((key.to_pkcs8()?, key.public_key().to_spki()?))
    };
    let ml_kem = |set| {
        let key = ml_kem::PrivateKey::generate(set)?;
        Ok((key.to_pkcs8()?, key.public_key().to_spki()?))
    };
    match kind {
        DataKeyPairKind::Rsa2048 => rsa(2_048),
        DataKeyPairKind::Rsa3072 => rsa(3_072),
        DataKeyPairKind::Rsa4096 => rsa(4_096),
        DataKeyPairKind::P256 => ec(ec::Curve::P256),
        DataKeyPairKind::P384 => ec(ec::Curve::P384),
        DataKeyPairKind::P521 => ec(ec::Curve::P521),
        DataKeyPairKind::Secp256k1 => ec(ec::Curve::Secp256k1),
        DataKeyPairKind::Ed25519 => {
            let key = ed25519::PrivateKey::generate()?;
            Ok((key.to_pkcs8()?, key.public_key().to_spki()))
        }
        DataKeyPairKind::MlKem512 => ml_kem(ml_kem::ParameterSet::MlKem512),
        DataKeyPairKind::MlKem768 => ml_kem(ml_kem::ParameterSet::MlKem768),
        DataKeyPairKind::MlKem1024 => ml_kem(ml_kem::ParameterSet::MlKem1024),
    }
}

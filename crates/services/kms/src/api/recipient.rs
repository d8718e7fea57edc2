//! Answers for Nitro enclaves: the proof of who asks, and plaintext that only the enclave can read (KMS Developer Guide,
//! "Cryptographic attestation support in AWS KMS").

use strongroom_api_kms::{KeyEncryptionMechanism, RecipientInfo};
use strongroom_attestation::{Attestation, Measured};
use strongroom_crypto::rsa;
use strongroom_identity::{ConditionKeys, NoteValue, RequestContext};
use strongroom_pki::envelop;
use strongroom_schema::Blob;
use strongroom_secret::{Secret, SecretBytes};

use super::cryptography::secret_blob;
use crate::KeyManagement;
use crate::error::Refusal;

/// The bits of the keys that enclaves may have. Those of the Nitro Enclaves SDK have 2048.
const KEY_BITS: [u32; 3] = [2_048, 3_072, 4_096];

/// The enclave that an answer is for: what proves it, and its key.
pub(super) struct Enclave {
    attestation: Attestation,
    key: rsa::PublicKey,
}

/// Plaintext as an answer has it: in the clear for a caller, or encrypted for an enclave.
pub(super) struct Given {
    pub(super) plaintext: Option<Secret<Blob>>,
    pub(super) ciphertext_for_recipient: Option<Blob>,
}

impl Enclave {
    /// The enclave that the request names as the recipient, if it names one, and notes for the record who it is. AWS
    /// publishes no texts for documents that are not believed.
    pub(super) fn named(
        kms: &KeyManagement,
        context: &RequestContext,
        recipient: Option<&RecipientInfo>,
    ) -> Result<Option<Self>, Refusal> {
        let Some(recipient) = recipient else { return Ok(None) };
        match &recipient.key_encryption_algorithm {
            Some(KeyEncryptionMechanism::RsaesOaepSha256) => {}
            Some(other) => {
                return Err(Refusal::Validation(format!(
                    "KeyEncryptionAlgorithm {} is not supported: use RSAES_OAEP_SHA_256.",
                    other.as_str()
                )));
            }
            None => return Err(Refusal::missing("recipient.keyEncryptionAlgorithm")),
        }
        let document = recipient.attestation_document.as_ref();
        let document = document.ok_or_else(|| Refusal::missing("recipient.attestationDocument"))?;
        let roots = &kms.settings.enclave_roots;
        let attestation = Attestation::believed(&document.0, roots, context.now_ms.div_euclid(1_000))
            .map_err(|reason| {
                Refusal::Validation(format!("The attestation document is not valid: {reason}."))
            })?;
        let key = attestation.public_key().and_then(|spki| rsa::PublicKey::from_spki(spki).ok());
        let key = key.filter(|key| KEY_BITS.contains(&key.bits())).ok_or_else(|| {
            Refusal::Validation(
                "The attestation document has no RSA public key of 2048, 3072 or 4096 bits.".to_owned(),
            )
        })?;
        let enclave = Self { attestation, key };
        context.additional("recipient", NoteValue::Members(enclave.shown()));
        Ok(Some(enclave))
    }

    /// What the record of the call says of it (KMS Developer Guide, "Monitoring requests for Nitro enclaves").
    fn shown(&self) -> Vec<(String, NoteValue)> {
        let module = ("attestationDocumentModuleId".to_owned(), self.attestation.module_id().into());
        let digest = self.attestation.image_digest();
        let digest = digest.map(|digest| ("attestationDocumentEnclaveImageDigest".to_owned(), digest.into()));
        let (prefix, first) = match self.attestation.measured() {
            Measured::Enclave => ("attestationDocumentEnclavePCR", 1),
            Measured::Instance => ("attestationDocumentNitroTPMPCR", 0),
        };
        let registers = self.attestation.registers().filter(move |(number, _)| *number >= first);
        let registers =
            registers.map(|(number, value)| (format!("{prefix}{number}"), NoteValue::Text(value)));
        [module].into_iter().chain(digest).chain(registers).collect()
    }
}

/// The condition keys of a request with those that its enclave adds: `kms:RecipientAttestation:ImageSha384` and
/// `:PCR<number>`; of an instance `:NitroTPMPCR<number>` alone, since its registers say something else.
pub(super) fn attested(enclave: Option<&Enclave>, keys: ConditionKeys) -> ConditionKeys {
    let Some(Enclave { attestation, .. }) = enclave else { return keys };
    let keys = keys.with_some("kms:RecipientAttestation:ImageSha384", attestation.image_digest());
    let prefix = match attestation.measured() {
        Measured::Enclave => "kms:RecipientAttestation:PCR",
        Measured::Instance => "kms:RecipientAttestation:NitroTPMPCR",
    };
    attestation.registers().fold(keys, |keys, (number, value)| keys.with(&format!("{prefix}{number}"), value))
}

/// Plaintext for whoever asks.
pub(super) fn given(enclave: Option<&Enclave>, plaintext: &SecretBytes) -> Result<Given, Refusal> {
    let Some(Enclave { key, .. }) = enclave else {
        return Ok(Given { plaintext: Some(secret_blob(plaintext)), ciphertext_for_recipient: None });
    };
    let enveloped = envelop(key, plaintext.expose()).map_err(|error| Refusal::Internal(error.into()))?;
    Ok(Given { plaintext: None, ciphertext_for_recipient: Some(Blob(enveloped)) })
}

//! Encrypting, decrypting, and data keys.
//!
//! The order of checks is AWS's: what the parameters say together, the key, permission, the algorithm, and the
//! cryptography last.

use strongroom_api_kms::{
    DataKeySpec, DecryptRequest, DecryptResponse, EncryptRequest, EncryptResponse, EncryptionAlgorithmSpec,
    GenerateDataKeyRequest, GenerateDataKeyResponse, actions,
};
use strongroom_crypto::{hex, random};
use strongroom_hsm_core::EncryptionContext;
use strongroom_identity::{Action, RequestContext};
use strongroom_policy::Authorized;
use strongroom_schema::{Blob, Map};
use strongroom_secret::{Secret, SecretBytes};

use super::{KEY_RESOURCE, refuse_grant_tokens};
use crate::KeyManagement;
use crate::domain::identifier::Home;
use crate::domain::key::{Key, SharedKey};
use crate::error::Refusal;

/// The one algorithm of symmetric keys.
const ALGORITHM: EncryptionAlgorithmSpec = EncryptionAlgorithmSpec::SymmetricDefault;

pub(super) async fn encrypt(
    kms: &KeyManagement,
    context: &RequestContext,
    input: EncryptRequest,
) -> Result<EncryptResponse, Refusal> {
    refuse_grant_tokens(input.grant_tokens.as_deref())?;
    note_algorithm(context, input.encryption_algorithm.as_ref());
    let key = kms.find(context, &input.key_id).await?;
    let key: Authorized<actions::Encrypt, _> = permitted(kms, context, key)?;
    check_algorithm(input.encryption_algorithm.as_ref())?;
    let bound_to = encryption_context(input.encryption_context)?;
    note_material(context, key.resource());
    if input.dry_run == Some(true) {
        return Err(Refusal::DryRun);
    }
    let blob = kms.encrypt(&key, &bound_to, &input.plaintext.expose().0).await?;
    Ok(EncryptResponse {
        ciphertext_blob: Some(Blob(blob)),
        key_id: Some(key.resource().arn.clone()),
        encryption_algorithm: Some(ALGORITHM),
    })
}

pub(super) async fn decrypt(
    kms: &KeyManagement,
    context: &RequestContext,
    input: DecryptRequest,
) -> Result<DecryptResponse, Refusal> {
    if input.recipient.is_some() {
        return Err(Refusal::NotYet("Recipient (Nitro enclaves)"));
    }
    if input.dry_run_modifiers.is_some() {
        return Err(Refusal::NotYet("DryRunModifiers"));
    }
    refuse_grant_tokens(input.grant_tokens.as_deref())?;
    note_algorithm(context, input.encryption_algorithm.as_ref());
    let Some(Blob(blob)) = &input.ciphertext_blob else {
        return Err(Refusal::Validation(
            "1 validation error detected: Value at 'ciphertextBlob' failed to satisfy constraint: Member must not be \
             null"
                .to_owned(),
        ));
    };
    // The ciphertext comes first: what is none is refused before its key is looked for.
    let header = strongroom_hsm_core::parse_header(blob).map_err(|_| Refusal::InvalidCiphertext)?;
    let key = match &input.key_id {
        Some(named) => {
            let key = kms.find(context, named).await?;
            if key.id != header.key_id {
                return Err(Refusal::IncorrectKey);
            }
            key
        }
        None => kms.find_key_of_ciphertext(&Home::of(context), header.key_id).await?,
    };
    let key: Authorized<actions::Decrypt, _> = permitted(kms, context, key)?;
    check_algorithm(input.encryption_algorithm.as_ref())?;
    let bound_to = encryption_context(input.encryption_context)?;
    let material_id = hex::encode(header.material_id);
    // Any other id is no fact about the key: whoever made the ciphertext wrote it.
    if key.resource().material(header.material_id).is_some() {
        context.additional("keyMaterialId", material_id.as_str());
    }
    // A dry run does all but answer.
    let plaintext = kms.decrypt(&key, header.material_id, &bound_to, blob).await?;
    if input.dry_run == Some(true) {
        return Err(Refusal::DryRun);
    }
    Ok(DecryptResponse {
        key_id: Some(key.resource().arn.clone()),
        plaintext: Some(secret_blob(&plaintext)),
        encryption_algorithm: Some(ALGORITHM),
        ciphertext_for_recipient: None,
        key_material_id: Some(material_id),
    })
}

pub(super) async fn generate_data_key(
    kms: &KeyManagement,
    context: &RequestContext,
    input: GenerateDataKeyRequest,
) -> Result<GenerateDataKeyResponse, Refusal> {
    if input.recipient.is_some() {
        return Err(Refusal::NotYet("Recipient (Nitro enclaves)"));
    }
    let length = data_key_length(input.key_spec.as_ref(), input.number_of_bytes)?;
    refuse_grant_tokens(input.grant_tokens.as_deref())?;
    let key = kms.find(context, &input.key_id).await?;
    let key: Authorized<actions::GenerateDataKey, _> = permitted(kms, context, key)?;
    let bound_to = encryption_context(input.encryption_context)?;
    note_material(context, key.resource());
    if input.dry_run == Some(true) {
        return Err(Refusal::DryRun);
    }
    let data_key =
        SecretBytes::filled(length, random::fill).map_err(|error| Refusal::Internal(error.into()))?;
    let blob = kms.encrypt(&key, &bound_to, data_key.expose()).await?;
    Ok(GenerateDataKeyResponse {
        ciphertext_blob: Some(Blob(blob)),
        plaintext: Some(secret_blob(&data_key)),
        key_id: Some(key.resource().arn.clone()),
        ciphertext_for_recipient: None,
        key_material_id: Some(hex::encode(&key.resource().current_material)),
    })
}

/// Asks for permission, and notes the key.
fn permitted<A: Action>(
    kms: &KeyManagement,
    context: &RequestContext,
    key: SharedKey,
) -> Result<Authorized<A, SharedKey>, Refusal> {
    context.touched(KEY_RESOURCE, key.home.account, key.arn.clone());
    Ok(kms.authority().authorize(context, key)?)
}

/// A symmetric key has one algorithm; the schema has checked that the name is one at all.
fn check_algorithm(algorithm: Option<&EncryptionAlgorithmSpec>) -> Result<(), Refusal> {
    match algorithm {
        None | Some(EncryptionAlgorithmSpec::SymmetricDefault) => Ok(()),
        Some(other) => Err(Refusal::InvalidKeyUsage(format!(
            "Algorithm {} is incompatible with key spec SYMMETRIC_DEFAULT.",
            other.as_str()
        ))),
    }
}

/// The length of the data key in bytes: by its spec or by its number of bytes, not by both.
fn data_key_length(spec: Option<&DataKeySpec>, bytes: Option<i32>) -> Result<usize, Refusal> {
    let length = match (spec, bytes) {
        (Some(DataKeySpec::Aes128), None) => Some(16),
        (Some(DataKeySpec::Aes256), None) => Some(32),
        (None, Some(bytes)) => usize::try_from(bytes).ok(),
        _ => None,
    };
    length.ok_or_else(|| Refusal::Validation("Please specify either number of bytes or key spec.".to_owned()))
}

fn encryption_context(pairs: Option<Map<String>>) -> Result<EncryptionContext, Refusal> {
    let pairs = pairs.unwrap_or_default();
    EncryptionContext::new(pairs.iter()).map_err(|error| Refusal::Validation(error.to_string()))
}

/// Records show the algorithm also where the caller left it to its default.
fn note_algorithm(context: &RequestContext, algorithm: Option<&EncryptionAlgorithmSpec>) {
    if algorithm.is_none() {
        context.defaulted("encryptionAlgorithm", ALGORITHM.as_str());
    }
}

fn note_material(context: &RequestContext, key: &Key) {
    context.additional("keyMaterialId", hex::encode(&key.current_material).as_str());
}

fn secret_blob(bytes: &SecretBytes) -> Secret<Blob> {
    Secret::new(Blob(bytes.expose().clone()))
}

//! Data keys and random bytes.

use strongroom_api_kms::{
    DataKeySpec, GenerateDataKeyRequest, GenerateDataKeyResponse, GenerateDataKeyWithoutPlaintextRequest,
    GenerateDataKeyWithoutPlaintextResponse, GenerateRandomRequest, GenerateRandomResponse, actions,
};
use strongroom_crypto::{hex, random};
use strongroom_identity::RequestContext;
use strongroom_policy::{Authorized, Everything};
use strongroom_schema::{Blob, Map};
use strongroom_secret::SecretBytes;

use super::cryptography::{encryption_context, note_material, secret_blob, usable};
use super::refuse_grant_tokens;
use crate::KeyManagement;
use crate::domain::key::SharedKey;
use crate::error::Refusal;
use crate::management::Encrypts;

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
    context.ask(super::asked::generate_data_key(&input));
    let key = kms.find::<actions::GenerateDataKey>(context, &input.key_id).await?;
    let key: Authorized<actions::GenerateDataKey, _> = usable(kms, context, key)?;
    let dry_run = input.dry_run == Some(true);
    let made = generate(kms, context, &key, length, input.encryption_context, dry_run).await?;
    Ok(GenerateDataKeyResponse {
        ciphertext_blob: Some(Blob(made.blob)),
        plaintext: Some(secret_blob(&made.plaintext)),
        key_id: Some(key.resource().arn.clone()),
        ciphertext_for_recipient: None,
        key_material_id: Some(made.material_id),
    })
}

pub(super) async fn generate_data_key_without_plaintext(
    kms: &KeyManagement,
    context: &RequestContext,
    input: GenerateDataKeyWithoutPlaintextRequest,
) -> Result<GenerateDataKeyWithoutPlaintextResponse, Refusal> {
    let length = data_key_length(input.key_spec.as_ref(), input.number_of_bytes)?;
    refuse_grant_tokens(input.grant_tokens.as_deref())?;
    context.ask(super::asked::generate_data_key_without_plaintext(&input));
    let key = kms.find::<actions::GenerateDataKeyWithoutPlaintext>(context, &input.key_id).await?;
    let key: Authorized<actions::GenerateDataKeyWithoutPlaintext, _> = usable(kms, context, key)?;
    let dry_run = input.dry_run == Some(true);
    let made = generate(kms, context, &key, length, input.encryption_context, dry_run).await?;
    Ok(GenerateDataKeyWithoutPlaintextResponse {
        ciphertext_blob: Some(Blob(made.blob)),
        key_id: Some(key.resource().arn.clone()),
        key_material_id: Some(made.material_id),
    })
}

pub(super) fn generate_random(
    kms: &KeyManagement,
    context: &RequestContext,
    input: &GenerateRandomRequest,
) -> Result<GenerateRandomResponse, Refusal> {
    if input.recipient.is_some() {
        return Err(Refusal::NotYet("Recipient (Nitro enclaves)"));
    }
    let bytes = input.number_of_bytes.and_then(|bytes| usize::try_from(bytes).ok());
    let length = bytes.ok_or_else(|| Refusal::missing("numberOfBytes"))?;
    kms.authority().authorize::<actions::GenerateRandom, _>(context, Everything(context.account()))?;
    if let Some(id) = &input.custom_key_store_id {
        return Err(Refusal::NoSuchKeyStore(id.clone()));
    }
    Ok(GenerateRandomResponse {
        plaintext: Some(secret_blob(&random_bytes(length)?)),
        ciphertext_for_recipient: None,
    })
}

/// A new data key, in the clear and encrypted.
struct DataKey {
    plaintext: SecretBytes,
    blob: Vec<u8>,
    material_id: String,
}

async fn generate<A: Encrypts>(
    kms: &KeyManagement,
    context: &RequestContext,
    key: &Authorized<A, SharedKey>,
    length: usize,
    pairs: Option<Map<String>>,
    dry_run: bool,
) -> Result<DataKey, Refusal> {
    let bound_to = encryption_context(pairs)?;
    note_material(context, key.resource());
    if dry_run {
        return Err(Refusal::DryRun);
    }
    let plaintext = random_bytes(length)?;
    let blob = kms.encrypt(key, &bound_to, plaintext.expose()).await?;
    Ok(DataKey { plaintext, blob, material_id: hex::encode(&key.resource().current_material) })
}

fn random_bytes(length: usize) -> Result<SecretBytes, Refusal> {
    SecretBytes::filled(length, random::fill).map_err(|error| Refusal::Internal(error.into()))
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

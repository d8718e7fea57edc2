//! Data keys and random bytes.

use strongroom_api_kms::{
    DataKeySpec, GenerateDataKeyRequest, GenerateDataKeyResponse, GenerateDataKeyWithoutPlaintextRequest,
    GenerateDataKeyWithoutPlaintextResponse, GenerateRandomRequest, GenerateRandomResponse, actions,
};
use strongroom_identity::{ConditionKeys, RequestContext};
use strongroom_policy::{Authorized, Everything};
use strongroom_schema::{Blob, Map};

use super::algorithms;
use super::cryptography::{encryption_context, note_material, usable_for};
use super::recipient::{Enclave, Given, attested, given};
use crate::KeyManagement;
use crate::backend::DataKey;
use crate::domain::key::SharedKey;
use crate::domain::spec::KeyUsage;
use crate::error::Refusal;
use crate::management::Encrypts;

pub(super) async fn generate_data_key(
    kms: &KeyManagement,
    context: &RequestContext,
    input: GenerateDataKeyRequest,
) -> Result<GenerateDataKeyResponse, Refusal> {
    let enclave = Enclave::named(kms, context, input.recipient.as_ref())?;
    let length = data_key_length(input.key_spec.as_ref(), input.number_of_bytes)?;
    kms.check_grant_tokens(input.grant_tokens.as_deref())?;
    context.ask(attested(enclave.as_ref(), super::asked::generate_data_key(&input)));
    let key = kms.find::<actions::GenerateDataKey>(context, &input.key_id).await?;
    let key: Authorized<actions::GenerateDataKey, _> =
        usable_for(kms, context, key, KeyUsage::EncryptDecrypt)?;
    let (pairs, dry_run) = (input.encryption_context, input.dry_run == Some(true));
    let asked = Asked { length, pairs, want_plaintext: true, dry_run };
    let (made, material_id) = generate(kms, context, &key, asked).await?;
    let plaintext = made.plaintext.ok_or_else(|| Refusal::internal("a data key without its plaintext"))?;
    let given = given(enclave.as_ref(), &plaintext)?;
    Ok(GenerateDataKeyResponse {
        ciphertext_blob: Some(Blob(made.blob)),
        plaintext: given.plaintext,
        key_id: Some(key.resource().arn.clone()),
        ciphertext_for_recipient: given.ciphertext_for_recipient,
        key_material_id: material_id,
    })
}

pub(super) async fn generate_data_key_without_plaintext(
    kms: &KeyManagement,
    context: &RequestContext,
    input: GenerateDataKeyWithoutPlaintextRequest,
) -> Result<GenerateDataKeyWithoutPlaintextResponse, Refusal> {
    let length = data_key_length(input.key_spec.as_ref(), input.number_of_bytes)?;
    kms.check_grant_tokens(input.grant_tokens.as_deref())?;
    context.ask(super::asked::generate_data_key_without_plaintext(&input));
    let key = kms.find::<actions::GenerateDataKeyWithoutPlaintext>(context, &input.key_id).await?;
    let key: Authorized<actions::GenerateDataKeyWithoutPlaintext, _> =
        usable_for(kms, context, key, KeyUsage::EncryptDecrypt)?;
    let (pairs, dry_run) = (input.encryption_context, input.dry_run == Some(true));
    let asked = Asked { length, pairs, want_plaintext: false, dry_run };
    let (made, material_id) = generate(kms, context, &key, asked).await?;
    Ok(GenerateDataKeyWithoutPlaintextResponse {
        ciphertext_blob: Some(Blob(made.blob)),
        key_id: Some(key.resource().arn.clone()),
        key_material_id: material_id,
    })
}

/// Whether the record of a KMS call shows its parameters: that of GenerateRandom has none (KMS Developer Guide,
/// "Logging AWS KMS API calls with AWS CloudTrail", "GenerateRandom").
pub fn shows_parameters(operation: &str) -> bool {
    operation != "GenerateRandom"
}

pub(super) async fn generate_random(
    kms: &KeyManagement,
    context: &RequestContext,
    input: GenerateRandomRequest,
) -> Result<GenerateRandomResponse, Refusal> {
    let enclave = Enclave::named(kms, context, input.recipient.as_ref())?;
    context.ask(attested(enclave.as_ref(), ConditionKeys::new()));
    let bytes = input.number_of_bytes.and_then(|bytes| usize::try_from(bytes).ok());
    let length = bytes.ok_or_else(|| Refusal::missing("numberOfBytes"))?;
    kms.authority().authorize::<actions::GenerateRandom, _>(context, Everything(context.account()))?;
    if let Some(store) = &input.custom_key_store_id {
        context.additional("customKeyStoreId", store.as_str());
    }
    let random = kms.random(context, input.custom_key_store_id.as_deref(), length).await?;
    let Given { plaintext, ciphertext_for_recipient } = given(enclave.as_ref(), &random)?;
    Ok(GenerateRandomResponse { plaintext, ciphertext_for_recipient })
}

/// What is asked of a data key.
struct Asked {
    length: usize,
    pairs: Option<Map<String>>,
    want_plaintext: bool,
    dry_run: bool,
}

/// Makes a data key, and tells which material encrypts it.
async fn generate<A: Encrypts>(
    kms: &KeyManagement,
    context: &RequestContext,
    key: &Authorized<A, SharedKey>,
    asked: Asked,
) -> Result<(DataKey, Option<String>), Refusal> {
    // The request names no algorithm, and only one encrypts a data key.
    algorithms::encryption(key.resource(), None)?;
    let bound_to = encryption_context(asked.pairs)?;
    note_material(context, key.resource());
    if asked.dry_run {
        return Err(kms.dry_run(key.resource()).await);
    }
    let made = kms.generate_data_key(key, &bound_to, asked.length, asked.want_plaintext).await?;
    Ok((made, key.resource().current_material_id()))
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

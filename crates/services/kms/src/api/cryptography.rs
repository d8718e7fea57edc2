//! Encrypting, decrypting, and both at once.
//!
//! The order of checks is AWS's: what the parameters say together, the key, permission, what the key is for, its
//! state, the algorithm, and the cryptography last.

mod form;
mod source;

use strongroom_api_kms::{
    DecryptRequest, DecryptResponse, EncryptRequest, EncryptResponse, EncryptionAlgorithmSpec,
    ReEncryptRequest, ReEncryptResponse, actions,
};
use strongroom_crypto::hex;
use strongroom_hsm_core::EncryptionContext;
use strongroom_identity::{Action, RequestContext};
use strongroom_policy::Authorized;
use strongroom_schema::{Blob, Map};
use strongroom_secret::{Secret, SecretBytes};

use self::form::Form;
use self::source::{Source, ignores_ciphertext};
use super::recipient::{Enclave, attested, given};
use crate::KeyManagement;
use crate::domain::key::{Key, MaterialId, SharedKey};
use crate::domain::spec::{EncryptionAlgorithm, KeyUsage};
use crate::error::Refusal;
use crate::management::{KEY_RESOURCE, ReEncryptFrom, ReEncryptTo};

pub(super) async fn encrypt(
    kms: &KeyManagement,
    context: &RequestContext,
    input: EncryptRequest,
) -> Result<EncryptResponse, Refusal> {
    kms.check_grant_tokens(input.grant_tokens.as_deref())?;
    note_algorithm(context, "encryptionAlgorithm", input.encryption_algorithm.as_ref());
    context.ask(super::asked::encrypt(&input));
    let key = kms.find::<actions::Encrypt>(context, &input.key_id).await?;
    let key: Authorized<actions::Encrypt, _> = usable_for(kms, context, key, KeyUsage::EncryptDecrypt)?;
    let form = Form::of(key.resource(), input.encryption_algorithm.as_ref(), input.encryption_context)?;
    let plaintext = &input.plaintext.expose().0;
    form.expect_room(key.resource(), plaintext)?;
    note_material(context, key.resource());
    if input.dry_run == Some(true) {
        return Err(kms.dry_run(key.resource()).await);
    }
    let blob = form.encrypt(kms, &key, plaintext).await?;
    Ok(EncryptResponse {
        ciphertext_blob: Some(Blob(blob)),
        key_id: Some(key.resource().arn.clone()),
        encryption_algorithm: Some(form.algorithm()),
    })
}

pub(super) async fn decrypt(
    kms: &KeyManagement,
    context: &RequestContext,
    input: DecryptRequest,
) -> Result<DecryptResponse, Refusal> {
    let enclave = Enclave::named(kms, context, input.recipient.as_ref())?;
    let dry_run = input.dry_run == Some(true);
    let source = Source {
        blob: input.ciphertext_blob.as_ref().map(|blob| blob.0.as_slice()),
        key_id: input.key_id.as_deref(),
        key_id_member: "keyId",
        algorithm: input.encryption_algorithm.as_ref(),
        ignored: ignores_ciphertext(dry_run, input.dry_run_modifiers.as_deref())?,
        destination: None,
    };
    kms.check_grant_tokens(input.grant_tokens.as_deref())?;
    note_algorithm(context, "encryptionAlgorithm", input.encryption_algorithm.as_ref());
    context.ask(attested(enclave.as_ref(), super::asked::decrypt(&input)));
    let (key, ciphertext) = source.find::<actions::Decrypt>(kms, context).await?;
    note_store(context, key.resource(), "customKeyStoreId");
    expect_usable(key.resource(), KeyUsage::EncryptDecrypt, actions::Decrypt::NAME)?;
    let form = Form::of(key.resource(), input.encryption_algorithm.as_ref(), input.encryption_context)?;
    let Some(ciphertext) = ciphertext else { return Err(kms.dry_run(key.resource()).await) };
    let material_id = form.material_of(&ciphertext)?;
    note_material_of(context, key.resource(), "keyMaterialId", material_id);
    // A dry run does all but answer.
    let plaintext = form.decrypt(kms, &key, &ciphertext).await?;
    if dry_run {
        return Err(Refusal::DryRun);
    }
    let given = given(enclave.as_ref(), &plaintext)?;
    Ok(DecryptResponse {
        key_id: Some(key.resource().arn.clone()),
        plaintext: given.plaintext,
        encryption_algorithm: Some(form.algorithm()),
        ciphertext_for_recipient: given.ciphertext_for_recipient,
        key_material_id: material_id.map(|id| hex::encode(id)),
    })
}

pub(super) async fn re_encrypt(
    kms: &KeyManagement,
    context: &RequestContext,
    input: ReEncryptRequest,
) -> Result<ReEncryptResponse, Refusal> {
    context.ask(super::asked::re_encrypt_from(&input));
    let dry_run = input.dry_run == Some(true);
    let (from_algorithm, to_algorithm) =
        (input.source_encryption_algorithm.as_ref(), input.destination_encryption_algorithm.as_ref());
    let destination = kms.named(context, &input.destination_key_id).await?;
    let source = Source {
        blob: input.ciphertext_blob.as_ref().map(|blob| blob.0.as_slice()),
        key_id: input.source_key_id.as_deref(),
        key_id_member: "sourceKeyId",
        algorithm: from_algorithm,
        ignored: ignores_ciphertext(dry_run, input.dry_run_modifiers.as_deref())?,
        destination: destination.as_deref(),
    };
    kms.check_grant_tokens(input.grant_tokens.as_deref())?;
    note_algorithm(context, "sourceEncryptionAlgorithm", from_algorithm);
    note_algorithm(context, "destinationEncryptionAlgorithm", to_algorithm);
    let (from, ciphertext) = source.find::<ReEncryptFrom>(kms, context).await?;
    let on_same_key = source.is_destination(from.resource());
    context.ask(super::asked::re_encrypt_to(&input, on_same_key));
    let to = match &destination {
        Some(key) => key.clone(),
        None => kms.find::<ReEncryptTo>(context, &input.destination_key_id).await?,
    };
    let to: Authorized<ReEncryptTo, _> = permitted(kms, context, to)?;
    note_store(context, from.resource(), "sourceCustomKeyStoreId");
    note_store(context, to.resource(), "destinationCustomKeyStoreId");
    for key in [from.resource(), to.resource()] {
        key.expect_usage(KeyUsage::EncryptDecrypt, actions::ReEncrypt::NAME)?;
    }
    from.resource().expect_enabled()?;
    to.resource().expect_enabled()?;
    let from_form = Form::of(from.resource(), from_algorithm, input.source_encryption_context)?;
    let to_form = Form::of(to.resource(), to_algorithm, input.destination_encryption_context)?;
    let Some(ciphertext) = ciphertext else { return Err(kms.dry_run(to.resource()).await) };
    let source_material = from_form.material_of(&ciphertext)?;
    let material = to_form.material(to.resource());
    note_material_of(context, from.resource(), "sourceKeyMaterialId", source_material);
    note_material_of(context, to.resource(), "destinationKeyMaterialId", material);
    let blob = match (&from_form, source_material, &to_form) {
        // One call where one place holds both keys.
        (Form::Derived(bound_to), Some(source_material), Form::Derived(bind_to)) if !dry_run => {
            kms.re_encrypt((&from, source_material), bound_to, ciphertext.blob, &to, bind_to).await?
        }
        _ => {
            let plaintext = from_form.decrypt(kms, &from, &ciphertext).await?;
            to_form.expect_room(to.resource(), plaintext.expose())?;
            if dry_run {
                return Err(kms.dry_run(to.resource()).await);
            }
            to_form.encrypt(kms, &to, plaintext.expose()).await?
        }
    };
    Ok(ReEncryptResponse {
        ciphertext_blob: Some(Blob(blob)),
        source_key_id: Some(from.resource().arn.clone()),
        key_id: Some(to.resource().arn.clone()),
        source_encryption_algorithm: Some(from_form.algorithm()),
        destination_encryption_algorithm: Some(to_form.algorithm()),
        source_key_material_id: source_material.map(|id| hex::encode(id)),
        destination_key_material_id: material.map(|id| hex::encode(id)),
    })
}

/// Asks for permission, and notes the key.
pub(super) fn permitted<A: Action>(
    kms: &KeyManagement,
    context: &RequestContext,
    key: SharedKey,
) -> Result<Authorized<A, SharedKey>, Refusal> {
    context.touched(KEY_RESOURCE, key.home.account, key.arn.clone());
    Ok(kms.authority().authorize(context, key)?)
}

/// Asks for permission to use a key for what it is for, and refuses one that cannot be used now.
pub(super) fn usable_for<A: Action>(
    kms: &KeyManagement,
    context: &RequestContext,
    key: SharedKey,
    usage: KeyUsage,
) -> Result<Authorized<A, SharedKey>, Refusal> {
    let key = permitted(kms, context, key)?;
    note_store(context, key.resource(), "customKeyStoreId");
    expect_usable(key.resource(), usage, A::NAME)?;
    Ok(key)
}

fn expect_usable(key: &Key, usage: KeyUsage, action: &str) -> Result<(), Refusal> {
    key.expect_usage(usage, action)?;
    key.expect_enabled()
}

pub(super) fn encryption_context(pairs: Option<Map<String>>) -> Result<EncryptionContext, Refusal> {
    let pairs = pairs.unwrap_or_default();
    EncryptionContext::new(pairs.iter()).map_err(|error| Refusal::Validation(error.to_string()))
}

/// Records show the algorithm also where the caller left it to its default.
fn note_algorithm(
    context: &RequestContext,
    member: &'static str,
    algorithm: Option<&EncryptionAlgorithmSpec>,
) {
    if algorithm.is_none() {
        context.defaulted(member, EncryptionAlgorithm::SymmetricDefault.as_str());
    }
}

/// Notes the custom key store in which it is computed, if it is one.
fn note_store(context: &RequestContext, key: &Key, member: &'static str) {
    if let Some(store) = &key.store {
        context.additional(member, store.as_str());
    }
}

/// Notes the material that encrypts, of a key that has more than one in its life.
pub(super) fn note_material(context: &RequestContext, key: &Key) {
    if let Some(id) = key.current_material_id().filter(|_| key.spec.is_symmetric()) {
        context.additional("keyMaterialId", id);
    }
}

/// Notes a material of the key's. Any other id is no fact about the key: whoever made the ciphertext wrote it.
fn note_material_of(context: &RequestContext, key: &Key, member: &'static str, id: Option<&MaterialId>) {
    if let Some(id) = id.filter(|id| key.material(id).is_some()) {
        context.additional(member, hex::encode(id));
    }
}

pub(super) fn secret_blob(bytes: &SecretBytes) -> Secret<Blob> {
    Secret::new(Blob(bytes.expose().clone()))
}

//! Encrypting, decrypting, and both at once.
//!
//! The order of checks is AWS's: what the parameters say together, the key, permission, the key's state, the
//! algorithm, and the cryptography last.

use strongroom_api_kms::{
    DecryptRequest, DecryptResponse, DryRunModifierType, EncryptRequest, EncryptResponse,
    EncryptionAlgorithmSpec, ReEncryptRequest, ReEncryptResponse, actions,
};
use strongroom_crypto::hex;
use strongroom_hsm_core::{BlobHeader, EncryptionContext};
use strongroom_identity::{Action, RequestContext};
use strongroom_policy::Authorized;
use strongroom_schema::{Blob, Map};
use strongroom_secret::{Secret, SecretBytes};

use super::refuse_grant_tokens;
use crate::KeyManagement;
use crate::domain::identifier::Home;
use crate::domain::key::{Key, SharedKey};
use crate::error::Refusal;
use crate::management::{KEY_RESOURCE, ReEncryptFrom, ReEncryptTo};

/// The one algorithm of symmetric keys.
const ALGORITHM: EncryptionAlgorithmSpec = EncryptionAlgorithmSpec::SymmetricDefault;

pub(super) async fn encrypt(
    kms: &KeyManagement,
    context: &RequestContext,
    input: EncryptRequest,
) -> Result<EncryptResponse, Refusal> {
    refuse_grant_tokens(input.grant_tokens.as_deref())?;
    note_algorithm(context, "encryptionAlgorithm", input.encryption_algorithm.as_ref());
    context.ask(super::asked::encrypt(&input));
    let key = kms.find::<actions::Encrypt>(context, &input.key_id).await?;
    let key: Authorized<actions::Encrypt, _> = usable(kms, context, key)?;
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
    let dry_run = input.dry_run == Some(true);
    let source = Source {
        blob: input.ciphertext_blob.as_ref().map(|blob| blob.0.as_slice()),
        key_id: input.key_id.as_deref(),
        key_id_member: "keyId",
        ignored: ignores_ciphertext(dry_run, input.dry_run_modifiers.as_deref())?,
    };
    refuse_grant_tokens(input.grant_tokens.as_deref())?;
    note_algorithm(context, "encryptionAlgorithm", input.encryption_algorithm.as_ref());
    context.ask(super::asked::decrypt(&input));
    let (key, ciphertext) = source.find::<actions::Decrypt>(kms, context).await?;
    key.resource().expect_enabled()?;
    check_algorithm(input.encryption_algorithm.as_ref())?;
    let bound_to = encryption_context(input.encryption_context)?;
    let Some((header, blob)) = ciphertext else { return Err(Refusal::DryRun) };
    let material_id = hex::encode(header.material_id);
    // Any other id is no fact about the key: whoever made the ciphertext wrote it.
    if key.resource().material(header.material_id).is_some() {
        context.additional("keyMaterialId", material_id.as_str());
    }
    // A dry run does all but answer.
    let plaintext = kms.decrypt(&key, header.material_id, &bound_to, blob).await?;
    if dry_run {
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

pub(super) async fn re_encrypt(
    kms: &KeyManagement,
    context: &RequestContext,
    input: ReEncryptRequest,
) -> Result<ReEncryptResponse, Refusal> {
    context.ask(super::asked::re_encrypt_from(&input));
    let dry_run = input.dry_run == Some(true);
    let source = Source {
        blob: input.ciphertext_blob.as_ref().map(|blob| blob.0.as_slice()),
        key_id: input.source_key_id.as_deref(),
        key_id_member: "sourceKeyId",
        ignored: ignores_ciphertext(dry_run, input.dry_run_modifiers.as_deref())?,
    };
    refuse_grant_tokens(input.grant_tokens.as_deref())?;
    note_algorithm(context, "sourceEncryptionAlgorithm", input.source_encryption_algorithm.as_ref());
    note_algorithm(
        context,
        "destinationEncryptionAlgorithm",
        input.destination_encryption_algorithm.as_ref(),
    );
    let (from, ciphertext) = source.find::<ReEncryptFrom>(kms, context).await?;
    context.ask(super::asked::re_encrypt_to(&input));
    let to = kms.find::<ReEncryptTo>(context, &input.destination_key_id).await?;
    let to: Authorized<ReEncryptTo, _> = permitted(kms, context, to)?;
    from.resource().expect_enabled()?;
    to.resource().expect_enabled()?;
    check_algorithm(input.source_encryption_algorithm.as_ref())?;
    check_algorithm(input.destination_encryption_algorithm.as_ref())?;
    let bound_to = encryption_context(input.source_encryption_context)?;
    let bind_to = encryption_context(input.destination_encryption_context)?;
    let Some((header, blob)) = ciphertext else { return Err(Refusal::DryRun) };
    let (source_material, material) =
        (hex::encode(header.material_id), hex::encode(&to.resource().current_material));
    if from.resource().material(header.material_id).is_some() {
        context.additional("sourceKeyMaterialId", source_material.as_str());
    }
    context.additional("destinationKeyMaterialId", material.as_str());
    let plaintext = kms.decrypt(&from, header.material_id, &bound_to, blob).await?;
    if dry_run {
        return Err(Refusal::DryRun);
    }
    let blob = kms.encrypt(&to, &bind_to, plaintext.expose()).await?;
    Ok(ReEncryptResponse {
        ciphertext_blob: Some(Blob(blob)),
        source_key_id: Some(from.resource().arn.clone()),
        key_id: Some(to.resource().arn.clone()),
        source_encryption_algorithm: Some(ALGORITHM),
        destination_encryption_algorithm: Some(ALGORITHM),
        source_key_material_id: Some(source_material),
        destination_key_material_id: Some(material),
    })
}

/// A ciphertext that is to be decrypted, and the key that the caller says it is of.
struct Source<'r> {
    blob: Option<&'r [u8]>,
    key_id: Option<&'r str>,
    /// What the request calls the key.
    key_id_member: &'static str,
    /// A dry run that asks about the key alone.
    ignored: bool,
}

/// A ciphertext and what it says of itself; `None` where it is ignored.
type Parsed<'r> = Option<(BlobHeader<'r>, &'r [u8])>;

impl<'r> Source<'r> {
    /// The key, with permission to do `A` to it. The ciphertext comes first: what is none is refused before its
    /// key is looked for. A caller who names no key learns nothing of one that is denied to him.
    async fn find<A: Action>(
        &self,
        kms: &KeyManagement,
        context: &RequestContext,
    ) -> Result<(Authorized<A, SharedKey>, Parsed<'r>), Refusal> {
        if self.ignored {
            let key_id = self.key_id.ok_or_else(|| Refusal::missing(self.key_id_member))?;
            let key = kms.find::<A>(context, key_id).await?;
            return Ok((permitted(kms, context, key)?, None));
        }
        let blob = self.blob.ok_or_else(|| Refusal::missing_bytes("ciphertextBlob"))?;
        let header = strongroom_hsm_core::parse_header(blob).map_err(|_| Refusal::InvalidCiphertext)?;
        let key = match self.key_id {
            None => {
                let key = kms.find_key_of_ciphertext(&Home::of(context), header.key_id).await?;
                permitted(kms, context, key).map_err(|_| Refusal::CiphertextOfUnknownKey)?
            }
            Some(named) => {
                let key = kms.find::<A>(context, named).await?;
                permitted(kms, context, key)?
            }
        };
        if key.resource().id != header.key_id {
            return Err(Refusal::IncorrectKey);
        }
        Ok((key, Some((header, blob))))
    }
}

/// Whether a dry run leaves the ciphertext out of account.
fn ignores_ciphertext(dry_run: bool, modifiers: Option<&[DryRunModifierType]>) -> Result<bool, Refusal> {
    let modifiers = modifiers.unwrap_or_default();
    if !modifiers.is_empty() && !dry_run {
        return Err(Refusal::Validation(
            "DryRunModifiers can only be specified when DryRun is set to true.".to_owned(),
        ));
    }
    Ok(modifiers.contains(&DryRunModifierType::IgnoreCiphertext))
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

/// Asks for permission to use a key, and refuses one that cannot be used now.
pub(super) fn usable<A: Action>(
    kms: &KeyManagement,
    context: &RequestContext,
    key: SharedKey,
) -> Result<Authorized<A, SharedKey>, Refusal> {
    let key = permitted(kms, context, key)?;
    key.resource().expect_enabled()?;
    Ok(key)
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
        context.defaulted(member, ALGORITHM.as_str());
    }
}

pub(super) fn note_material(context: &RequestContext, key: &Key) {
    context.additional("keyMaterialId", hex::encode(&key.current_material).as_str());
}

pub(super) fn secret_blob(bytes: &SecretBytes) -> Secret<Blob> {
    Secret::new(Blob(bytes.expose().clone()))
}

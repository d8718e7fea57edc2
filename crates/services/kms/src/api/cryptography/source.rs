//! What is decrypted, and with which key.

use strongroom_api_kms::{DryRunModifierType, EncryptionAlgorithmSpec};
use strongroom_hsm_core::BlobHeader;
use strongroom_identity::{Action, ConditionKeys, RequestContext};
use strongroom_policy::Authorized;

use super::permitted;
use crate::KeyManagement;
use crate::api::asked::ON_SAME_KEY;
use crate::domain::key::{Key, SharedKey};
use crate::error::Refusal;

/// A ciphertext that is to be decrypted, and the key that the caller says it is of.
pub(super) struct Source<'r> {
    pub(super) blob: Option<&'r [u8]>,
    pub(super) key_id: Option<&'r str>,
    /// What the request calls the key.
    pub(super) key_id_member: &'static str,
    pub(super) algorithm: Option<&'r EncryptionAlgorithmSpec>,
    /// A dry run that asks about the key alone.
    pub(super) ignored: bool,
    /// The key that ReEncrypt encrypts under, if there is one of that name.
    pub(super) destination: Option<&'r Key>,
}

/// A ciphertext.
pub(super) struct Ciphertext<'r> {
    pub(super) blob: &'r [u8],
    /// What it says of itself, if it is of KMS's own form.
    pub(super) header: Option<BlobHeader<'r>>,
}

impl<'r> Source<'r> {
    /// The key, with permission to do `A` to it; no ciphertext where it is ignored.
    ///
    /// The ciphertext comes first: what is none is refused before its key is looked for. One that names no key, as
    /// the algorithms of asymmetric keys make them, needs a caller who names both. A caller who names no key learns
    /// nothing of one that is denied to him.
    pub(super) async fn find<A: Action>(
        &self,
        kms: &KeyManagement,
        context: &RequestContext,
    ) -> Result<(Authorized<A, SharedKey>, Option<Ciphertext<'r>>), Refusal> {
        if self.ignored {
            let key_id = self.key_id.ok_or_else(|| Refusal::missing(self.key_id_member))?;
            let key = kms.find::<A>(context, key_id).await?;
            return Ok((self.permitted(kms, context, key)?, None));
        }
        let blob = self.blob.ok_or_else(|| Refusal::missing_bytes("ciphertextBlob"))?;
        let header = strongroom_hsm_core::parse_header(blob).ok();
        let key = match (&header, self.key_id) {
            (Some(header), None) => {
                let key = kms.find_key_of_ciphertext(context, header.key_id).await?;
                self.permitted(kms, context, key).map_err(|_| {
                    context.withhold_message();
                    Refusal::CiphertextOfUnknownKey
                })?
            }
            (Some(header), Some(named)) => {
                let key = kms.find::<A>(context, named).await?;
                let key = self.permitted(kms, context, key)?;
                if key.resource().id != header.key_id {
                    return Err(Refusal::IncorrectKey);
                }
                key
            }
            (None, Some(named)) if self.is_raw() => {
                let key = kms.find::<A>(context, named).await?;
                self.permitted(kms, context, key)?
            }
            (None, _) => return Err(Refusal::InvalidCiphertext),
        };
        Ok((key, Some(Ciphertext { blob, header })))
    }

    fn permitted<A: Action>(
        &self,
        kms: &KeyManagement,
        context: &RequestContext,
        key: SharedKey,
    ) -> Result<Authorized<A, SharedKey>, Refusal> {
        if self.is_destination(&key) {
            context.ask(ConditionKeys::clone(&context.asked()).with(ON_SAME_KEY, true));
        }
        permitted(kms, context, key)
    }

    /// Whether ReEncrypt encrypts under this key.
    pub(super) fn is_destination(&self, key: &Key) -> bool {
        self.destination.is_some_and(|destination| destination.arn == key.arn)
    }

    /// Whether the caller names an algorithm of asymmetric keys.
    fn is_raw(&self) -> bool {
        self.algorithm.is_some_and(|algorithm| *algorithm != EncryptionAlgorithmSpec::SymmetricDefault)
    }
}

/// Whether a dry run leaves the ciphertext out of account.
pub(super) fn ignores_ciphertext(
    dry_run: bool,
    modifiers: Option<&[DryRunModifierType]>,
) -> Result<bool, Refusal> {
    let modifiers = modifiers.unwrap_or_default();
    if !modifiers.is_empty() && !dry_run {
        return Err(Refusal::Validation(
            "DryRunModifiers can only be specified when DryRun is set to true.".to_owned(),
        ));
    }
    Ok(modifiers.contains(&DryRunModifierType::IgnoreCiphertext))
}

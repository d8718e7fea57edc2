//! What the inputs of operations say to policies: the condition keys that stand for parameters (KMS Developer
//! Guide, "AWS KMS condition keys"). A handler states them before it asks for permission.

mod grants;
mod imports;
mod multi_region;
mod uses;

use strongroom_api_kms::{
    CreateKeyRequest, CustomerMasterKeySpec, DecryptRequest, EnableKeyRotationRequest, EncryptRequest,
    EncryptionAlgorithmSpec, GenerateDataKeyRequest, GenerateDataKeyWithoutPlaintextRequest, KeySpec,
    KeyUsageType, PutKeyPolicyRequest, ReEncryptRequest, ScheduleKeyDeletionRequest, Tag, TagResourceRequest,
    UntagResourceRequest,
};
use strongroom_hsm_core::LONGEST_CONTEXT;
use strongroom_identity::ConditionKeys;
use strongroom_schema::Map;

pub(super) use self::grants::{create_grant, grants};
pub(super) use self::imports::{get_parameters_for_import, import_key_material};
pub(super) use self::multi_region::{create_replica, replicate_key, update_primary_region};
pub(super) use self::uses::{
    derive_shared_secret, generate_data_key_pair, generate_data_key_pair_without_plaintext, generate_mac,
    sign, verify, verify_mac,
};
use super::new_key_place;
use crate::domain::identifier::ALIAS_PREFIX;
use crate::domain::multi_region::Role;
use crate::domain::{lifecycle, policy, rotation};

/// Whether ReEncrypt encrypts under the key that it decrypts with.
pub(super) const ON_SAME_KEY: &str = "kms:ReEncryptOnSameKey";

/// The algorithm that symmetric keys have.
const ALGORITHM: &str = "SYMMETRIC_DEFAULT";

pub(super) fn encrypt(input: &EncryptRequest) -> ConditionKeys {
    let algorithm = input.encryption_algorithm.as_ref().map(EncryptionAlgorithmSpec::as_str);
    cryptography(Some(&input.key_id), algorithm, input.encryption_context.as_ref())
}

pub(super) fn decrypt(input: &DecryptRequest) -> ConditionKeys {
    let algorithm = input.encryption_algorithm.as_ref().map(EncryptionAlgorithmSpec::as_str);
    cryptography(input.key_id.as_deref(), algorithm, input.encryption_context.as_ref())
}

/// ReEncrypt, as the key sees it that it decrypts with, while it is not known to be the other one too.
pub(super) fn re_encrypt_from(input: &ReEncryptRequest) -> ConditionKeys {
    let algorithm = input.source_encryption_algorithm.as_ref().map(EncryptionAlgorithmSpec::as_str);
    let context = input.source_encryption_context.as_ref();
    cryptography(input.source_key_id.as_deref(), algorithm, context).with(ON_SAME_KEY, false)
}

/// ReEncrypt, as the key sees it that it encrypts under.
pub(super) fn re_encrypt_to(input: &ReEncryptRequest, on_same_key: bool) -> ConditionKeys {
    let algorithm = input.destination_encryption_algorithm.as_ref().map(EncryptionAlgorithmSpec::as_str);
    let context = input.destination_encryption_context.as_ref();
    cryptography(Some(&input.destination_key_id), algorithm, context).with(ON_SAME_KEY, on_same_key)
}

pub(super) fn generate_data_key(input: &GenerateDataKeyRequest) -> ConditionKeys {
    cryptography(Some(&input.key_id), None, input.encryption_context.as_ref())
}

pub(super) fn generate_data_key_without_plaintext(
    input: &GenerateDataKeyWithoutPlaintextRequest,
) -> ConditionKeys {
    cryptography(Some(&input.key_id), None, input.encryption_context.as_ref())
}

/// DescribeKey, GetPublicKey and others that say no more than which key.
pub(super) fn key_id(key_id: &str) -> ConditionKeys {
    ConditionKeys::new().with_some("kms:RequestAlias", alias(key_id))
}

pub(super) fn create_key(input: &CreateKeyRequest) -> ConditionKeys {
    let spec = input.key_spec.as_ref().map(KeySpec::as_str);
    let older_spec = input.customer_master_key_spec.as_ref().map(CustomerMasterKeySpec::as_str);
    let usage = input.key_usage.as_ref().unwrap_or(&KeyUsageType::EncryptDecrypt).as_str();
    let spec = spec.or(older_spec).unwrap_or(KeySpec::SymmetricDefault.as_str());
    let role = input.multi_region.unwrap_or(false).then_some(Role::Primary);
    let keys = new_key(spec, usage, new_key_place::origin(input), role);
    tags(bypass(keys, input.bypass_policy_lockout_safety_check), input.tags.as_deref().unwrap_or_default())
}

/// What is said of a key that is to be made.
fn new_key(spec: &str, usage: &str, origin: &str, role: Option<Role>) -> ConditionKeys {
    ConditionKeys::new()
        .with("kms:KeySpec", spec)
        .with("kms:CustomerMasterKeySpec", spec)
        .with("kms:KeyUsage", usage)
        .with("kms:CustomerMasterKeyUsage", usage)
        .with("kms:KeyOrigin", origin)
        .with("kms:MultiRegion", role.is_some())
        .with_some("kms:MultiRegionKeyType", role.map(Role::as_str))
}

pub(super) fn put_key_policy(input: &PutKeyPolicyRequest) -> ConditionKeys {
    bypass(policy_name(input.policy_name.as_deref()), input.bypass_policy_lockout_safety_check)
}

/// GetKeyPolicy, and whatever else names a policy.
pub(super) fn policy_name(name: Option<&str>) -> ConditionKeys {
    ConditionKeys::new().with("kms:PolicyName", name.unwrap_or(policy::NAME))
}

pub(super) fn tag_resource(input: &TagResourceRequest) -> ConditionKeys {
    tags(ConditionKeys::new(), &input.tags)
}

pub(super) fn untag_resource(input: &UntagResourceRequest) -> ConditionKeys {
    ConditionKeys::new().with("aws:TagKeys", input.tag_keys.clone())
}

pub(super) fn enable_key_rotation(input: &EnableKeyRotationRequest) -> ConditionKeys {
    // AWS's page speaks of the values that principals can specify. A limit that is got round by leaving the
    // parameter out would be none: its default counts as if it had been given.
    let days = input.rotation_period_in_days.map_or(i64::from(rotation::DEFAULT_DAYS), i64::from);
    ConditionKeys::new().with("kms:RotationPeriodInDays", days)
}

pub(super) fn schedule_key_deletion(input: &ScheduleKeyDeletionRequest) -> ConditionKeys {
    let days = input.pending_window_in_days.unwrap_or(lifecycle::DEFAULT_WINDOW_DAYS);
    ConditionKeys::new().with("kms:ScheduleKeyDeletionPendingWindowInDays", i64::from(days))
}

fn cryptography(
    key_id: Option<&str>,
    algorithm: Option<&str>,
    context: Option<&Map<String>>,
) -> ConditionKeys {
    let mut keys = ConditionKeys::new()
        .with_some("kms:RequestAlias", key_id.and_then(alias))
        .with("kms:EncryptionAlgorithm", algorithm.unwrap_or(ALGORITHM));
    let mut names = Vec::new();
    let mut room = LONGEST_CONTEXT;
    for (name, value) in context.into_iter().flat_map(Map::iter) {
        // A longer one is refused once its key is known: policies need not be asked about all of it.
        let Some(left) = room.checked_sub(name.len() + value.len()) else { break };
        room = left;
        keys = keys.with(&format!("kms:EncryptionContext:{name}"), value.as_str());
        names.push(name.to_owned());
    }
    if names.is_empty() { keys } else { keys.with("kms:EncryptionContextKeys", names) }
}

fn bypass(keys: ConditionKeys, bypass: Option<bool>) -> ConditionKeys {
    keys.with("kms:BypassPolicyLockoutSafetyCheck", bypass.unwrap_or(false))
}

fn tags(keys: ConditionKeys, tags: &[Tag]) -> ConditionKeys {
    if tags.is_empty() {
        return keys;
    }
    let names: Vec<_> = tags.iter().map(|tag| tag.tag_key.clone()).collect();
    let with_values = tags.iter().fold(keys, |keys, tag| {
        keys.with(&format!("aws:RequestTag/{}", tag.tag_key), tag.tag_value.as_str())
    });
    with_values.with("aws:TagKeys", names)
}

/// The name of the alias, if an alias name or alias ARN is what the request names its key by.
fn alias(key_id: &str) -> Option<&str> {
    let name = if key_id.starts_with("arn:") { key_id.splitn(6, ':').nth(5)? } else { key_id };
    name.starts_with(ALIAS_PREFIX).then_some(name)
}

//! What inputs say that are about multi-Region keys.

use strongroom_api_kms::{ReplicateKeyRequest, UpdatePrimaryRegionRequest};
use strongroom_identity::ConditionKeys;

use super::{bypass, new_key, tags};
use crate::domain::access::Nature;
use crate::domain::key::Key;
use crate::domain::multi_region::Role;

/// ReplicateKey, as the primary key sees it.
pub(in crate::api) fn replicate_key(input: &ReplicateKeyRequest) -> ConditionKeys {
    let keys = ConditionKeys::new().with("kms:ReplicaRegion", input.replica_region.as_str());
    bypass(keys, input.bypass_policy_lockout_safety_check)
}

/// The CreateKey that is part of it, in the replica's Region.
pub(in crate::api) fn create_replica(primary: &Key, input: &ReplicateKeyRequest) -> ConditionKeys {
    let Nature { spec, usage, origin, .. } = primary.nature();
    let keys = new_key(spec.as_str(), usage.as_str(), origin.as_str(), Some(Role::Replica));
    tags(bypass(keys, input.bypass_policy_lockout_safety_check), input.tags.as_deref().unwrap_or_default())
}

pub(in crate::api) fn update_primary_region(input: &UpdatePrimaryRegionRequest) -> ConditionKeys {
    ConditionKeys::new().with("kms:PrimaryRegion", input.primary_region.as_str())
}

//! `KeyMetadata`, as the API shows a key.

use strongroom_api_kms::{
    CustomerMasterKeySpec, ExpirationModelType, KeyManagerType, KeyMetadata, KeySpec,
    KeyState as ApiKeyState, KeyUsageType, MultiRegionConfiguration, MultiRegionKey, MultiRegionKeyType,
    OriginType,
};
use strongroom_schema::Timestamp;

use super::algorithms::Algorithms;
use crate::backend::Standing;
use crate::domain::identifier::Home;
use crate::domain::key::{Key, KeyState, Manager, Material};
use crate::domain::multi_region::MultiRegion;

/// The metadata of a key.
pub(super) fn key_metadata(key: &Key, standing: Standing) -> KeyMetadata {
    let algorithms = Algorithms::of(key.spec, key.usage);
    let state = match key.state {
        KeyState::Enabled | KeyState::Disabled if !standing.available => ApiKeyState::Unavailable,
        state => ApiKeyState::from(state.as_str()),
    };
    let is_imported = key.import.is_some_and(|import| import.is_complete);
    KeyMetadata {
        aws_account_id: Some(key.home.account.to_string()),
        key_id: key.id.clone(),
        arn: Some(key.arn.clone()),
        creation_date: Some(Timestamp::from_millis(key.created_ms)),
        enabled: Some(state == ApiKeyState::Enabled),
        description: Some(key.description.clone()),
        key_usage: Some(KeyUsageType::from(key.usage.as_str())),
        key_state: Some(state),
        origin: Some(OriginType::from(key.origin().as_str())),
        custom_key_store_id: key.store.clone(),
        cloud_hsm_cluster_id: standing.cluster_id,
        key_manager: Some(match key.manager {
            Manager::Customer => KeyManagerType::Customer,
            Manager::Service(_) => KeyManagerType::Aws,
        }),
        deletion_date: key.state.deletion_ms().map(Timestamp::from_millis),
        customer_master_key_spec: Some(CustomerMasterKeySpec::from(key.spec.as_str())),
        key_spec: Some(KeySpec::from(key.spec.as_str())),
        encryption_algorithms: algorithms.encryption,
        signing_algorithms: algorithms.signing,
        mac_algorithms: algorithms.mac,
        key_agreement_algorithms: algorithms.key_agreement,
        encapsulation_algorithms: algorithms.encapsulation,
        multi_region: Some(key.multi_region.is_some()),
        multi_region_configuration: key.multi_region.as_ref().map(|related| configuration(key, related)),
        pending_deletion_window_in_days: key.state.window_days().and_then(|days| i32::try_from(days).ok()),
        current_key_material_id: key
            .current_material_id()
            .filter(|_| key.spec.is_symmetric() && key.current().is_none_or(Material::is_there)),
        expiration_model: is_imported.then(|| expiration_model(key.valid_to_ms())),
        valid_to: key.valid_to_ms().filter(|_| is_imported).map(Timestamp::from_millis),
        ..KeyMetadata::default()
    }
}

/// Whether what ends then, if at all, expires.
pub(super) fn expiration_model(expires_ms: Option<i64>) -> ExpirationModelType {
    match expires_ms {
        Some(_) => ExpirationModelType::KeyMaterialExpires,
        None => ExpirationModelType::KeyMaterialDoesNotExpire,
    }
}

/// The related keys of a multi-Region key, which it is one of.
fn configuration(key: &Key, related: &MultiRegion) -> MultiRegionConfiguration {
    let show = |region: &'static str| MultiRegionKey {
        arn: Some(Home { account: key.home.account, region }.key_arn(&key.id)),
        region: Some(region.to_owned()),
    };
    MultiRegionConfiguration {
        multi_region_key_type: key.role().map(|role| MultiRegionKeyType::from(role.as_str())),
        primary_key: Some(show(related.primary)),
        replica_keys: Some(related.replicas.iter().copied().map(show).collect()),
    }
}

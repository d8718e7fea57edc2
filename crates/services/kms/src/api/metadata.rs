//! `KeyMetadata`, as the API shows a key.

use strongroom_api_kms::{
    CustomerMasterKeySpec, EncryptionAlgorithmSpec, KeyManagerType, KeyMetadata, KeySpec,
    KeyState as ApiKeyState, KeyUsageType, OriginType,
};
use strongroom_crypto::hex;
use strongroom_schema::Timestamp;

use crate::domain::key::{Key, KeyState, Manager};

/// The metadata of a key.
pub(super) fn key_metadata(key: &Key) -> KeyMetadata {
    KeyMetadata {
        aws_account_id: Some(key.home.account.to_string()),
        key_id: key.id.clone(),
        arn: Some(key.arn.clone()),
        creation_date: Some(Timestamp::from_millis(key.created_ms)),
        enabled: Some(key.state == KeyState::Enabled),
        description: Some(key.description.clone()),
        key_usage: Some(KeyUsageType::EncryptDecrypt),
        key_state: Some(ApiKeyState::from(key.state.as_str())),
        origin: Some(OriginType::AwsKms),
        key_manager: Some(match key.manager {
            Manager::Customer => KeyManagerType::Customer,
            Manager::Service(_) => KeyManagerType::Aws,
        }),
        deletion_date: key.state.deletion_ms().map(Timestamp::from_millis),
        customer_master_key_spec: Some(CustomerMasterKeySpec::SymmetricDefault),
        key_spec: Some(KeySpec::SymmetricDefault),
        encryption_algorithms: Some(vec![EncryptionAlgorithmSpec::SymmetricDefault]),
        multi_region: Some(false),
        current_key_material_id: Some(hex::encode(&key.current_material)),
        ..KeyMetadata::default()
    }
}

//! Every operation that is about one key, to be called with any name for it.

use strongroom_api_kms::{DataKeySpec, GenerateDataKeyWithoutPlaintextRequest, Kms as _, ReEncryptRequest};
use strongroom_schema::Blob;
use strongroom_service::ApiError;

use crate::fixture::{Client, data_key};

/// An operation. ReEncrypt is two: each key of it can be the one that is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    Encrypt,
    Decrypt,
    ReEncryptFrom,
    ReEncryptTo,
    GenerateDataKey,
    GenerateDataKeyWithoutPlaintext,
    DescribeKey,
    CreateAlias,
    UpdateAlias,
    ListAliases,
    UpdateKeyDescription,
    EnableKey,
    DisableKey,
    ScheduleKeyDeletion,
    CancelKeyDeletion,
    TagResource,
    UntagResource,
    ListResourceTags,
    GetKeyPolicy,
    PutKeyPolicy,
    ListKeyPolicies,
    EnableKeyRotation,
    DisableKeyRotation,
    GetKeyRotationStatus,
    RotateKeyOnDemand,
    ListKeyRotations,
    GetKeyLastUsage,
}

/// Those that take an alias in place of a key (KMS Developer Guide, "Key identifiers").
pub(crate) const BY_ANY_NAME: [Operation; 7] = [
    Operation::Encrypt,
    Operation::Decrypt,
    Operation::ReEncryptFrom,
    Operation::ReEncryptTo,
    Operation::GenerateDataKey,
    Operation::GenerateDataKeyWithoutPlaintext,
    Operation::DescribeKey,
];

/// Those that take a key id or key ARN only.
pub(crate) const BY_KEY_ONLY: [Operation; 20] = [
    Operation::CreateAlias,
    Operation::UpdateAlias,
    Operation::ListAliases,
    Operation::UpdateKeyDescription,
    Operation::EnableKey,
    Operation::DisableKey,
    Operation::ScheduleKeyDeletion,
    Operation::CancelKeyDeletion,
    Operation::TagResource,
    Operation::UntagResource,
    Operation::ListResourceTags,
    Operation::GetKeyPolicy,
    Operation::PutKeyPolicy,
    Operation::ListKeyPolicies,
    Operation::EnableKeyRotation,
    Operation::DisableKeyRotation,
    Operation::GetKeyRotationStatus,
    Operation::RotateKeyOnDemand,
    Operation::ListKeyRotations,
    Operation::GetKeyLastUsage,
];

/// What calls need besides the key that they are about.
pub(crate) struct Aids {
    /// A ciphertext of that key, without a context.
    pub(crate) blob: Vec<u8>,
    /// Another key, for the other half of ReEncrypt.
    pub(crate) other: String,
    /// A ciphertext of the other key.
    pub(crate) other_blob: Vec<u8>,
    /// An alias of the other key, for UpdateAlias to take away.
    pub(crate) alias: String,
    /// An alias that is not there, for CreateAlias to make.
    pub(crate) free_alias: String,
}

impl Aids {
    /// Aids for calls about `key_id`, which is enabled as yet.
    pub(crate) async fn new(client: &Client, key_id: &str) -> Self {
        let other = client.create_key().await.key_id;
        let alias = format!("alias/{other}");
        client.create_alias(&alias, &other).await.unwrap();
        Self {
            blob: client.encrypt(key_id, b"plain", &[]).await.unwrap(),
            other_blob: client.encrypt(&other, b"plain", &[]).await.unwrap(),
            free_alias: format!("alias/{other}/free"),
            alias,
            other,
        }
    }
}

impl Operation {
    /// AWS's refusal of the operation on the key of that ARN, to a caller whom no policy of the key lets in.
    pub(crate) fn denied(self, caller: &str, arn: &str) -> String {
        format!(
            "AccessDeniedException: User: {caller} is not authorized to perform: kms:{self:?} on resource: {arn} because \
             no resource-based policy allows the kms:{self:?} action"
        )
    }

    /// Calls the operation with a request in which nothing but the key's name can be wrong.
    pub(crate) async fn call(self, client: &Client, key: &str, aids: &Aids) -> Result<(), ApiError> {
        match self {
            Self::Encrypt => client.encrypt(key, b"x", &[]).await.map(drop),
            Self::Decrypt => client.decrypt(&aids.blob, Some(key), &[]).await.map(drop),
            Self::ReEncryptFrom => {
                client.re_encrypt(re_encrypt(&aids.blob, Some(key), &aids.other)).await.map(drop)
            }
            Self::ReEncryptTo => client.re_encrypt(re_encrypt(&aids.other_blob, None, key)).await.map(drop),
            Self::GenerateDataKey => client.try_generate(data_key(key)).await.map(drop),
            Self::GenerateDataKeyWithoutPlaintext => {
                let input = data_key_without_plaintext(key);
                client.kms.generate_data_key_without_plaintext(&client.context(), input).await.map(drop)
            }
            Self::DescribeKey => client.describe(key).await.map(drop),
            Self::CreateAlias => client.create_alias(&aids.free_alias, key).await,
            Self::UpdateAlias => client.update_alias(&aids.alias, key).await,
            Self::ListAliases => client.list_aliases(Some(key), None, None).await.map(drop),
            Self::UpdateKeyDescription => client.describe_as(key, "described").await,
            Self::EnableKey => client.enable(key).await,
            Self::DisableKey => client.disable(key).await,
            Self::ScheduleKeyDeletion => client.schedule_deletion(key, None).await.map(drop),
            Self::CancelKeyDeletion => client.cancel_deletion(key).await.map(drop),
            Self::TagResource => client.tag(key, &[("name", "value")]).await,
            Self::UntagResource => client.untag(key, &["name"]).await,
            Self::ListResourceTags => client.list_tags(key, None, None).await.map(drop),
            Self::GetKeyPolicy => client.policy(key).await.map(drop),
            Self::PutKeyPolicy => client.put_policy(key, ANYONE_MAY).await,
            Self::ListKeyPolicies => client.list_policies(key, None, None).await.map(drop),
            Self::EnableKeyRotation => client.enable_rotation(key, None).await,
            Self::DisableKeyRotation => client.disable_rotation(key).await,
            Self::GetKeyRotationStatus => client.rotation_status(key).await.map(drop),
            Self::RotateKeyOnDemand => client.rotate(key).await.map(drop),
            Self::ListKeyRotations => client.list_rotations(key, None, None, None).await.map(drop),
            Self::GetKeyLastUsage => client.last_usage(key).await.map(drop),
        }
    }
}

/// A key policy that passes the lock-out check whoever puts it.
pub(crate) const ANYONE_MAY: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"kms:*","Resource":"*"}]}"#;

pub(crate) fn re_encrypt(blob: &[u8], source: Option<&str>, destination: &str) -> ReEncryptRequest {
    ReEncryptRequest {
        ciphertext_blob: Some(Blob(blob.to_vec())),
        source_key_id: source.map(str::to_owned),
        destination_key_id: destination.to_owned(),
        ..ReEncryptRequest::default()
    }
}

pub(crate) fn data_key_without_plaintext(key_id: &str) -> GenerateDataKeyWithoutPlaintextRequest {
    GenerateDataKeyWithoutPlaintextRequest {
        key_id: key_id.to_owned(),
        key_spec: Some(DataKeySpec::Aes256),
        ..GenerateDataKeyWithoutPlaintextRequest::default()
    }
}

//! The API, one file for each family of operations.

mod agreement;
mod algorithms;
pub(crate) mod aliases;
mod asked;
mod chosen;
pub(crate) mod cryptography;
mod data_keys;
mod encapsulation;
mod grants;
mod imports;
mod key_pairs;
mod key_stores;
pub(crate) mod keys;
mod lifecycle;
mod macs;
mod metadata;
mod multi_region;
mod new_key_place;
mod new_key_spec;
mod policies;
mod public_keys;
mod recipient;
mod rotation;
mod signatures;
mod tags;
mod usage;

use async_trait::async_trait;
pub use chosen::conceal_chosen_material;
pub use data_keys::shows_parameters;
pub use grants::{conceal_grant_token, conceal_refused_tokens, grant_parameters};
pub use key_stores::name_cluster;
pub use new_key_place::spell_origin;
use strongroom_api_kms as kms;
use strongroom_identity::RequestContext;
use strongroom_schema::Unit;
use strongroom_service::ApiError;

use crate::KeyManagement;
use crate::error::Refusal;

/// Each method hands over to the family that its operation belongs to.
#[async_trait]
impl kms::Kms for KeyManagement {
    async fn create_key(
        &self,
        context: &RequestContext,
        input: kms::CreateKeyRequest,
    ) -> Result<kms::CreateKeyResponse, ApiError> {
        answered("CreateKey", keys::create_key(self, context, input).await)
    }

    async fn describe_key(
        &self,
        context: &RequestContext,
        input: kms::DescribeKeyRequest,
    ) -> Result<kms::DescribeKeyResponse, ApiError> {
        answered("DescribeKey", keys::describe_key(self, context, input).await)
    }

    async fn list_keys(
        &self,
        context: &RequestContext,
        input: kms::ListKeysRequest,
    ) -> Result<kms::ListKeysResponse, ApiError> {
        answered("ListKeys", keys::list_keys(self, context, input).await)
    }

    async fn update_key_description(
        &self,
        context: &RequestContext,
        input: kms::UpdateKeyDescriptionRequest,
    ) -> Result<Unit, ApiError> {
        answered("UpdateKeyDescription", keys::update_key_description(self, context, input).await)
    }

    async fn enable_key(
        &self,
        context: &RequestContext,
        input: kms::EnableKeyRequest,
    ) -> Result<Unit, ApiError> {
        answered("EnableKey", lifecycle::enable_key(self, context, input).await)
    }

    async fn disable_key(
        &self,
        context: &RequestContext,
        input: kms::DisableKeyRequest,
    ) -> Result<Unit, ApiError> {
        answered("DisableKey", lifecycle::disable_key(self, context, input).await)
    }

    async fn schedule_key_deletion(
        &self,
        context: &RequestContext,
        input: kms::ScheduleKeyDeletionRequest,
    ) -> Result<kms::ScheduleKeyDeletionResponse, ApiError> {
        answered("ScheduleKeyDeletion", lifecycle::schedule_key_deletion(self, context, input).await)
    }

    async fn cancel_key_deletion(
        &self,
        context: &RequestContext,
        input: kms::CancelKeyDeletionRequest,
    ) -> Result<kms::CancelKeyDeletionResponse, ApiError> {
        answered("CancelKeyDeletion", lifecycle::cancel_key_deletion(self, context, input).await)
    }

    async fn replicate_key(
        &self,
        context: &RequestContext,
        input: kms::ReplicateKeyRequest,
    ) -> Result<kms::ReplicateKeyResponse, ApiError> {
        answered("ReplicateKey", multi_region::replicate_key(self, context, input).await)
    }

    async fn update_primary_region(
        &self,
        context: &RequestContext,
        input: kms::UpdatePrimaryRegionRequest,
    ) -> Result<Unit, ApiError> {
        answered("UpdatePrimaryRegion", multi_region::update_primary_region(self, context, input).await)
    }

    async fn create_custom_key_store(
        &self,
        context: &RequestContext,
        input: kms::CreateCustomKeyStoreRequest,
    ) -> Result<kms::CreateCustomKeyStoreResponse, ApiError> {
        answered("CreateCustomKeyStore", key_stores::create_custom_key_store(self, context, input).await)
    }

    async fn connect_custom_key_store(
        &self,
        context: &RequestContext,
        input: kms::ConnectCustomKeyStoreRequest,
    ) -> Result<kms::ConnectCustomKeyStoreResponse, ApiError> {
        answered("ConnectCustomKeyStore", key_stores::connect_custom_key_store(self, context, input).await)
    }

    async fn disconnect_custom_key_store(
        &self,
        context: &RequestContext,
        input: kms::DisconnectCustomKeyStoreRequest,
    ) -> Result<kms::DisconnectCustomKeyStoreResponse, ApiError> {
        answered(
            "DisconnectCustomKeyStore",
            key_stores::disconnect_custom_key_store(self, context, input).await,
        )
    }

    async fn update_custom_key_store(
        &self,
        context: &RequestContext,
        input: kms::UpdateCustomKeyStoreRequest,
    ) -> Result<kms::UpdateCustomKeyStoreResponse, ApiError> {
        answered("UpdateCustomKeyStore", key_stores::update_custom_key_store(self, context, input).await)
    }

    async fn delete_custom_key_store(
        &self,
        context: &RequestContext,
        input: kms::DeleteCustomKeyStoreRequest,
    ) -> Result<kms::DeleteCustomKeyStoreResponse, ApiError> {
        answered("DeleteCustomKeyStore", key_stores::delete_custom_key_store(self, context, input).await)
    }

    async fn describe_custom_key_stores(
        &self,
        context: &RequestContext,
        input: kms::DescribeCustomKeyStoresRequest,
    ) -> Result<kms::DescribeCustomKeyStoresResponse, ApiError> {
        answered(
            "DescribeCustomKeyStores",
            key_stores::describe_custom_key_stores(self, context, input).await,
        )
    }

    async fn create_alias(
        &self,
        context: &RequestContext,
        input: kms::CreateAliasRequest,
    ) -> Result<Unit, ApiError> {
        answered("CreateAlias", aliases::create_alias(self, context, input).await)
    }

    async fn update_alias(
        &self,
        context: &RequestContext,
        input: kms::UpdateAliasRequest,
    ) -> Result<Unit, ApiError> {
        answered("UpdateAlias", aliases::update_alias(self, context, input).await)
    }

    async fn delete_alias(
        &self,
        context: &RequestContext,
        input: kms::DeleteAliasRequest,
    ) -> Result<Unit, ApiError> {
        answered("DeleteAlias", aliases::delete_alias(self, context, input).await)
    }

    async fn list_aliases(
        &self,
        context: &RequestContext,
        input: kms::ListAliasesRequest,
    ) -> Result<kms::ListAliasesResponse, ApiError> {
        answered("ListAliases", aliases::list_aliases(self, context, input).await)
    }

    async fn tag_resource(
        &self,
        context: &RequestContext,
        input: kms::TagResourceRequest,
    ) -> Result<Unit, ApiError> {
        answered("TagResource", tags::tag_resource(self, context, input).await)
    }

    async fn untag_resource(
        &self,
        context: &RequestContext,
        input: kms::UntagResourceRequest,
    ) -> Result<Unit, ApiError> {
        answered("UntagResource", tags::untag_resource(self, context, input).await)
    }

    async fn list_resource_tags(
        &self,
        context: &RequestContext,
        input: kms::ListResourceTagsRequest,
    ) -> Result<kms::ListResourceTagsResponse, ApiError> {
        answered("ListResourceTags", tags::list_resource_tags(self, context, input).await)
    }

    async fn get_key_policy(
        &self,
        context: &RequestContext,
        input: kms::GetKeyPolicyRequest,
    ) -> Result<kms::GetKeyPolicyResponse, ApiError> {
        answered("GetKeyPolicy", policies::get_key_policy(self, context, input).await)
    }

    async fn put_key_policy(
        &self,
        context: &RequestContext,
        input: kms::PutKeyPolicyRequest,
    ) -> Result<Unit, ApiError> {
        answered("PutKeyPolicy", policies::put_key_policy(self, context, input).await)
    }

    async fn list_key_policies(
        &self,
        context: &RequestContext,
        input: kms::ListKeyPoliciesRequest,
    ) -> Result<kms::ListKeyPoliciesResponse, ApiError> {
        answered("ListKeyPolicies", policies::list_key_policies(self, context, input).await)
    }

    async fn create_grant(
        &self,
        context: &RequestContext,
        input: kms::CreateGrantRequest,
    ) -> Result<kms::CreateGrantResponse, ApiError> {
        answered("CreateGrant", grants::create_grant(self, context, input).await)
    }

    async fn list_grants(
        &self,
        context: &RequestContext,
        input: kms::ListGrantsRequest,
    ) -> Result<kms::ListGrantsResponse, ApiError> {
        answered("ListGrants", grants::list_grants(self, context, input).await)
    }

    async fn list_retirable_grants(
        &self,
        context: &RequestContext,
        input: kms::ListRetirableGrantsRequest,
    ) -> Result<kms::ListGrantsResponse, ApiError> {
        answered("ListRetirableGrants", grants::list_retirable_grants(self, context, input).await)
    }

    async fn retire_grant(
        &self,
        context: &RequestContext,
        input: kms::RetireGrantRequest,
    ) -> Result<Unit, ApiError> {
        answered("RetireGrant", grants::retire_grant(self, context, input).await)
    }

    async fn revoke_grant(
        &self,
        context: &RequestContext,
        input: kms::RevokeGrantRequest,
    ) -> Result<Unit, ApiError> {
        answered("RevokeGrant", grants::revoke_grant(self, context, input).await)
    }

    async fn encrypt(
        &self,
        context: &RequestContext,
        input: kms::EncryptRequest,
    ) -> Result<kms::EncryptResponse, ApiError> {
        answered("Encrypt", cryptography::encrypt(self, context, input).await)
    }

    async fn decrypt(
        &self,
        context: &RequestContext,
        input: kms::DecryptRequest,
    ) -> Result<kms::DecryptResponse, ApiError> {
        answered("Decrypt", cryptography::decrypt(self, context, input).await)
    }

    async fn re_encrypt(
        &self,
        context: &RequestContext,
        input: kms::ReEncryptRequest,
    ) -> Result<kms::ReEncryptResponse, ApiError> {
        answered("ReEncrypt", cryptography::re_encrypt(self, context, input).await)
    }

    async fn generate_data_key(
        &self,
        context: &RequestContext,
        input: kms::GenerateDataKeyRequest,
    ) -> Result<kms::GenerateDataKeyResponse, ApiError> {
        answered("GenerateDataKey", data_keys::generate_data_key(self, context, input).await)
    }

    async fn generate_data_key_without_plaintext(
        &self,
        context: &RequestContext,
        input: kms::GenerateDataKeyWithoutPlaintextRequest,
    ) -> Result<kms::GenerateDataKeyWithoutPlaintextResponse, ApiError> {
        answered(
            "GenerateDataKeyWithoutPlaintext",
            data_keys::generate_data_key_without_plaintext(self, context, input).await,
        )
    }

    async fn generate_data_key_pair(
        &self,
        context: &RequestContext,
        input: kms::GenerateDataKeyPairRequest,
    ) -> Result<kms::GenerateDataKeyPairResponse, ApiError> {
        answered("GenerateDataKeyPair", key_pairs::generate_data_key_pair(self, context, input).await)
    }

    async fn generate_data_key_pair_without_plaintext(
        &self,
        context: &RequestContext,
        input: kms::GenerateDataKeyPairWithoutPlaintextRequest,
    ) -> Result<kms::GenerateDataKeyPairWithoutPlaintextResponse, ApiError> {
        answered(
            "GenerateDataKeyPairWithoutPlaintext",
            key_pairs::generate_data_key_pair_without_plaintext(self, context, input).await,
        )
    }

    async fn sign(
        &self,
        context: &RequestContext,
        input: kms::SignRequest,
    ) -> Result<kms::SignResponse, ApiError> {
        answered("Sign", signatures::sign(self, context, input).await)
    }

    async fn verify(
        &self,
        context: &RequestContext,
        input: kms::VerifyRequest,
    ) -> Result<kms::VerifyResponse, ApiError> {
        answered("Verify", signatures::verify(self, context, input).await)
    }

    async fn generate_mac(
        &self,
        context: &RequestContext,
        input: kms::GenerateMacRequest,
    ) -> Result<kms::GenerateMacResponse, ApiError> {
        answered("GenerateMac", macs::generate_mac(self, context, input).await)
    }

    async fn verify_mac(
        &self,
        context: &RequestContext,
        input: kms::VerifyMacRequest,
    ) -> Result<kms::VerifyMacResponse, ApiError> {
        answered("VerifyMac", macs::verify_mac(self, context, input).await)
    }

    async fn get_public_key(
        &self,
        context: &RequestContext,
        input: kms::GetPublicKeyRequest,
    ) -> Result<kms::GetPublicKeyResponse, ApiError> {
        answered("GetPublicKey", public_keys::get_public_key(self, context, input).await)
    }

    async fn derive_shared_secret(
        &self,
        context: &RequestContext,
        input: kms::DeriveSharedSecretRequest,
    ) -> Result<kms::DeriveSharedSecretResponse, ApiError> {
        answered("DeriveSharedSecret", agreement::derive_shared_secret(self, context, input).await)
    }

    async fn encapsulate(
        &self,
        context: &RequestContext,
        input: kms::EncapsulateRequest,
    ) -> Result<kms::EncapsulateResponse, ApiError> {
        answered("Encapsulate", encapsulation::encapsulate(self, context, input).await)
    }

    async fn decapsulate(
        &self,
        context: &RequestContext,
        input: kms::DecapsulateRequest,
    ) -> Result<kms::DecapsulateResponse, ApiError> {
        answered("Decapsulate", encapsulation::decapsulate(self, context, input).await)
    }

    async fn generate_random(
        &self,
        context: &RequestContext,
        input: kms::GenerateRandomRequest,
    ) -> Result<kms::GenerateRandomResponse, ApiError> {
        answered("GenerateRandom", data_keys::generate_random(self, context, input).await)
    }

    async fn enable_key_rotation(
        &self,
        context: &RequestContext,
        input: kms::EnableKeyRotationRequest,
    ) -> Result<Unit, ApiError> {
        answered("EnableKeyRotation", rotation::enable_key_rotation(self, context, input).await)
    }

    async fn disable_key_rotation(
        &self,
        context: &RequestContext,
        input: kms::DisableKeyRotationRequest,
    ) -> Result<Unit, ApiError> {
        answered("DisableKeyRotation", rotation::disable_key_rotation(self, context, input).await)
    }

    async fn get_key_rotation_status(
        &self,
        context: &RequestContext,
        input: kms::GetKeyRotationStatusRequest,
    ) -> Result<kms::GetKeyRotationStatusResponse, ApiError> {
        answered("GetKeyRotationStatus", rotation::get_key_rotation_status(self, context, input).await)
    }

    async fn rotate_key_on_demand(
        &self,
        context: &RequestContext,
        input: kms::RotateKeyOnDemandRequest,
    ) -> Result<kms::RotateKeyOnDemandResponse, ApiError> {
        answered("RotateKeyOnDemand", rotation::rotate_key_on_demand(self, context, input).await)
    }

    async fn list_key_rotations(
        &self,
        context: &RequestContext,
        input: kms::ListKeyRotationsRequest,
    ) -> Result<kms::ListKeyRotationsResponse, ApiError> {
        answered("ListKeyRotations", rotation::list_key_rotations(self, context, input).await)
    }

    async fn get_parameters_for_import(
        &self,
        context: &RequestContext,
        input: kms::GetParametersForImportRequest,
    ) -> Result<kms::GetParametersForImportResponse, ApiError> {
        answered("GetParametersForImport", imports::get_parameters_for_import(self, context, input).await)
    }

    async fn import_key_material(
        &self,
        context: &RequestContext,
        input: kms::ImportKeyMaterialRequest,
    ) -> Result<kms::ImportKeyMaterialResponse, ApiError> {
        answered("ImportKeyMaterial", imports::import_key_material(self, context, input).await)
    }

    async fn delete_imported_key_material(
        &self,
        context: &RequestContext,
        input: kms::DeleteImportedKeyMaterialRequest,
    ) -> Result<kms::DeleteImportedKeyMaterialResponse, ApiError> {
        answered(
            "DeleteImportedKeyMaterial",
            imports::delete_imported_key_material(self, context, input).await,
        )
    }

    async fn get_key_last_usage(
        &self,
        context: &RequestContext,
        input: kms::GetKeyLastUsageRequest,
    ) -> Result<kms::GetKeyLastUsageResponse, ApiError> {
        answered("GetKeyLastUsage", usage::get_key_last_usage(self, context, input).await)
    }
}

/// What an operation answers; a refusal as an error that its model has.
fn answered<T>(operation: &str, outcome: Result<T, Refusal>) -> Result<T, ApiError> {
    outcome.map_err(|refusal| refusal.of(operation))
}

/// The database does not keep the character U+0000, and nothing that people write has it.
fn refuse_nul(what: &str, text: &str) -> Result<(), Refusal> {
    if text.contains('\0') {
        return Err(Refusal::Validation(format!("{what} must not contain the character U+0000.")));
    }
    Ok(())
}

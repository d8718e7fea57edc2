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
        Ok(keys::create_key(self, context, input).await?)
    }

    async fn describe_key(
        &self,
        context: &RequestContext,
        input: kms::DescribeKeyRequest,
    ) -> Result<kms::DescribeKeyResponse, ApiError> {
        Ok(keys::describe_key(self, context, input).await?)
    }

    async fn list_keys(
        &self,
        context: &RequestContext,
        input: kms::ListKeysRequest,
    ) -> Result<kms::ListKeysResponse, ApiError> {
        Ok(keys::list_keys(self, context, input).await?)
    }

    async fn update_key_description(
        &self,
        context: &RequestContext,
        input: kms::UpdateKeyDescriptionRequest,
    ) -> Result<Unit, ApiError> {
        Ok(keys::update_key_description(self, context, input).await?)
    }

    async fn enable_key(
        &self,
        context: &RequestContext,
        input: kms::EnableKeyRequest,
    ) -> Result<Unit, ApiError> {
        Ok(lifecycle::enable_key(self, context, input).await?)
    }

    async fn disable_key(
        &self,
        context: &RequestContext,
        input: kms::DisableKeyRequest,
    ) -> Result<Unit, ApiError> {
        Ok(lifecycle::disable_key(self, context, input).await?)
    }

    async fn schedule_key_deletion(
        &self,
        context: &RequestContext,
        input: kms::ScheduleKeyDeletionRequest,
    ) -> Result<kms::ScheduleKeyDeletionResponse, ApiError> {
        Ok(lifecycle::schedule_key_deletion(self, context, input).await?)
    }

    async fn cancel_key_deletion(
        &self,
        context: &RequestContext,
        input: kms::CancelKeyDeletionRequest,
    ) -> Result<kms::CancelKeyDeletionResponse, ApiError> {
        Ok(lifecycle::cancel_key_deletion(self, context, input).await?)
    }

    async fn replicate_key(
        &self,
        context: &RequestContext,
        input: kms::ReplicateKeyRequest,
    ) -> Result<kms::ReplicateKeyResponse, ApiError> {
        Ok(multi_region::replicate_key(self, context, input).await?)
    }

    async fn update_primary_region(
        &self,
        context: &RequestContext,
        input: kms::UpdatePrimaryRegionRequest,
    ) -> Result<Unit, ApiError> {
        Ok(multi_region::update_primary_region(self, context, input).await?)
    }

    async fn create_custom_key_store(
        &self,
        context: &RequestContext,
        input: kms::CreateCustomKeyStoreRequest,
    ) -> Result<kms::CreateCustomKeyStoreResponse, ApiError> {
        Ok(key_stores::create_custom_key_store(self, context, input).await?)
    }

    async fn connect_custom_key_store(
        &self,
        context: &RequestContext,
        input: kms::ConnectCustomKeyStoreRequest,
    ) -> Result<kms::ConnectCustomKeyStoreResponse, ApiError> {
        Ok(key_stores::connect_custom_key_store(self, context, input).await?)
    }

    async fn disconnect_custom_key_store(
        &self,
        context: &RequestContext,
        input: kms::DisconnectCustomKeyStoreRequest,
    ) -> Result<kms::DisconnectCustomKeyStoreResponse, ApiError> {
        Ok(key_stores::disconnect_custom_key_store(self, context, input).await?)
    }

    async fn update_custom_key_store(
        &self,
        context: &RequestContext,
        input: kms::UpdateCustomKeyStoreRequest,
    ) -> Result<kms::UpdateCustomKeyStoreResponse, ApiError> {
        Ok(key_stores::update_custom_key_store(self, context, input).await?)
    }

    async fn delete_custom_key_store(
        &self,
        context: &RequestContext,
        input: kms::DeleteCustomKeyStoreRequest,
    ) -> Result<kms::DeleteCustomKeyStoreResponse, ApiError> {
        Ok(key_stores::delete_custom_key_store(self, context, input).await?)
    }

    async fn describe_custom_key_stores(
        &self,
        context: &RequestContext,
        input: kms::DescribeCustomKeyStoresRequest,
    ) -> Result<kms::DescribeCustomKeyStoresResponse, ApiError> {
        Ok(key_stores::describe_custom_key_stores(self, context, input).await?)
    }

    async fn create_alias(
        &self,
        context: &RequestContext,
        input: kms::CreateAliasRequest,
    ) -> Result<Unit, ApiError> {
        Ok(aliases::create_alias(self, context, input).await?)
    }

    async fn update_alias(
        &self,
        context: &RequestContext,
        input: kms::UpdateAliasRequest,
    ) -> Result<Unit, ApiError> {
        Ok(aliases::update_alias(self, context, input).await?)
    }

    async fn delete_alias(
        &self,
        context: &RequestContext,
        input: kms::DeleteAliasRequest,
    ) -> Result<Unit, ApiError> {
        Ok(aliases::delete_alias(self, context, input).await?)
    }

    async fn list_aliases(
        &self,
        context: &RequestContext,
        input: kms::ListAliasesRequest,
    ) -> Result<kms::ListAliasesResponse, ApiError> {
        Ok(aliases::list_aliases(self, context, input).await?)
    }

    async fn tag_resource(
        &self,
        context: &RequestContext,
        input: kms::TagResourceRequest,
    ) -> Result<Unit, ApiError> {
        Ok(tags::tag_resource(self, context, input).await?)
    }

    async fn untag_resource(
        &self,
        context: &RequestContext,
        input: kms::UntagResourceRequest,
    ) -> Result<Unit, ApiError> {
        Ok(tags::untag_resource(self, context, input).await?)
    }

    async fn list_resource_tags(
        &self,
        context: &RequestContext,
        input: kms::ListResourceTagsRequest,
    ) -> Result<kms::ListResourceTagsResponse, ApiError> {
        Ok(tags::list_resource_tags(self, context, input).await?)
    }

    async fn get_key_policy(
        &self,
        context: &RequestContext,
        input: kms::GetKeyPolicyRequest,
    ) -> Result<kms::GetKeyPolicyResponse, ApiError> {
        Ok(policies::get_key_policy(self, context, input).await?)
    }

    async fn put_key_policy(
        &self,
        context: &RequestContext,
        input: kms::PutKeyPolicyRequest,
    ) -> Result<Unit, ApiError> {
        Ok(policies::put_key_policy(self, context, input).await?)
    }

    async fn list_key_policies(
        &self,
        context: &RequestContext,
        input: kms::ListKeyPoliciesRequest,
    ) -> Result<kms::ListKeyPoliciesResponse, ApiError> {
        Ok(policies::list_key_policies(self, context, input).await?)
    }

    async fn create_grant(
        &self,
        context: &RequestContext,
        input: kms::CreateGrantRequest,
    ) -> Result<kms::CreateGrantResponse, ApiError> {
        Ok(grants::create_grant(self, context, input).await?)
    }

    async fn list_grants(
        &self,
        context: &RequestContext,
        input: kms::ListGrantsRequest,
    ) -> Result<kms::ListGrantsResponse, ApiError> {
        Ok(grants::list_grants(self, context, input).await?)
    }

    async fn list_retirable_grants(
        &self,
        context: &RequestContext,
        input: kms::ListRetirableGrantsRequest,
    ) -> Result<kms::ListGrantsResponse, ApiError> {
        Ok(grants::list_retirable_grants(self, context, input).await?)
    }

    async fn retire_grant(
        &self,
        context: &RequestContext,
        input: kms::RetireGrantRequest,
    ) -> Result<Unit, ApiError> {
        Ok(grants::retire_grant(self, context, input).await?)
    }

    async fn revoke_grant(
        &self,
        context: &RequestContext,
        input: kms::RevokeGrantRequest,
    ) -> Result<Unit, ApiError> {
        Ok(grants::revoke_grant(self, context, input).await?)
    }

    async fn encrypt(
        &self,
        context: &RequestContext,
        input: kms::EncryptRequest,
    ) -> Result<kms::EncryptResponse, ApiError> {
        Ok(cryptography::encrypt(self, context, input).await?)
    }

    async fn decrypt(
        &self,
        context: &RequestContext,
        input: kms::DecryptRequest,
    ) -> Result<kms::DecryptResponse, ApiError> {
        Ok(cryptography::decrypt(self, context, input).await?)
    }

    async fn re_encrypt(
        &self,
        context: &RequestContext,
        input: kms::ReEncryptRequest,
    ) -> Result<kms::ReEncryptResponse, ApiError> {
        Ok(cryptography::re_encrypt(self, context, input).await?)
    }

    async fn generate_data_key(
        &self,
        context: &RequestContext,
        input: kms::GenerateDataKeyRequest,
    ) -> Result<kms::GenerateDataKeyResponse, ApiError> {
        Ok(data_keys::generate_data_key(self, context, input).await?)
    }

    async fn generate_data_key_without_plaintext(
        &self,
        context: &RequestContext,
        input: kms::GenerateDataKeyWithoutPlaintextRequest,
    ) -> Result<kms::GenerateDataKeyWithoutPlaintextResponse, ApiError> {
        Ok(data_keys::generate_data_key_without_plaintext(self, context, input).await?)
    }

    async fn generate_data_key_pair(
        &self,
        context: &RequestContext,
        input: kms::GenerateDataKeyPairRequest,
    ) -> Result<kms::GenerateDataKeyPairResponse, ApiError> {
        Ok(key_pairs::generate_data_key_pair(self, context, input).await?)
    }

    async fn generate_data_key_pair_without_plaintext(
        &self,
        context: &RequestContext,
        input: kms::GenerateDataKeyPairWithoutPlaintextRequest,
    ) -> Result<kms::GenerateDataKeyPairWithoutPlaintextResponse, ApiError> {
        Ok(key_pairs::generate_data_key_pair_without_plaintext(self, context, input).await?)
    }

    async fn sign(
        &self,
        context: &RequestContext,
        input: kms::SignRequest,
    ) -> Result<kms::SignResponse, ApiError> {
        Ok(signatures::sign(self, context, input).await?)
    }

    async fn verify(
        &self,
        context: &RequestContext,
        input: kms::VerifyRequest,
    ) -> Result<kms::VerifyResponse, ApiError> {
        Ok(signatures::verify(self, context, input).await?)
    }

    async fn generate_mac(
        &self,
        context: &RequestContext,
        input: kms::GenerateMacRequest,
    ) -> Result<kms::GenerateMacResponse, ApiError> {
        Ok(macs::generate_mac(self, context, input).await?)
    }

    async fn verify_mac(
        &self,
        context: &RequestContext,
        input: kms::VerifyMacRequest,
    ) -> Result<kms::VerifyMacResponse, ApiError> {
        Ok(macs::verify_mac(self, context, input).await?)
    }

    async fn get_public_key(
        &self,
        context: &RequestContext,
        input: kms::GetPublicKeyRequest,
    ) -> Result<kms::GetPublicKeyResponse, ApiError> {
        Ok(public_keys::get_public_key(self, context, input).await?)
    }

    async fn derive_shared_secret(
        &self,
        context: &RequestContext,
        input: kms::DeriveSharedSecretRequest,
    ) -> Result<kms::DeriveSharedSecretResponse, ApiError> {
        Ok(agreement::derive_shared_secret(self, context, input).await?)
    }

    async fn encapsulate(
        &self,
        context: &RequestContext,
        input: kms::EncapsulateRequest,
    ) -> Result<kms::EncapsulateResponse, ApiError> {
        Ok(encapsulation::encapsulate(self, context, input).await?)
    }

    async fn decapsulate(
        &self,
        context: &RequestContext,
        input: kms::DecapsulateRequest,
    ) -> Result<kms::DecapsulateResponse, ApiError> {
        Ok(encapsulation::decapsulate(self, context, input).await?)
    }

    async fn generate_random(
        &self,
        context: &RequestContext,
        input: kms::GenerateRandomRequest,
    ) -> Result<kms::GenerateRandomResponse, ApiError> {
        Ok(data_keys::generate_random(self, context, input).await?)
    }

    async fn enable_key_rotation(
        &self,
        context: &RequestContext,
        input: kms::EnableKeyRotationRequest,
    ) -> Result<Unit, ApiError> {
        Ok(rotation::enable_key_rotation(self, context, input).await?)
    }

    async fn disable_key_rotation(
        &self,
        context: &RequestContext,
        input: kms::DisableKeyRotationRequest,
    ) -> Result<Unit, ApiError> {
        Ok(rotation::disable_key_rotation(self, context, input).await?)
    }

    async fn get_key_rotation_status(
        &self,
        context: &RequestContext,
        input: kms::GetKeyRotationStatusRequest,
    ) -> Result<kms::GetKeyRotationStatusResponse, ApiError> {
        Ok(rotation::get_key_rotation_status(self, context, input).await?)
    }

    async fn rotate_key_on_demand(
        &self,
        context: &RequestContext,
        input: kms::RotateKeyOnDemandRequest,
    ) -> Result<kms::RotateKeyOnDemandResponse, ApiError> {
        Ok(rotation::rotate_key_on_demand(self, context, input).await?)
    }

    async fn list_key_rotations(
        &self,
        context: &RequestContext,
        input: kms::ListKeyRotationsRequest,
    ) -> Result<kms::ListKeyRotationsResponse, ApiError> {
        Ok(rotation::list_key_rotations(self, context, input).await?)
    }

    async fn get_parameters_for_import(
        &self,
        context: &RequestContext,
        input: kms::GetParametersForImportRequest,
    ) -> Result<kms::GetParametersForImportResponse, ApiError> {
        Ok(imports::get_parameters_for_import(self, context, input).await?)
    }

    async fn import_key_material(
        &self,
        context: &RequestContext,
        input: kms::ImportKeyMaterialRequest,
    ) -> Result<kms::ImportKeyMaterialResponse, ApiError> {
        Ok(imports::import_key_material(self, context, input).await?)
    }

    async fn delete_imported_key_material(
        &self,
        context: &RequestContext,
        input: kms::DeleteImportedKeyMaterialRequest,
    ) -> Result<kms::DeleteImportedKeyMaterialResponse, ApiError> {
        Ok(imports::delete_imported_key_material(self, context, input).await?)
    }

    async fn get_key_last_usage(
        &self,
        context: &RequestContext,
        input: kms::GetKeyLastUsageRequest,
    ) -> Result<kms::GetKeyLastUsageResponse, ApiError> {
        Ok(usage::get_key_last_usage(self, context, input).await?)
    }
}

/// The database does not keep the character U+0000, and nothing that people write has it.
fn refuse_nul(what: &str, text: &str) -> Result<(), Refusal> {
    if text.contains('\0') {
        return Err(Refusal::Validation(format!("{what} must not contain the character U+0000.")));
    }
    Ok(())
}

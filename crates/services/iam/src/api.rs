//! The APIs, one file for each family of operations.

mod absent;
mod access_keys;
mod account;
mod attachments;
mod context_keys;
mod details;
mod groups;
mod holders;
mod inline;
mod last_accessed;
mod managed;
mod mfa;
mod passwords;
mod providers;
mod reports;
mod roles;
mod service_linked;
mod shapes;
mod simulation;
mod tags;
mod users;

use async_trait::async_trait;
use strongroom_api_iam as iam;
use strongroom_identity::{ConditionKeys, Principal, RequestContext};
use strongroom_schema::Unit;
use strongroom_service::ApiError;

use crate::IdentityManagement;
use crate::error::Refusal;
use crate::sts::restrictions::expect_may_call_iam;

/// The path of entities that are given none.
const ROOT_PATH: &str = "/";

/// Whether a path lies below another.
fn below(path: &str, prefix: &str) -> bool {
    path.starts_with(prefix)
}

/// The path in the ARN of a managed policy.
fn path_of(arn: &str) -> &str {
    let resource = arn.splitn(6, ':').nth(5).unwrap_or_default();
    let path_and_name = resource.find('/').and_then(|start| resource.get(start..)).unwrap_or_default();
    path_and_name.rfind('/').and_then(|end| path_and_name.get(..=end)).unwrap_or_default()
}

/// The name of the user who calls, if it is one.
fn caller_name(context: &RequestContext) -> Option<&str> {
    match &context.caller.principal {
        Principal::User(user) => Some(&user.name),
        _ => None,
    }
}

/// The user whom a call is about: the one that it names, or the caller.
fn own_name(context: &RequestContext, named: Option<String>) -> Result<String, Refusal> {
    named.or_else(|| caller_name(context).map(str::to_owned)).ok_or_else(|| {
        Refusal::Validation("Must specify userName when calling with non-User credentials".to_owned())
    })
}

/// Adds what a boundary in a request says to policies.
fn boundary_asked(keys: ConditionKeys, arn: Option<&str>) -> ConditionKeys {
    keys.with_some("iam:PermissionsBoundary", arn)
}

/// The refusal where a user or role has no boundary.
fn no_boundary(noun: &str, name: &str) -> Refusal {
    Refusal::no_such(format!("The permissions boundary of the {noun} with name {name} cannot be found."))
}

/// Hands each operation over to the family that it belongs to.
macro_rules! operations {
    ($($family:ident::$operation:ident($input:ty) -> $output:ty;)*) => {
        #[async_trait]
        impl iam::Iam for IdentityManagement {
            $(async fn $operation(
                &self,
                context: &RequestContext,
                input: $input,
            ) -> Result<$output, ApiError> {
                expect_may_call_iam(context)?;
                Ok($family::$operation(self, context, input).await?)
            })*
        }
    };
}

operations! {
    absent::list_instance_profiles(iam::ListInstanceProfilesRequest) -> iam::ListInstanceProfilesResponse;
    absent::list_instance_profiles_for_role(iam::ListInstanceProfilesForRoleRequest) -> iam::ListInstanceProfilesForRoleResponse;
    absent::list_organizations_features(iam::ListOrganizationsFeaturesRequest) -> iam::ListOrganizationsFeaturesResponse;
    absent::list_saml_providers(iam::ListSAMLProvidersRequest) -> iam::ListSAMLProvidersResponse;
    absent::list_server_certificates(iam::ListServerCertificatesRequest) -> iam::ListServerCertificatesResponse;
    absent::list_service_specific_credentials(iam::ListServiceSpecificCredentialsRequest) -> iam::ListServiceSpecificCredentialsResponse;
    absent::list_signing_certificates(iam::ListSigningCertificatesRequest) -> iam::ListSigningCertificatesResponse;
    absent::list_ssh_public_keys(iam::ListSSHPublicKeysRequest) -> iam::ListSSHPublicKeysResponse;
    access_keys::create_access_key(iam::CreateAccessKeyRequest) -> iam::CreateAccessKeyResponse;
    access_keys::delete_access_key(iam::DeleteAccessKeyRequest) -> Unit;
    access_keys::get_access_key_last_used(iam::GetAccessKeyLastUsedRequest) -> iam::GetAccessKeyLastUsedResponse;
    access_keys::list_access_keys(iam::ListAccessKeysRequest) -> iam::ListAccessKeysResponse;
    access_keys::update_access_key(iam::UpdateAccessKeyRequest) -> Unit;
    account::create_account_alias(iam::CreateAccountAliasRequest) -> Unit;
    account::delete_account_alias(iam::DeleteAccountAliasRequest) -> Unit;
    account::get_account_summary(Unit) -> iam::GetAccountSummaryResponse;
    account::list_account_aliases(iam::ListAccountAliasesRequest) -> iam::ListAccountAliasesResponse;
    attachments::attach_group_policy(iam::AttachGroupPolicyRequest) -> Unit;
    attachments::attach_role_policy(iam::AttachRolePolicyRequest) -> Unit;
    attachments::attach_user_policy(iam::AttachUserPolicyRequest) -> Unit;
    attachments::detach_group_policy(iam::DetachGroupPolicyRequest) -> Unit;
    attachments::detach_role_policy(iam::DetachRolePolicyRequest) -> Unit;
    attachments::detach_user_policy(iam::DetachUserPolicyRequest) -> Unit;
    attachments::list_attached_group_policies(iam::ListAttachedGroupPoliciesRequest) -> iam::ListAttachedGroupPoliciesResponse;
    attachments::list_attached_role_policies(iam::ListAttachedRolePoliciesRequest) -> iam::ListAttachedRolePoliciesResponse;
    attachments::list_attached_user_policies(iam::ListAttachedUserPoliciesRequest) -> iam::ListAttachedUserPoliciesResponse;
    attachments::list_entities_for_policy(iam::ListEntitiesForPolicyRequest) -> iam::ListEntitiesForPolicyResponse;
    context_keys::get_context_keys_for_custom_policy(iam::GetContextKeysForCustomPolicyRequest) -> iam::GetContextKeysForPolicyResponse;
    context_keys::get_context_keys_for_principal_policy(iam::GetContextKeysForPrincipalPolicyRequest) -> iam::GetContextKeysForPolicyResponse;
    details::get_account_authorization_details(iam::GetAccountAuthorizationDetailsRequest) -> iam::GetAccountAuthorizationDetailsResponse;
    groups::add_user_to_group(iam::AddUserToGroupRequest) -> Unit;
    groups::create_group(iam::CreateGroupRequest) -> iam::CreateGroupResponse;
    groups::delete_group(iam::DeleteGroupRequest) -> Unit;
    groups::get_group(iam::GetGroupRequest) -> iam::GetGroupResponse;
    groups::list_groups(iam::ListGroupsRequest) -> iam::ListGroupsResponse;
    groups::list_groups_for_user(iam::ListGroupsForUserRequest) -> iam::ListGroupsForUserResponse;
    groups::remove_user_from_group(iam::RemoveUserFromGroupRequest) -> Unit;
    groups::update_group(iam::UpdateGroupRequest) -> Unit;
    inline::delete_group_policy(iam::DeleteGroupPolicyRequest) -> Unit;
    inline::delete_role_policy(iam::DeleteRolePolicyRequest) -> Unit;
    inline::delete_user_policy(iam::DeleteUserPolicyRequest) -> Unit;
    inline::get_group_policy(iam::GetGroupPolicyRequest) -> iam::GetGroupPolicyResponse;
    inline::get_role_policy(iam::GetRolePolicyRequest) -> iam::GetRolePolicyResponse;
    inline::get_user_policy(iam::GetUserPolicyRequest) -> iam::GetUserPolicyResponse;
    inline::list_group_policies(iam::ListGroupPoliciesRequest) -> iam::ListGroupPoliciesResponse;
    inline::list_role_policies(iam::ListRolePoliciesRequest) -> iam::ListRolePoliciesResponse;
    inline::list_user_policies(iam::ListUserPoliciesRequest) -> iam::ListUserPoliciesResponse;
    inline::put_group_policy(iam::PutGroupPolicyRequest) -> Unit;
    inline::put_role_policy(iam::PutRolePolicyRequest) -> Unit;
    inline::put_user_policy(iam::PutUserPolicyRequest) -> Unit;
    last_accessed::generate_service_last_accessed_details(iam::GenerateServiceLastAccessedDetailsRequest) -> iam::GenerateServiceLastAccessedDetailsResponse;
    last_accessed::get_service_last_accessed_details(iam::GetServiceLastAccessedDetailsRequest) -> iam::GetServiceLastAccessedDetailsResponse;
    managed::create_policy(iam::CreatePolicyRequest) -> iam::CreatePolicyResponse;
    managed::create_policy_version(iam::CreatePolicyVersionRequest) -> iam::CreatePolicyVersionResponse;
    managed::delete_policy(iam::DeletePolicyRequest) -> Unit;
    managed::delete_policy_version(iam::DeletePolicyVersionRequest) -> Unit;
    managed::get_policy(iam::GetPolicyRequest) -> iam::GetPolicyResponse;
    managed::get_policy_version(iam::GetPolicyVersionRequest) -> iam::GetPolicyVersionResponse;
    managed::list_policies(iam::ListPoliciesRequest) -> iam::ListPoliciesResponse;
    managed::list_policy_versions(iam::ListPolicyVersionsRequest) -> iam::ListPolicyVersionsResponse;
    managed::set_default_policy_version(iam::SetDefaultPolicyVersionRequest) -> Unit;
    mfa::create_virtual_mfa_device(iam::CreateVirtualMFADeviceRequest) -> iam::CreateVirtualMFADeviceResponse;
    mfa::deactivate_mfa_device(iam::DeactivateMFADeviceRequest) -> Unit;
    mfa::delete_virtual_mfa_device(iam::DeleteVirtualMFADeviceRequest) -> Unit;
    mfa::enable_mfa_device(iam::EnableMFADeviceRequest) -> Unit;
    mfa::get_mfa_device(iam::GetMFADeviceRequest) -> iam::GetMFADeviceResponse;
    mfa::list_mfa_devices(iam::ListMFADevicesRequest) -> iam::ListMFADevicesResponse;
    mfa::list_virtual_mfa_devices(iam::ListVirtualMFADevicesRequest) -> iam::ListVirtualMFADevicesResponse;
    mfa::resync_mfa_device(iam::ResyncMFADeviceRequest) -> Unit;
    passwords::change_password(iam::ChangePasswordRequest) -> Unit;
    passwords::create_login_profile(iam::CreateLoginProfileRequest) -> iam::CreateLoginProfileResponse;
    passwords::delete_account_password_policy(Unit) -> Unit;
    passwords::delete_login_profile(iam::DeleteLoginProfileRequest) -> Unit;
    passwords::get_account_password_policy(Unit) -> iam::GetAccountPasswordPolicyResponse;
    passwords::get_login_profile(iam::GetLoginProfileRequest) -> iam::GetLoginProfileResponse;
    passwords::update_account_password_policy(iam::UpdateAccountPasswordPolicyRequest) -> Unit;
    passwords::update_login_profile(iam::UpdateLoginProfileRequest) -> Unit;
    providers::add_client_id_to_open_id_connect_provider(iam::AddClientIDToOpenIDConnectProviderRequest) -> Unit;
    providers::create_open_id_connect_provider(iam::CreateOpenIDConnectProviderRequest) -> iam::CreateOpenIDConnectProviderResponse;
    providers::delete_open_id_connect_provider(iam::DeleteOpenIDConnectProviderRequest) -> Unit;
    providers::get_open_id_connect_provider(iam::GetOpenIDConnectProviderRequest) -> iam::GetOpenIDConnectProviderResponse;
    providers::list_open_id_connect_providers(iam::ListOpenIDConnectProvidersRequest) -> iam::ListOpenIDConnectProvidersResponse;
    providers::remove_client_id_from_open_id_connect_provider(iam::RemoveClientIDFromOpenIDConnectProviderRequest) -> Unit;
    providers::update_open_id_connect_provider_thumbprint(iam::UpdateOpenIDConnectProviderThumbprintRequest) -> Unit;
    reports::generate_credential_report(Unit) -> iam::GenerateCredentialReportResponse;
    reports::get_credential_report(Unit) -> iam::GetCredentialReportResponse;
    roles::create_role(iam::CreateRoleRequest) -> iam::CreateRoleResponse;
    roles::delete_role(iam::DeleteRoleRequest) -> Unit;
    roles::delete_role_permissions_boundary(iam::DeleteRolePermissionsBoundaryRequest) -> Unit;
    roles::get_role(iam::GetRoleRequest) -> iam::GetRoleResponse;
    roles::list_roles(iam::ListRolesRequest) -> iam::ListRolesResponse;
    roles::put_role_permissions_boundary(iam::PutRolePermissionsBoundaryRequest) -> Unit;
    roles::update_assume_role_policy(iam::UpdateAssumeRolePolicyRequest) -> Unit;
    roles::update_role(iam::UpdateRoleRequest) -> iam::UpdateRoleResponse;
    roles::update_role_description(iam::UpdateRoleDescriptionRequest) -> iam::UpdateRoleDescriptionResponse;
    service_linked::create_service_linked_role(iam::CreateServiceLinkedRoleRequest) -> iam::CreateServiceLinkedRoleResponse;
    service_linked::delete_service_linked_role(iam::DeleteServiceLinkedRoleRequest) -> iam::DeleteServiceLinkedRoleResponse;
    service_linked::get_service_linked_role_deletion_status(iam::GetServiceLinkedRoleDeletionStatusRequest) -> iam::GetServiceLinkedRoleDeletionStatusResponse;
    simulation::simulate_custom_policy(iam::SimulateCustomPolicyRequest) -> iam::SimulatePolicyResponse;
    simulation::simulate_principal_policy(iam::SimulatePrincipalPolicyRequest) -> iam::SimulatePolicyResponse;
    tags::list_mfa_device_tags(iam::ListMFADeviceTagsRequest) -> iam::ListMFADeviceTagsResponse;
    tags::list_open_id_connect_provider_tags(iam::ListOpenIDConnectProviderTagsRequest) -> iam::ListOpenIDConnectProviderTagsResponse;
    tags::list_policy_tags(iam::ListPolicyTagsRequest) -> iam::ListPolicyTagsResponse;
    tags::list_role_tags(iam::ListRoleTagsRequest) -> iam::ListRoleTagsResponse;
    tags::list_user_tags(iam::ListUserTagsRequest) -> iam::ListUserTagsResponse;
    tags::tag_mfa_device(iam::TagMFADeviceRequest) -> Unit;
    tags::tag_open_id_connect_provider(iam::TagOpenIDConnectProviderRequest) -> Unit;
    tags::tag_policy(iam::TagPolicyRequest) -> Unit;
    tags::tag_role(iam::TagRoleRequest) -> Unit;
    tags::tag_user(iam::TagUserRequest) -> Unit;
    tags::untag_mfa_device(iam::UntagMFADeviceRequest) -> Unit;
    tags::untag_open_id_connect_provider(iam::UntagOpenIDConnectProviderRequest) -> Unit;
    tags::untag_policy(iam::UntagPolicyRequest) -> Unit;
    tags::untag_role(iam::UntagRoleRequest) -> Unit;
    tags::untag_user(iam::UntagUserRequest) -> Unit;
    users::create_user(iam::CreateUserRequest) -> iam::CreateUserResponse;
    users::delete_user(iam::DeleteUserRequest) -> Unit;
    users::delete_user_permissions_boundary(iam::DeleteUserPermissionsBoundaryRequest) -> Unit;
    users::get_user(iam::GetUserRequest) -> iam::GetUserResponse;
    users::list_users(iam::ListUsersRequest) -> iam::ListUsersResponse;
    users::put_user_permissions_boundary(iam::PutUserPermissionsBoundaryRequest) -> Unit;
    users::update_user(iam::UpdateUserRequest) -> Unit;
}

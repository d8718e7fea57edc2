//! Lists of what Strongroom does not have, which are empty or refused as where there is none.

use strongroom_api_iam::{self as iam, actions, errors};
use strongroom_identity::RequestContext;

use super::{ROOT_PATH, own_name};
use crate::IdentityManagement;
use crate::domain::kind::Kind;
use crate::error::Refusal;
use crate::targets::Target;

pub(super) async fn list_instance_profiles(
    identities: &IdentityManagement,
    context: &RequestContext,
    _: iam::ListInstanceProfilesRequest,
) -> Result<iam::ListInstanceProfilesResponse, Refusal> {
    identities.read::<actions::ListInstanceProfiles>(context, &[Target::Account]).await?;
    Ok(iam::ListInstanceProfilesResponse { is_truncated: Some(false), ..Default::default() })
}

pub(super) async fn list_instance_profiles_for_role(
    identities: &IdentityManagement,
    context: &RequestContext,
    input: iam::ListInstanceProfilesForRoleRequest,
) -> Result<iam::ListInstanceProfilesForRoleResponse, Refusal> {
    let target = Target::One(Kind::Role, &input.role_name);
    let directory = identities.read::<actions::ListInstanceProfilesForRole>(context, &[target]).await?;
    directory.role(&input.role_name)?;
    Ok(iam::ListInstanceProfilesForRoleResponse { is_truncated: Some(false), ..Default::default() })
}

pub(super) async fn list_server_certificates(
    identities: &IdentityManagement,
    context: &RequestContext,
    _: iam::ListServerCertificatesRequest,
) -> Result<iam::ListServerCertificatesResponse, Refusal> {
    identities.read::<actions::ListServerCertificates>(context, &[Target::Account]).await?;
    Ok(iam::ListServerCertificatesResponse { is_truncated: Some(false), ..Default::default() })
}

/// No account is in an organization.
pub(super) async fn list_organizations_features(
    identities: &IdentityManagement,
    context: &RequestContext,
    _: iam::ListOrganizationsFeaturesRequest,
) -> Result<iam::ListOrganizationsFeaturesResponse, Refusal> {
    identities.read::<actions::ListOrganizationsFeatures>(context, &[Target::Account]).await?;
    let text = "The account is not a member of an organization.";
    Err(Refusal::Modelled(&errors::ORGANIZATION_NOT_FOUND_EXCEPTION, text.to_owned()))
}

pub(super) async fn list_saml_providers(
    identities: &IdentityManagement,
    context: &RequestContext,
    _: iam::ListSAMLProvidersRequest,
) -> Result<iam::ListSAMLProvidersResponse, Refusal> {
    identities.read::<actions::ListSAMLProviders>(context, &[Target::Account]).await?;
    Ok(iam::ListSAMLProvidersResponse { saml_provider_list: Some(Vec::new()) })
}

pub(super) async fn list_signing_certificates(
    identities: &IdentityManagement,
    context: &RequestContext,
    input: iam::ListSigningCertificatesRequest,
) -> Result<iam::ListSigningCertificatesResponse, Refusal> {
    let name = own_name(context, input.user_name)?;
    let target = Target::One(Kind::User, &name);
    let directory = identities.read::<actions::ListSigningCertificates>(context, &[target]).await?;
    directory.user(&name)?;
    Ok(iam::ListSigningCertificatesResponse { is_truncated: Some(false), ..Default::default() })
}

pub(super) async fn list_ssh_public_keys(
    identities: &IdentityManagement,
    context: &RequestContext,
    input: iam::ListSSHPublicKeysRequest,
) -> Result<iam::ListSSHPublicKeysResponse, Refusal> {
    let name = own_name(context, input.user_name)?;
    let target = Target::One(Kind::User, &name);
    let directory = identities.read::<actions::ListSSHPublicKeys>(context, &[target]).await?;
    directory.user(&name)?;
    let ssh_public_keys = Some(Vec::new());
    Ok(iam::ListSSHPublicKeysResponse { ssh_public_keys, is_truncated: Some(false), marker: None })
}

pub(super) async fn list_service_specific_credentials(
    identities: &IdentityManagement,
    context: &RequestContext,
    input: iam::ListServiceSpecificCredentialsRequest,
) -> Result<iam::ListServiceSpecificCredentialsResponse, Refusal> {
    if input.all_users == Some(true) {
        let target = Target::Below(Kind::User, ROOT_PATH);
        identities.read::<actions::ListServiceSpecificCredentials>(context, &[target]).await?;
    } else {
        let name = own_name(context, input.user_name)?;
        let target = Target::One(Kind::User, &name);
        let directory =
            identities.read::<actions::ListServiceSpecificCredentials>(context, &[target]).await?;
        directory.user(&name)?;
    }
    let service_specific_credentials = Some(Vec::new());
    Ok(iam::ListServiceSpecificCredentialsResponse {
        service_specific_credentials,
        marker: None,
        is_truncated: Some(false),
    })
}

//! What an account has one of: its alias, and a summary of everything.

use strongroom_api_iam::{self as iam, SummaryKeyType as Key, actions};
use strongroom_identity::RequestContext;
use strongroom_schema::Unit;

use crate::IdentityManagement;
use crate::domain::document::MOST_OF_MANAGED;
use crate::domain::edit::RowChange;
use crate::domain::kind::Kind;
use crate::domain::paging::Page;
use crate::domain::permissions::{attached_limit, inline_limit};
use crate::domain::policy::MOST_VERSIONS;
use crate::domain::root_user::root_id;
use crate::domain::trust;
use crate::domain::user::{MOST_ACCESS_KEYS, MOST_GROUPS};
use crate::error::Refusal;
use crate::targets::Target;

/// Quotas on what Strongroom does not have.
const SERVER_CERTIFICATES: usize = 20;
const SIGNING_CERTIFICATES: usize = 2;
const INSTANCE_PROFILES: usize = 1000;

/// Versions of policies in use, in all accounts' policies together.
const VERSIONS_IN_USE: usize = 10_000;

/// The version of session tokens that the global endpoint gives out.
const TOKEN_VERSION: usize = 1;

/// An account has one alias: a new one takes the old one's place.
pub(super) async fn create_account_alias(
    identities: &IdentityManagement,
    context: &RequestContext,
    input: iam::CreateAccountAliasRequest,
) -> Result<Unit, Refusal> {
    let alias = input.account_alias.as_str();
    if alias.len() == 12 && alias.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Refusal::Validation("The account alias must not be a 12-digit number.".to_owned()));
    }
    identities
        .change::<actions::CreateAccountAlias, _>(context, &[Target::Account], |edit| {
            let before = edit.settings().alias;
            if before.as_deref() == Some(alias) {
                return Ok(());
            }
            if let Some(before) = before {
                edit.row(RowChange::FreeAlias(before));
            }
            edit.row(RowChange::TakeAlias(alias.to_owned()));
            edit.settings_mut(|settings| {
                settings.alias = Some(alias.to_owned());
                Ok(())
            })
        })
        .await?;
    Ok(Unit)
}

pub(super) async fn delete_account_alias(
    identities: &IdentityManagement,
    context: &RequestContext,
    input: iam::DeleteAccountAliasRequest,
) -> Result<Unit, Refusal> {
    let alias = input.account_alias.as_str();
    identities
        .change::<actions::DeleteAccountAlias, _>(context, &[Target::Account], |edit| {
            if edit.settings().alias.as_deref() != Some(alias) {
                return Err(Refusal::no_such(format!("The account alias {alias} cannot be found.")));
            }
            edit.row(RowChange::FreeAlias(alias.to_owned()));
            edit.settings_mut(|settings| {
                settings.alias = None;
                Ok(())
            })
        })
        .await?;
    Ok(Unit)
}

pub(super) async fn list_account_aliases(
    identities: &IdentityManagement,
    context: &RequestContext,
    input: iam::ListAccountAliasesRequest,
) -> Result<iam::ListAccountAliasesResponse, Refusal> {
    let page = Page::parse(input.max_items, input.marker.as_deref())?;
    let directory = identities.read::<actions::ListAccountAliases>(context, &[Target::Account]).await?;
    let (account_aliases, marker) = page.cut(directory.settings().alias.into_iter(), Clone::clone);
    Ok(iam::ListAccountAliasesResponse { account_aliases, is_truncated: Some(marker.is_some()), marker })
}

pub(super) async fn get_account_summary(
    identities: &IdentityManagement,
    context: &RequestContext,
    _: Unit,
) -> Result<iam::GetAccountSummaryResponse, Refusal> {
    let directory = identities.read::<actions::GetAccountSummary>(context, &[Target::Account]).await?;
    let versions: usize = directory.policies().map(|policy| policy.versions.len()).sum();
    let devices_in_use = directory.devices().filter(|device| device.enabled.is_some()).count();
    let quota = |kind: Kind| kind.quota().1;
    let has_device = directory.devices_of(&root_id(directory.account)).next().is_some();
    let has_key = !identities.access_keys_of_root(&directory).await?.is_empty();
    let rows = [
        (Key::Users, directory.count(Kind::User)),
        (Key::UsersQuota, quota(Kind::User)),
        (Key::Groups, directory.count(Kind::Group)),
        (Key::GroupsQuota, quota(Kind::Group)),
        (Key::Roles, directory.count(Kind::Role)),
        (Key::RolesQuota, quota(Kind::Role)),
        (Key::Policies, directory.count(Kind::Policy)),
        (Key::PoliciesQuota, quota(Kind::Policy)),
        (Key::PolicySizeQuota, MOST_OF_MANAGED),
        (Key::PolicyVersionsInUse, versions),
        (Key::PolicyVersionsInUseQuota, VERSIONS_IN_USE),
        (Key::VersionsPerPolicyQuota, MOST_VERSIONS),
        (Key::UserPolicySizeQuota, inline_limit(Kind::User)),
        (Key::GroupPolicySizeQuota, inline_limit(Kind::Group)),
        (Key::RolePolicySizeQuota, inline_limit(Kind::Role)),
        (Key::AssumeRolePolicySizeQuota, trust::MOST),
        (Key::AttachedPoliciesPerUserQuota, attached_limit(Kind::User).1),
        (Key::AttachedPoliciesPerGroupQuota, attached_limit(Kind::Group).1),
        (Key::AttachedPoliciesPerRoleQuota, attached_limit(Kind::Role).1),
        (Key::GroupsPerUserQuota, MOST_GROUPS),
        (Key::AccessKeysPerUserQuota, MOST_ACCESS_KEYS),
        (Key::SigningCertificatesPerUserQuota, SIGNING_CERTIFICATES),
        (Key::MfaDevices, directory.count(Kind::Mfa)),
        (Key::MfaDevicesInUse, devices_in_use),
        (Key::AccountMfaEnabled, usize::from(has_device)),
        (Key::AccountAccessKeysPresent, usize::from(has_key)),
        (Key::AccountPasswordPresent, 0),
        (Key::AccountSigningCertificatesPresent, 0),
        (Key::ServerCertificates, 0),
        (Key::ServerCertificatesQuota, SERVER_CERTIFICATES),
        (Key::InstanceProfiles, 0),
        (Key::InstanceProfilesQuota, INSTANCE_PROFILES),
        (Key::Providers, directory.count(Kind::Oidc)),
        (Key::GlobalEndpointTokenVersion, TOKEN_VERSION),
    ];
    let rows = rows.into_iter().map(|(key, number)| (key.as_str().to_owned(), number as i32));
    Ok(iam::GetAccountSummaryResponse { summary_map: Some(rows.collect()) })
}

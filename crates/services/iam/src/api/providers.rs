//! Providers of identities that speak OpenID Connect.

use strongroom_api_iam::{self as iam, actions};
use strongroom_identity::{Action, ConditionKeys, RequestContext};
use strongroom_schema::Unit;

use super::{ROOT_PATH, shapes};
use crate::IdentityManagement;
use crate::domain::directory::Entry;
use crate::domain::id::new_id;
use crate::domain::kind::Kind;
use crate::domain::provider::{Provider, parse_url};
use crate::domain::tags::{self, Tags};
use crate::error::Refusal;
use crate::targets::Target;

/// Where no thumbprint is given, AWS asks the provider for its certificate. Nobody is asked here: what is not given
/// is not there.
pub(super) async fn create_open_id_connect_provider(
    identities: &IdentityManagement,
    context: &RequestContext,
    input: iam::CreateOpenIDConnectProviderRequest,
) -> Result<iam::CreateOpenIDConnectProviderResponse, Refusal> {
    let given = Tags::parse(input.tags.as_deref())?;
    context.ask(tags::asked(ConditionKeys::new(), input.tags.as_deref()));
    let client_ids = input.client_id_list.unwrap_or_default();
    let thumbprints = input.thumbprint_list.unwrap_or_default();
    let name = parse_url(&input.url, identities.providers.reaches_local())?;
    let id = new_id(Kind::Oidc)?;
    let target = Target::New(Kind::Oidc, ROOT_PATH, name);
    let (provider, directory) = identities
        .make::<actions::CreateOpenIDConnectProvider, actions::TagOpenIDConnectProvider, _>(
            context,
            target,
            &given,
            |edit| {
                let (id, tags) = (id.clone(), given.clone());
                let provider = Provider::new(id, name, &client_ids, &thumbprints, tags, context.now_ms)?;
                edit.add(Kind::Oidc, ROOT_PATH, name, Entry::Provider(provider.clone()))?;
                Ok(provider)
            },
        )
        .await?;
    Ok(iam::CreateOpenIDConnectProviderResponse {
        open_id_connect_provider_arn: Some(Kind::Oidc.arn(directory.account, ROOT_PATH, name)),
        tags: provider.tags.shown(),
    })
}

pub(super) async fn get_open_id_connect_provider(
    identities: &IdentityManagement,
    context: &RequestContext,
    input: iam::GetOpenIDConnectProviderRequest,
) -> Result<iam::GetOpenIDConnectProviderResponse, Refusal> {
    let arn = input.open_id_connect_provider_arn.as_str();
    let target = Target::One(Kind::Oidc, arn);
    let directory = identities.read::<actions::GetOpenIDConnectProvider>(context, &[target]).await?;
    let provider = directory.provider(arn)?.clone();
    Ok(iam::GetOpenIDConnectProviderResponse {
        url: Some(provider.url),
        client_id_list: Some(provider.client_ids),
        thumbprint_list: Some(provider.thumbprints),
        create_date: Some(shapes::moment(provider.created_ms)),
        tags: provider.tags.shown(),
    })
}

pub(super) async fn list_open_id_connect_providers(
    identities: &IdentityManagement,
    context: &RequestContext,
    _: iam::ListOpenIDConnectProvidersRequest,
) -> Result<iam::ListOpenIDConnectProvidersResponse, Refusal> {
    let directory =
        identities.read::<actions::ListOpenIDConnectProviders>(context, &[Target::Account]).await?;
    let entry =
        |provider: &Entry| iam::OpenIDConnectProviderListEntry { arn: Some(provider.arn(directory.account)) };
    let listed = directory.of_kind(Kind::Oidc).map(entry).collect();
    Ok(iam::ListOpenIDConnectProvidersResponse { open_id_connect_provider_list: Some(listed) })
}

/// To delete what is not there is no error (IAM API Reference, "DeleteOpenIDConnectProvider").
pub(super) async fn delete_open_id_connect_provider(
    identities: &IdentityManagement,
    context: &RequestContext,
    input: iam::DeleteOpenIDConnectProviderRequest,
) -> Result<Unit, Refusal> {
    let arn = input.open_id_connect_provider_arn.as_str();
    let target = Target::One(Kind::Oidc, arn);
    identities
        .change::<actions::DeleteOpenIDConnectProvider, _>(context, &[target], |edit| {
            let id = edit.provider(arn).ok().map(|provider| provider.id.clone());
            if let Some(id) = id {
                edit.remove(&id);
            }
            Ok(())
        })
        .await?;
    Ok(Unit)
}

pub(super) async fn add_client_id_to_open_id_connect_provider(
    identities: &IdentityManagement,
    context: &RequestContext,
    input: iam::AddClientIDToOpenIDConnectProviderRequest,
) -> Result<Unit, Refusal> {
    let arn = input.open_id_connect_provider_arn.as_str();
    change::<actions::AddClientIDToOpenIDConnectProvider>(identities, context, arn, |provider| {
        provider.add_client_id(&input.client_id)
    })
    .await
}

pub(super) async fn remove_client_id_from_open_id_connect_provider(
    identities: &IdentityManagement,
    context: &RequestContext,
    input: iam::RemoveClientIDFromOpenIDConnectProviderRequest,
) -> Result<Unit, Refusal> {
    let arn = input.open_id_connect_provider_arn.as_str();
    change::<actions::RemoveClientIDFromOpenIDConnectProvider>(identities, context, arn, |provider| {
        provider.remove_client_id(&input.client_id);
        Ok(())
    })
    .await
}

pub(super) async fn update_open_id_connect_provider_thumbprint(
    identities: &IdentityManagement,
    context: &RequestContext,
    input: iam::UpdateOpenIDConnectProviderThumbprintRequest,
) -> Result<Unit, Refusal> {
    let arn = input.open_id_connect_provider_arn.as_str();
    change::<actions::UpdateOpenIDConnectProviderThumbprint>(identities, context, arn, |provider| {
        provider.set_thumbprints(&input.thumbprint_list)
    })
    .await
}

/// Changes the provider of that ARN.
async fn change<A: Action>(
    identities: &IdentityManagement,
    context: &RequestContext,
    arn: &str,
    act: impl Fn(&mut Provider) -> Result<(), Refusal> + Send + Sync,
) -> Result<Unit, Refusal> {
    identities
        .change::<A, _>(context, &[Target::One(Kind::Oidc, arn)], |edit| edit.provider_mut(arn, &act))
        .await?;
    Ok(Unit)
}

//! AssumeRoleWithWebIdentity: a role for somebody for whom an OpenID Connect provider of the account vouches (IAM User
//! Guide, "OIDC federation").

mod claims;
mod jwk;
mod jwt;
mod providers;

use std::sync::Arc;

use strongroom_api_sts::{
    AssumeRoleWithWebIdentityRequest, AssumeRoleWithWebIdentityResponse, AssumedRoleUser, actions,
};
use strongroom_identity::{Action, ConditionKeys, Principal, RequestContext, Vouched, WebIdentity};

use super::session_tags::SessionTags;
use super::token::{Token, Who};
use super::trusted::{RoleArn, SetSourceIdentity, TagSession, Trusted};
use super::{answer, assume_role, session_policies};
use crate::IdentityManagement;
use crate::domain::directory::Directory;
use crate::domain::kind::Kind;
use crate::domain::provider::{Provider, is_loopback};
use crate::error::Refusal;
use claims::Claims;
use jwt::Jwt;
pub(crate) use providers::Providers;
pub use providers::{ProviderDocuments, Unread};

/// What the URL of a provider begins with.
const HTTPS: &str = "https://";
const HTTP: &str = "http://";

pub(super) async fn assume_role_with_web_identity(
    identities: &IdentityManagement,
    context: &RequestContext,
    mut input: AssumeRoleWithWebIdentityRequest,
) -> Result<AssumeRoleWithWebIdentityResponse, Refusal> {
    if input.provider_id.is_some() {
        return Err(Refusal::NotImplemented("the ProviderId parameter of AssumeRoleWithWebIdentity"));
    }
    let Principal::WebIdentity(caller) = &context.caller.principal else {
        return Err(Refusal::internal("who needs no signature was taken for somebody else"));
    };
    let RoleArn { account, name } = RoleArn::parse(&input.role_arn)?;
    context.touched(Kind::Role.cloudformation(), account, input.role_arn.as_str());
    let directory = identities.directories.current(account).await?;
    let (provider, claims) =
        verified(identities, &directory, input.web_identity_token.expose(), caller).await?;
    let Claims { audience, subject, .. } = &claims;

    let (given, transitive) = (Some(claims.tags.clone()), Some(claims.transitive_tag_keys.clone()));
    let tags = SessionTags::parse(given, transitive, &[])?;
    let passed = session_policies::parse(input.policy.take(), input.policy_arns.take())?;
    let packed_policy_size = session_policies::packed_size(&passed, &tags)?;
    let role = directory.role(name).ok();
    let role = role.filter(|role| Kind::Role.arn(account, &role.path, &role.name) == input.role_arn);
    let trusted = Arc::new(match role {
        Some(role) => Trusted::new(&directory, role),
        None => Trusted::absent(account, &input.role_arn),
    });
    let provider_arn = Kind::Oidc.arn(account, "/", &provider.url);
    context.ask(tags.asked(keys(&provider_arn, provider, &claims, &input.role_session_name)));
    permit::<actions::AssumeRoleWithWebIdentity>(identities, context, &trusted)?;
    if !tags.is_empty() {
        permit::<TagSession>(identities, context, &trusted)?;
    }
    if claims.source_identity.is_some() {
        permit::<SetSourceIdentity>(identities, context, &trusted)?;
    }
    let role = role.ok_or_else(unauthorized::<actions::AssumeRoleWithWebIdentity>)?;

    session_policies::expect_there(&passed, &directory)?;
    let seconds = assume_role::duration(input.duration_seconds, role, false)?;
    let who = Who::Role(role.id.clone(), input.role_session_name.clone());
    let token = Token::new(account, who, context.now_ms, identities.sessions.end(seconds));
    let source_identity = claims.source_identity.clone();
    let token = Token { source_identity, passed, provider: Some(provider_arn.clone()), ..token };
    let token = token.with_tags(tags.into_tags());
    let issued = identities.sessions.issue(&token, input.minimum_session_token_size)?;
    let session = Principal::RoleSession { role: role.entity(account), session: input.role_session_name };
    Ok(AssumeRoleWithWebIdentityResponse {
        session_token_size: Some(issued.size()),
        session_token_utilization: Some(issued.utilization()),
        credentials: Some(answer(issued)),
        subject_from_web_identity_token: Some(subject.clone()),
        assumed_role_user: Some(AssumedRoleUser { assumed_role_id: session.unique_id(), arn: session.arn() }),
        packed_policy_size,
        provider: Some(provider_arn),
        audience: Some(audience.clone()),
        source_identity: token.source_identity,
    })
}

/// The provider that issued the token, and what the token says, once all of it is checked: who issued it, for whom,
/// when, and that nobody has altered it. The caller is known from then on.
async fn verified<'d>(
    identities: &IdentityManagement,
    directory: &'d Directory,
    token: &str,
    caller: &WebIdentity,
) -> Result<(&'d Provider, Claims), Refusal> {
    let jwt = Jwt::parse(token)?;
    let issuer = jwt.issuer()?;
    let provider = provider_of(directory, issuer, identities.providers.reaches_local())
        .ok_or_else(|| invalid(format!("No OpenIDConnect provider found in your account for {issuer}")))?;
    let keys = identities.providers.keys(issuer, &provider.thumbprints, jwt.key_id()).await?;
    if !jwt.is_signed_by(&keys) {
        // Text: ours; AWS's is not known.
        return Err(invalid("The signature of the ID Token is not valid"));
    }
    let claims = Claims::read(jwt.claims(), &provider.client_ids, identities.sessions.clocks().real_now())?;
    caller.vouch(Vouched {
        provider: Kind::Oidc.arn(directory.account, "/", &provider.url),
        audience: claims.audience.clone(),
        subject: claims.subject.clone(),
    });
    Ok((provider, claims))
}

/// The provider that an issuer is, by its URL to the letter.
fn provider_of<'d>(directory: &'d Directory, issuer: &str, reaches_local: bool) -> Option<&'d Provider> {
    let url = match issuer.strip_prefix(HTTPS) {
        Some(url) => url,
        None => issuer.strip_prefix(HTTP).filter(|url| reaches_local && is_loopback(url))?,
    };
    directory.provider(&Kind::Oidc.arn(directory.account, "/", url)).ok()
}

/// What the request says to trust policies ("Available keys for AWS OIDC federation").
fn keys(provider_arn: &str, provider: &Provider, claims: &Claims, session_name: &str) -> ConditionKeys {
    let of_provider = |claim: &str| format!("{}:{claim}", provider.url);
    ConditionKeys::new()
        .with("sts:RoleSessionName", session_name)
        .with("aws:FederatedProvider", provider_arn)
        .with(&of_provider("aud"), claims.audience.as_str())
        .with(&of_provider("sub"), claims.subject.as_str())
        .with_some(&of_provider("amr"), claims.methods.clone())
        .with_some("sts:SourceIdentity", claims.source_identity.as_deref())
}

/// The trust policy alone decides, and nobody without credentials is told how (text: answers of AWS quoted in public
/// issue threads).
fn permit<A: Action>(
    identities: &IdentityManagement,
    context: &RequestContext,
    trusted: &Arc<Trusted>,
) -> Result<(), Refusal> {
    let decided = identities.authority.authorize::<A, _>(context, trusted.clone());
    decided.map(drop).map_err(|_denied| unauthorized::<A>())
}

fn unauthorized<A: Action>() -> Refusal {
    Refusal::Forbidden(format!("Not authorized to perform {}", A::NAME))
}

/// A token that does not count.
fn invalid(text: impl Into<String>) -> Refusal {
    Refusal::Modelled(&strongroom_api_sts::errors::INVALID_IDENTITY_TOKEN_EXCEPTION, text.into())
}

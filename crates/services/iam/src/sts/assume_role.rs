//! AssumeRole.

use std::sync::Arc;

use strongroom_api_sts::{AssumeRoleRequest, AssumeRoleResponse, AssumedRoleUser, actions};
use strongroom_identity::{Action, ConditionKeys, Principal, RequestContext};
use strongroom_policy::Resource as _;

use super::session_tags::SessionTags;
use super::token::{Passed, Token, Who};
use super::trusted::{RoleArn, SetSourceIdentity, TagSession, Trusted};
use super::{answer, second_factor, session_policies};
use crate::IdentityManagement;
use crate::domain::kind::Kind;
use crate::domain::role::{Role, USUAL_SESSION};
use crate::error::Refusal;

/// How long a session lasts that another session asks for, at most, in seconds.
const MOST_CHAINED: i32 = 3600;

/// What a request asks for, read.
struct Asked {
    tags: SessionTags,
    passed: Passed,
    packed_size: Option<i32>,
    source_identity: Option<String>,
}

pub(super) async fn assume_role(
    identities: &IdentityManagement,
    context: &RequestContext,
    mut input: AssumeRoleRequest,
) -> Result<AssumeRoleResponse, Refusal> {
    if input.provided_contexts.is_some() {
        return Err(Refusal::NotImplemented("the ProvidedContexts parameter of AssumeRole"));
    }
    let RoleArn { account, name } = RoleArn::parse(&input.role_arn)?;
    let touched = || context.touched(Kind::Role.cloudformation(), account, input.role_arn.as_str());
    let is_own = account == context.account();
    if is_own {
        touched();
    }
    match &context.caller.principal {
        // Text: answers of AWS quoted in public issue threads.
        Principal::Root(_) => {
            return Err(Refusal::Forbidden("Roles may not be assumed by root accounts.".to_owned()));
        }
        // Of STS they may call GetCallerIdentity only, whatever their policies say.
        Principal::FederatedUser { .. } => {
            return Err(unauthorized::<actions::AssumeRole>(context, &input.role_arn));
        }
        _ => {}
    }
    let calling = context.caller.session.clone();
    let asked = {
        let (given, transitive) = (input.tags.take(), input.transitive_tag_keys.take());
        let calling = calling.as_deref();
        let tags = SessionTags::parse(given, transitive, calling.map_or(&[], |session| &session.tags))?;
        let passed = session_policies::parse(input.policy.take(), input.policy_arns.take())?;
        let packed_size = session_policies::packed_size(&passed, &tags)?;
        let inherited = calling.and_then(|session| session.source_identity.clone());
        // It cannot be changed once it is set.
        if inherited.is_some() && input.source_identity.is_some() && inherited != input.source_identity {
            return Err(unauthorized::<SetSourceIdentity>(context, &input.role_arn));
        }
        Asked { tags, passed, packed_size, source_identity: inherited.or(input.source_identity.take()) }
    };
    let (serial, code) = (input.serial_number.as_deref(), input.token_code.as_deref());
    let mfa_ms = second_factor::prove(identities, context, serial, code).await?;

    let directory = identities.directories.current(account).await?;
    let role = directory.role(name).ok();
    let role = role.filter(|role| Kind::Role.arn(account, &role.path, &role.name) == input.role_arn);
    context.ask(keys(&input, &asked, mfa_ms.is_some()));
    let trusted = match role {
        Some(role) => Trusted::new(&directory, role),
        None => Trusted::absent(account, &input.role_arn),
    };
    let trusted = Arc::new(trusted);
    permit::<actions::AssumeRole>(identities, context, &trusted, &input.role_arn)?;
    if !asked.tags.is_empty() {
        permit::<TagSession>(identities, context, &trusted, &input.role_arn)?;
    }
    if asked.source_identity.is_some() {
        permit::<SetSourceIdentity>(identities, context, &trusted, &input.role_arn)?;
    }
    let role = role.ok_or_else(|| unauthorized::<actions::AssumeRole>(context, &input.role_arn))?;
    // Another account's trail tells of those whom its role lets in alone, or anybody could write into it what he likes.
    if !is_own {
        touched();
    }

    session_policies::expect_there(&asked.passed, &directory)?;
    let seconds = duration(input.duration_seconds, role, calling.is_some())?;
    let Asked { tags, passed, packed_size, source_identity } = asked;
    let who = Who::Role(role.id.clone(), input.role_session_name.clone());
    let token = Token::new(account, who, context.now_ms, identities.sessions.end(seconds));
    let token = Token { source_identity, passed, ..token }.with_tags(tags.into_tags());
    let issued = identities.sessions.issue(&token, input.minimum_session_token_size)?;
    let session = Principal::RoleSession { role: role.entity(account), session: input.role_session_name };
    Ok(AssumeRoleResponse {
        session_token_size: Some(issued.size()),
        session_token_utilization: Some(issued.utilization()),
        credentials: Some(answer(issued)),
        assumed_role_user: Some(AssumedRoleUser { assumed_role_id: session.unique_id(), arn: session.arn() }),
        packed_policy_size: packed_size,
        source_identity: token.source_identity,
    })
}

/// What the request says to policies.
fn keys(input: &AssumeRoleRequest, asked: &Asked, is_mfa_proved: bool) -> ConditionKeys {
    let keys = ConditionKeys::new()
        .with("sts:RoleSessionName", input.role_session_name.as_str())
        .with_some("sts:ExternalId", input.external_id.as_deref())
        .with_some("sts:SourceIdentity", asked.source_identity.as_deref())
        .with_some("aws:MultiFactorAuthPresent", is_mfa_proved.then_some(true))
        .with_some("aws:MultiFactorAuthAge", is_mfa_proved.then_some(0_i64));
    asked.tags.asked(keys)
}

/// Permission to do `A` to the role. Callers of other accounts are not told what was missing: it would tell them
/// which roles there are.
fn permit<A: Action>(
    identities: &IdentityManagement,
    context: &RequestContext,
    trusted: &Arc<Trusted>,
    arn: &str,
) -> Result<(), Refusal> {
    let is_own = trusted.owner() == context.account();
    let decided = identities.authority.authorize::<A, _>(context, trusted.clone());
    decided.map(drop).map_err(|denied| if is_own { denied.into() } else { unauthorized::<A>(context, arn) })
}

/// The refusal without a reason (text: answers of AWS quoted in public issue threads).
fn unauthorized<A: Action>(context: &RequestContext, arn: &str) -> Refusal {
    let (caller, action) = (context.caller.principal.arn(), A::NAME);
    Refusal::Forbidden(format!("User: {caller} is not authorized to perform: {action} on resource: {arn}"))
}

/// How long the session lasts, in seconds (texts: answers of AWS quoted in public issue threads).
pub(super) fn duration(asked: Option<i32>, role: &Role, is_chained: bool) -> Result<i32, Refusal> {
    let seconds = asked.unwrap_or(USUAL_SESSION);
    let exceeded =
        |what: &str| Err(Refusal::Validation(format!("The requested DurationSeconds exceeds {what}.")));
    if is_chained && seconds > MOST_CHAINED {
        return exceeded("the 1 hour session limit for roles assumed by role chaining");
    }
    if seconds > role.max_session {
        return exceeded("the MaxSessionDuration set for this role");
    }
    Ok(seconds)
}

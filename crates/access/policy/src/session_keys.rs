//! What temporary credentials, and services in between, say of a request: the condition keys that follow from the
//! caller's session and from the way that the request took (IAM User Guide, "AWS global condition context keys").

use strongroom_identity::{ConditionKeys, Origin, RequestContext, Session};

use crate::keys::{Value, Values};

/// Milliseconds of a second.
const MILLIS: i64 = 1000;

/// The key is not one that follows from the session or from the way.
pub(crate) struct NotOurs;

/// The value of a key of the session or of the way; `None` if the request has no such key.
///
/// | credentials | `aws:MultiFactorAuthPresent` | `aws:MultiFactorAuthAge` |
/// |---|---|---|
/// | long-term | absent | absent |
/// | of GetSessionToken, with a code | true | seconds since |
/// | of GetSessionToken, without | false | absent |
/// | of AssumeRole | false | absent |
/// | of AssumeRoleWithWebIdentity and GetFederationToken | absent | absent |
///
/// An operation that takes a code itself, as AssumeRole does, states that it did: that counts for this request.
pub(crate) fn value<'v>(
    key: &str,
    context: &'v RequestContext,
    asked: &ConditionKeys,
) -> Result<Option<Values<'v>>, NotOurs> {
    let session = context.caller.session.as_deref();
    let forwarded_by = context.forwarded_by();
    Ok(match key {
        "aws:multifactorauthpresent" | "aws:multifactorauthage" if asked.get(key).is_some() => {
            return Err(NotOurs);
        }
        "aws:multifactorauthpresent" => session.and_then(was_proven_twice).map(Values::from),
        "aws:multifactorauthage" => {
            let proven = session.filter(|session| was_proven_twice(session) == Some(true));
            let age = |proven_ms: i64| context.now_ms.saturating_sub(proven_ms).max(0).div_euclid(MILLIS);
            proven.and_then(|session| session.mfa_ms).map(|proven_ms| age(proven_ms).into())
        }
        "aws:tokenissuetime" => session.map(|session| Values::One(Value::Moment(session.issued_ms))),
        "aws:sourceidentity" => {
            session.and_then(|session| session.source_identity.as_deref()).map(Values::text)
        }
        // Stated where a role is assumed with a provider's word, which is before there is a session.
        "aws:federatedprovider" if session.is_none() => return Err(NotOurs),
        "aws:federatedprovider" => {
            session.and_then(|session| session.federated_provider.as_deref()).map(Values::text)
        }
        "aws:viaawsservice" => Some((!forwarded_by.is_empty()).into()),
        "aws:calledvia" => (!forwarded_by.is_empty()).then(|| Values::texts(forwarded_by.iter().copied())),
        "aws:calledviafirst" => forwarded_by.first().copied().map(Values::text),
        "aws:calledvialast" => forwarded_by.last().copied().map(Values::text),
        // What a service acts about, which it says where it calls under its own name.
        "aws:sourcearn" => context.acts_about().map(Values::text),
        _ => return Err(NotOurs),
    })
}

/// Whether the session's user proved a second factor, of sessions that say so.
fn was_proven_twice(session: &Session) -> Option<bool> {
    match session.origin {
        Origin::SessionToken => Some(session.mfa_ms.is_some()),
        Origin::AssumeRole => Some(false),
        Origin::WebIdentity | Origin::FederationToken => None,
    }
}

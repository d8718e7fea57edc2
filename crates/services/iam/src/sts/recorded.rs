//! What records show of temporary credentials: STS's operations change nothing, and records show their answers all the
//! same (IAM User Guide, "Logging IAM and AWS STS API calls with AWS CloudTrail"), here without what proves anything:
//! neither secret nor session token, which AWS shows.

use std::collections::BTreeMap;

use serde_json::value::RawValue;
use strongroom_api_sts::{
    AssumeRoleResponse, AssumeRoleWithWebIdentityResponse, AssumedRoleUser, Credentials,
    GetFederationTokenResponse,
};
use strongroom_identity::{NoteValue, RequestContext};

/// The members of parameters that hold one-time codes, of STS and of IAM.
const CODES: [&str; 3] = ["tokenCode", "authenticationCode1", "authenticationCode2"];

/// The parameters of a call as its record may show them: without codes of second factors, which AWS leaves
/// out too (IAM User Guide, "Logging IAM and AWS STS API calls": AssumeRole with a `serialNumber`). Nothing, where nothing
/// else was given.
pub fn conceal_codes(parameters: String) -> Option<String> {
    if !CODES.iter().any(|code| parameters.contains(code)) {
        return Some(parameters);
    }
    // Values stay as they are written: a document of somebody else's may hold numbers that this program has not.
    let mut shown: BTreeMap<String, Box<RawValue>> = serde_json::from_str(&parameters).ok()?;
    shown.retain(|name, _| !CODES.contains(&name.as_str()));
    if shown.is_empty() { None } else { serde_json::to_string(&shown).ok() }
}

/// Notes the tags that the calling session passes on, which the request does not name.
pub(super) fn incoming_tags(context: &RequestContext) {
    let session = context.caller.session.as_deref();
    let tags = session.into_iter().flat_map(|session| &session.tags).filter(|tag| tag.is_transitive);
    let tags: Vec<_> = tags.map(|tag| (tag.key.clone(), tag.value.as_str().into())).collect();
    if !tags.is_empty() {
        context.defaulted("incomingTransitiveTags", NoteValue::Members(tags));
    }
}

/// Notes the answer of AssumeRole.
pub(super) fn role_session(context: &RequestContext, answer: &AssumeRoleResponse) {
    credentials(context, answer.credentials.as_ref());
    assumed(context, answer.assumed_role_user.as_ref());
    if let Some(source_identity) = &answer.source_identity {
        context.responded("sourceIdentity", source_identity.as_str());
    }
    packed_size(context, answer.packed_policy_size);
}

/// Notes the answer of AssumeRoleWithWebIdentity.
pub(super) fn web_session(context: &RequestContext, answer: &AssumeRoleWithWebIdentityResponse) {
    credentials(context, answer.credentials.as_ref());
    assumed(context, answer.assumed_role_user.as_ref());
    for (member, text) in [
        ("subjectFromWebIdentityToken", &answer.subject_from_web_identity_token),
        ("provider", &answer.provider),
        ("audience", &answer.audience),
        ("sourceIdentity", &answer.source_identity),
    ] {
        if let Some(text) = text {
            context.responded(member, text.as_str());
        }
    }
    packed_size(context, answer.packed_policy_size);
}

/// Notes the answer of GetFederationToken.
pub(super) fn federated_user(context: &RequestContext, answer: &GetFederationTokenResponse) {
    credentials(context, answer.credentials.as_ref());
    if let Some(user) = &answer.federated_user {
        let members = [("federatedUserId", &user.federated_user_id), ("arn", &user.arn)];
        context.responded("federatedUser", texts(members));
    }
    packed_size(context, answer.packed_policy_size);
}

/// Notes credentials that were given out.
pub(super) fn credentials(context: &RequestContext, credentials: Option<&Credentials>) {
    if let Some(given) = credentials {
        let id = NoteValue::Text(given.access_key_id.clone());
        let end = NoteValue::Moment(given.expiration.as_millis());
        let members = vec![("accessKeyId".to_owned(), id), ("expiration".to_owned(), end)];
        context.responded("credentials", NoteValue::Members(members));
    }
}

fn assumed(context: &RequestContext, user: Option<&AssumedRoleUser>) {
    if let Some(user) = user {
        let members = [("assumedRoleId", &user.assumed_role_id), ("arn", &user.arn)];
        context.responded("assumedRoleUser", texts(members));
    }
}

fn packed_size(context: &RequestContext, size: Option<i32>) {
    if let Some(size) = size {
        context.responded("packedPolicySize", i64::from(size));
    }
}

fn texts(members: [(&str, &String); 2]) -> NoteValue {
    NoteValue::Members(members.map(|(name, text)| (name.to_owned(), text.as_str().into())).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_not_shown() {
        let asked = r#"{"serialNumber":"arn:aws:iam::1:mfa/a","tokenCode":"123456"}"#;
        let shown = conceal_codes(asked.to_owned());
        assert_eq!(shown.as_deref(), Some(r#"{"serialNumber":"arn:aws:iam::1:mfa/a"}"#));
        assert_eq!(conceal_codes(r#"{"tokenCode":"123456"}"#.to_owned()), None);
        let beside = r#"{"a":1e999,"tokenCode":"123456"}"#;
        assert_eq!(conceal_codes(beside.to_owned()).as_deref(), Some(r#"{"a":1e999}"#));
        let others = r#"{"userName":"tokenCode"}"#.to_owned();
        assert_eq!(conceal_codes(others.clone()), Some(others));
    }
}

//! Key policies: the one that a key has from the start, and what is accepted in its place (KMS Developer
//! Guide, "Key policies in AWS KMS").

use strongroom_api_kms::actions;
use strongroom_identity::{AccountId, RequestContext};
use strongroom_policy::Authority;
use strongroom_policy::document::{Condition, Document, DocumentError, Kind, Quantifier};
pub(crate) use strongroom_policy::{Bound, Named};

use super::access::{KeyPolicy, Proposed, Stated, compile};
use super::identifier::Home;
use super::key::{Key, Manager};
use super::managed;
use crate::error::Refusal;

/// The one name that a key policy has.
pub(crate) const NAME: &str = "default";

/// The name under which the resource access manager keeps its own.
const RAM_NAME: &str = "AWS_RAM";

/// What precedes the name of a pair in the condition keys of an encryption context.
const PAIR: &str = "kms:EncryptionContext:";

/// AWS's text.
const OVERLY_PERMISSIVE: &str = "OverlyPermissiveCondition:EncryptionContext: Using the ForAllValues set operator with \
    a single-valued condition key matches requests without the specified encryption context or with an unspecified \
    encryption context. To fix, remove ForAllValues.";

impl Key {
    /// The key's policy.
    pub(crate) fn policy_text(&self) -> String {
        match (self.policy.given(), &self.manager) {
            (Some(policy), _) => policy.to_owned(),
            (None, Manager::Customer) => default_text(self.home.account),
            (None, Manager::Service(service)) => managed::policy(service, &self.home),
        }
    }
}

/// The policy that lets the account decide, in AWS's spelling.
pub(super) fn default_text(account: AccountId) -> String {
    format!(
        r#"{{
  "Version" : "2012-10-17",
  "Id" : "key-default-1",
  "Statement" : [ {{
    "Sid" : "Enable IAM User Permissions",
    "Effect" : "Allow",
    "Principal" : {{
      "AWS" : "arn:aws:iam::{account}:root"
    }},
    "Action" : "kms:*",
    "Resource" : "*"
  }} ]
}}"#
    )
}

/// A key that is to get a policy.
#[derive(Clone, Copy)]
pub(crate) struct Recipient<'k> {
    pub(crate) home: &'k Home,
    pub(crate) arn: &'k str,
    pub(crate) stated: Stated<'k>,
}

/// Checks a policy that the caller gives a key, all of whose users and roles must exist: `bound` has their unique ids.
/// It must not mean more than whoever wrote it is likely to have thought. Unless `bypass` is set, it must let the caller,
/// or its account, replace it again by a request like this one.
pub(crate) fn check(
    authority: &Authority,
    context: &RequestContext,
    text: &str,
    bound: Option<&Bound>,
    key: Recipient<'_>,
    bypass: bool,
) -> Result<KeyPolicy, Refusal> {
    let document = read(text)?;
    if document.statements.iter().flat_map(|statement| &statement.conditions).any(is_overly_permissive) {
        return Err(Refusal::MalformedPolicy(OVERLY_PERMISSIVE.to_owned()));
    }
    let bound = bound.ok_or_else(invalid_principals)?;
    let policy = KeyPolicy::new(Some(text.to_owned()), bound.clone());
    let Recipient { home, arn, stated } = key;
    let proposed = Proposed { home, arn, stated, policy: compile(text, bound) };
    if !bypass && !authority.admits::<actions::PutKeyPolicy, _>(context, &proposed) {
        return Err(Refusal::MalformedPolicy(
            "The new key policy will not allow you to update the key policy in the future.".to_owned(),
        ));
    }
    Ok(policy)
}

/// Refuses a text that is no key policy.
pub(crate) fn read(text: &str) -> Result<Document, Refusal> {
    Document::parse(text, Kind::Key).map_err(refusal)
}

/// `ForAllValues` of a pair of the encryption context: a request without that pair fulfils it, whatever the operator
/// (KMS Developer Guide, "kms:EncryptionContext:context-key").
fn is_overly_permissive(condition: &Condition) -> bool {
    condition.quantifier == Some(Quantifier::AllValues)
        && condition.key.get(..PAIR.len()).is_some_and(|start| start.eq_ignore_ascii_case(PAIR))
}

/// The refusal of a text that is no key policy.
fn refusal(error: DocumentError) -> Refusal {
    match error {
        DocumentError::TooLarge { limit } => {
            Refusal::LimitExceeded(format!("A key policy can have at most {limit} bytes."))
        }
        DocumentError::InvalidArn { .. } => {
            Refusal::InvalidArn("An ARN in the specified key policy is invalid.".to_owned())
        }
        DocumentError::InvalidPrincipal { .. } => invalid_principals(),
        other => Refusal::MalformedPolicy(other.to_string()),
    }
}

/// Checks the name of a policy that is asked for.
pub(crate) fn check_name(name: Option<&str>) -> Result<(), Refusal> {
    match name {
        None | Some(NAME) => Ok(()),
        Some(other) => Err(Refusal::NotFound(format!("No such policy exists: {other}"))),
    }
}

/// Checks the name of a policy that is given.
pub(crate) fn check_new_name(name: Option<&str>) -> Result<(), Refusal> {
    match name {
        Some(RAM_NAME) => {
            Err(Refusal::Validation("The AWS_RAM policy can only be managed by the RAM service".to_owned()))
        }
        _ => check_name(name),
    }
}

/// The refusal of a policy that names somebody who does not exist.
pub(crate) fn invalid_principals() -> Refusal {
    Refusal::MalformedPolicy("Policy contains a statement with one or more invalid principals.".to_owned())
}

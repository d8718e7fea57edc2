//! Policies that a simulation leaves out.

use strongroom_api_iam::{
    AttachmentType, InlinePolicyIdentifierType, PolicyIdentifier, PolicyIdentifierPolicyType,
};

use super::source::Origin;
use crate::domain::kind::Kind;
use crate::error::Refusal;

/// What ARNs of AWS managed policies begin with.
const OF_AWS: &str = "arn:aws:iam::aws:policy/";

/// One or more policies to be left out.
pub(crate) enum Exclusion {
    Inline,
    OfAws,
    OfAccount,
    Boundary,
    /// Of kinds that no principal here has.
    Nothing,
    /// Managed policies whose ARN fits.
    Managed(String),
    /// The inline policy of that name of entities of that kind whose name fits.
    InlineOf(Kind, String, String),
}

impl Exclusion {
    pub(crate) fn parse(identifier: &PolicyIdentifier) -> Result<Self, Refusal> {
        let PolicyIdentifier { policy_type, policy_arn, inline_policy_identifier } = identifier;
        match (policy_type, policy_arn, inline_policy_identifier) {
            (Some(kind), None, None) => Ok(Self::of_type(kind)),
            (None, Some(arn), None) => Self::of_arn(arn),
            (None, None, Some(inline)) => Self::of_inline(inline),
            _ => Err(Refusal::invalid_input(
                "A policy identifier has exactly one of PolicyType, PolicyArn and InlinePolicyIdentifier.",
            )),
        }
    }

    fn of_type(kind: &PolicyIdentifierPolicyType) -> Self {
        match kind {
            PolicyIdentifierPolicyType::Inline => Self::Inline,
            PolicyIdentifierPolicyType::AwsManaged => Self::OfAws,
            PolicyIdentifierPolicyType::UserManaged => Self::OfAccount,
            PolicyIdentifierPolicyType::PermissionBoundary => Self::Boundary,
            PolicyIdentifierPolicyType::Scp
            | PolicyIdentifierPolicyType::Rcp
            | PolicyIdentifierPolicyType::Unknown(_) => Self::Nothing,
        }
    }

    fn of_arn(arn: &str) -> Result<Self, Refusal> {
        let resource = arn.strip_prefix("arn:aws:iam::").and_then(|rest| rest.split_once(":policy/"));
        let is_account =
            |account: &str| account == "aws" || account.parse::<strongroom_identity::AccountId>().is_ok();
        let is_valid = resource.is_some_and(|(account, name)| is_account(account) && is_pattern(name));
        if !is_valid {
            return Err(Refusal::invalid_input(format!("ARN {arn} is not valid.")));
        }
        Ok(Self::Managed(arn.to_owned()))
    }

    fn of_inline(inline: &InlinePolicyIdentifierType) -> Result<Self, Refusal> {
        let InlinePolicyIdentifierType { policy_name, attachment_type, attachment_name } = inline;
        if !is_pattern(attachment_name) || policy_name.contains(['*', '?']) {
            return Err(Refusal::invalid_input(format!(
                "The inline policy identifier {policy_name} of {attachment_name} is not valid."
            )));
        }
        let kind = match attachment_type {
            AttachmentType::User => Kind::User,
            AttachmentType::Group => Kind::Group,
            AttachmentType::Role => Kind::Role,
            AttachmentType::Unknown(_) => return Ok(Self::Nothing),
        };
        Ok(Self::InlineOf(kind, attachment_name.clone(), policy_name.clone()))
    }

    /// Whether a policy is left out.
    pub(crate) fn covers(&self, origin: Origin<'_>) -> bool {
        match (self, origin) {
            (Self::Inline, Origin::Inline(..)) | (Self::Boundary, Origin::Boundary(_)) => true,
            (Self::OfAws, Origin::Managed(arn)) => arn.starts_with(OF_AWS),
            (Self::OfAccount, Origin::Managed(arn)) => !arn.starts_with(OF_AWS),
            (Self::Managed(pattern), Origin::Managed(arn)) => fits(pattern, arn),
            (Self::InlineOf(kind, pattern, name), Origin::Inline(of, entity, policy)) => {
                *kind == of && name == policy && fits(pattern, entity)
            }
            _ => false,
        }
    }
}

/// Whether a text may be a pattern: it has one `*` at most.
fn is_pattern(text: &str) -> bool {
    !text.is_empty() && text.matches('*').count() <= 1
}

/// Whether a text fits a pattern with one `*` at most, and any number of `?`.
fn fits(pattern: &str, text: &str) -> bool {
    let like = |pattern: &str, text: &str| {
        pattern.chars().zip(text.chars()).all(|(wanted, found)| wanted == '?' || wanted == found)
    };
    let (length, of_pattern) = (text.chars().count(), pattern.chars().count());
    let Some((head, tail)) = pattern.split_once('*') else {
        return length == of_pattern && like(pattern, text);
    };
    let reversed = |text: &str| text.chars().rev().collect::<String>();
    length + 1 >= of_pattern && like(head, text) && like(&reversed(tail), &reversed(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_have_one_star() {
        for (pattern, text, expected) in [
            ("abc", "abc", true),
            ("abc", "abcd", false),
            ("a?c", "abc", true),
            ("a*", "a", true),
            ("a*c", "abbbc", true),
            ("a*c", "ac", true),
            ("a*cc", "ac", false),
            ("*", "", true),
            ("a?*?d", "abcd", true),
            ("a?*?d", "abd", false),
            ("ab*", "a", false),
        ] {
            assert_eq!(fits(pattern, text), expected, "{pattern} {text}");
        }
        assert!(!is_pattern("a*b*"));
    }
}

//! The actions that a statement is about.

use super::path::Path;
use super::{DocumentError, Fault, Kind};
use crate::pattern::Pattern;

/// Actions by name, with wildcards: `kms:Decrypt`, `kms:Describe*`, or `*` for every action of every service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActionPattern {
    text: String,
    pattern: Pattern,
}

impl ActionPattern {
    /// As it is written in the policy.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether the pattern stands for an action, for example `kms:Decrypt`. Letters match in either case.
    pub fn matches(&self, action: &str) -> bool {
        self.pattern.matches(action)
    }

    /// One action, by a name that is known to be one.
    pub(crate) fn named(action: &str) -> Self {
        Self { text: action.to_owned(), pattern: Pattern::of_action(action) }
    }

    pub(super) fn parse(text: &str, kind: Kind, at: &Path<'_>) -> Result<Self, DocumentError> {
        match fault(text, kind) {
            None => Ok(Self { text: text.to_owned(), pattern: Pattern::of_action(text) }),
            Some(fault) => Err(DocumentError::malformed(at, fault(text.to_owned()))),
        }
    }
}

/// What keeps `text` from being an action in policies of that kind.
fn fault(text: &str, kind: Kind) -> Option<fn(String) -> Fault> {
    if text == "*" {
        return (kind == Kind::Trust).then_some(Fault::ForeignAction);
    }
    let Some((prefix, name)) = text.split_once(':') else { return Some(Fault::ActionWithoutPrefix) };
    if name.contains(':') {
        return Some(Fault::ActionColons);
    }
    let is_prefix = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-_*?".contains(&byte);
    if prefix.is_empty() || name.is_empty() || !prefix.bytes().all(is_prefix) || !name.bytes().all(is_name) {
        return Some(Fault::Action);
    }
    (kind == Kind::Trust && !prefix.eq_ignore_ascii_case("sts")).then_some(Fault::ForeignAction)
}

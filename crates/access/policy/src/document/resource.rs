//! The resources that a statement is about.

use strongroom_identity::PARTITION;

use super::path::Path;
use super::{DocumentError, Fault, Kind};
use crate::pattern::Pattern;

/// Colons in an ARN before its last field.
const COLONS: usize = 5;

/// Resources by ARN, with wildcards, or `*` for every resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArnPattern {
    text: String,
    pattern: Pattern,
}

impl ArnPattern {
    /// As it is written in the policy.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether the pattern stands for the resource of that ARN. Only `*` stands for the `*` of actions that
    /// have no resource of their own.
    ///
    /// Policy variables are taken literally, as policies of version 2008-10-17 have them.
    pub fn matches(&self, arn: &str) -> bool {
        self.pattern.matches(arn)
    }

    /// Whether it has a policy variable, for example `${aws:username}`, if the policy is of a version that
    /// has variables.
    pub fn has_variables(&self) -> bool {
        self.text.contains("${")
    }

    pub(super) fn parse(text: &str, kind: Kind, at: &Path<'_>) -> Result<Self, DocumentError> {
        match fault(text) {
            None => Ok(Self { text: text.to_owned(), pattern: Pattern::of_arn(&completed(text, kind)) }),
            Some(fault) => Err(DocumentError::malformed(at, fault(text.to_owned()))),
        }
    }
}

/// What keeps `text` from being a resource.
fn fault(text: &str) -> Option<fn(String) -> Fault> {
    if text == "*" {
        return None;
    }
    let mut fields = text.split(':');
    if fields.next() != Some("arn") {
        return Some(Fault::ResourceNotArn);
    }
    if fields.next() != Some(PARTITION) {
        return Some(Fault::ResourcePartition);
    }
    let service = fields.next().unwrap_or_default();
    (service.is_empty() || service.contains(['*', '?'])).then_some(Fault::ResourceService)
}

/// In identity-based policies, fields that are missing at the end of an ARN stand for anything:
/// `arn:aws:sqs` is every queue. Where a `*` that ends its field can stand for later fields, none is missing.
fn completed(text: &str, kind: Kind) -> String {
    let is_complete = text.contains("*:") || text.ends_with('*');
    let missing = COLONS.saturating_sub(text.matches(':').count());
    let filling = if kind != Kind::Identity || is_complete { 0 } else { missing };
    format!("{text}{}", ":*".repeat(filling))
}

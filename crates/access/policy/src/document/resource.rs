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
    completed: String,
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

    /// The pattern with the fields that may be left out where it stands.
    pub(crate) fn completed(&self) -> &str {
        &self.completed
    }

    pub(super) fn parse(text: &str, kind: Kind, at: &Path<'_>) -> Result<Self, DocumentError> {
        match fault(text, kind) {
            None => {
                let completed = completed(text, kind);
                Ok(Self { text: text.to_owned(), pattern: Pattern::of_arn(&completed), completed })
            }
            Some(fault) => Err(DocumentError::malformed(at, fault(text.to_owned()))),
        }
    }
}

/// What keeps `text` from being a resource in policies of that kind.
fn fault(text: &str, kind: Kind) -> Option<fn(String) -> Fault> {
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
    if service.is_empty() || service.contains(['*', '?']) {
        return Some(Fault::ResourceService);
    }
    // IAM is of no Region.
    if service == "iam" && fields.next().is_some_and(|region| !region.is_empty() && region != "*") {
        return Some(Fault::ResourceRegion);
    }
    (kind == Kind::Session && text.matches(':').count() < COLONS).then_some(Fault::ResourceIncomplete)
}

/// In identity-based policies, fields that are missing at the end of an ARN stand for anything:
/// `arn:aws:sqs` is every queue. Where a `*` that ends its field can stand for later fields, none is missing.
fn completed(text: &str, kind: Kind) -> String {
    let is_complete = text.contains("*:") || text.ends_with('*');
    let missing = COLONS.saturating_sub(text.matches(':').count());
    let filling = if !kind.completes_resources() || is_complete { 0 } else { missing };
    format!("{text}{}", ":*".repeat(filling))
}

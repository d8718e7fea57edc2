//! What a user, group or role may do: inline policies and attached managed policies.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::document;
use super::kind::Kind;
use crate::error::Refusal;

/// The policies of one entity.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Permissions {
    /// Documents of inline policies, by name.
    #[serde(default)]
    pub(crate) inline: BTreeMap<String, String>,
    /// ARNs of managed policies.
    #[serde(default)]
    pub(crate) attached: BTreeSet<String>,
}

impl Permissions {
    /// Puts an inline policy, whose text has been read as a policy, in place of one of the same name.
    pub(crate) fn put(&mut self, kind: Kind, entity: &str, name: &str, text: &str) -> Result<(), Refusal> {
        let mut inline = self.inline.clone();
        inline.insert(name.to_owned(), text.to_owned());
        let limit = inline_limit(kind);
        if inline.values().map(|text| document::length(text)).sum::<usize>() > limit {
            let noun = kind.resource_type();
            return Err(Refusal::limit(format!(
                "Maximum policy size of {limit} bytes exceeded for {noun} {entity}"
            )));
        }
        self.inline = inline;
        Ok(())
    }

    /// The document of an inline policy.
    pub(crate) fn get(&self, kind: Kind, name: &str) -> Result<&str, Refusal> {
        self.inline.get(name).map(String::as_str).ok_or_else(|| no_inline(kind, name))
    }

    /// Takes an inline policy away.
    pub(crate) fn delete(&mut self, kind: Kind, name: &str) -> Result<(), Refusal> {
        self.inline.remove(name).map(drop).ok_or_else(|| no_inline(kind, name))
    }

    /// Attaches a managed policy, unless it is attached.
    pub(crate) fn attach(&mut self, kind: Kind, arn: &str) -> Result<(), Refusal> {
        let (quota, limit) = attached_limit(kind);
        if !self.attached.contains(arn) && self.attached.len() >= limit {
            return Err(Refusal::quota(quota, limit));
        }
        self.attached.insert(arn.to_owned());
        Ok(())
    }

    /// Detaches a managed policy.
    pub(crate) fn detach(&mut self, arn: &str) -> Result<(), Refusal> {
        if self.attached.remove(arn) {
            return Ok(());
        }
        Err(Refusal::no_such(format!("Policy {arn} was not found.")))
    }

    /// Refuses the deletion of an entity that has policies.
    pub(crate) fn expect_none(&self) -> Result<(), Refusal> {
        if !self.attached.is_empty() {
            return Err(Refusal::must_first("detach all policies"));
        }
        if !self.inline.is_empty() {
            return Err(Refusal::must_first("delete policies"));
        }
        Ok(())
    }
}

fn no_inline(kind: Kind, name: &str) -> Refusal {
    Refusal::no_such(format!("The {} policy with name {name} cannot be found.", kind.resource_type()))
}

/// The characters, whitespace left out, of all inline policies of an entity together (IAM User Guide, "IAM
/// and STS quotas").
pub(crate) fn inline_limit(kind: Kind) -> usize {
    match kind {
        Kind::User => 2048,
        Kind::Group => 5120,
        Kind::Role | Kind::Policy | Kind::Mfa | Kind::Oidc => 10_240,
    }
}

/// The managed policies that may be attached to an entity.
pub(crate) fn attached_limit(kind: Kind) -> (&'static str, usize) {
    match kind {
        Kind::User => ("PoliciesPerUser", 10),
        Kind::Group => ("PoliciesPerGroup", 10),
        Kind::Role | Kind::Policy | Kind::Mfa | Kind::Oidc => ("PoliciesPerRole", 20),
    }
}

//! Refusals in AWS's words.

use std::fmt;

use crate::decision::Layer;

/// A refusal, with the text that AWS gives: who asked for what, and which kind of policy did not allow it or
/// denied it (IAM User Guide, "Troubleshoot access denied error messages").
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denied {
    principal: String,
    action: String,
    resource: String,
    reason: Reason,
}

/// Why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// Nothing there allows it.
    Implicit {
        /// Where.
        layer: Layer,
    },
    /// A statement denies it.
    Explicit {
        /// Where.
        layer: Layer,
        /// The policy's ARN, if it is shown.
        policy: Option<String>,
    },
}

impl Denied {
    pub(crate) fn new(principal: &str, action: &str, resource: &str, reason: Reason) -> Self {
        let (principal, action, resource) = (principal.to_owned(), action.to_owned(), resource.to_owned());
        Self { principal, action, resource, reason }
    }

    /// Why.
    pub fn reason(&self) -> &Reason {
        &self.reason
    }
}

impl fmt::Display for Denied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { principal, action, resource, reason } = self;
        write!(f, "User: {principal} is not authorized to perform: {action} on resource: {resource} ")?;
        match reason {
            Reason::Implicit { layer } => {
                write!(f, "because no {} allows the {action} action", layer.name())
            }
            Reason::Explicit { layer, policy } => {
                let article = match layer {
                    Layer::Identity => "an",
                    Layer::Trust => "the",
                    _ => "a",
                };
                write!(f, "with an explicit deny in {article} {}", layer.name())?;
                policy.iter().try_for_each(|arn| write!(f, ": {arn}"))
            }
        }
    }
}

impl std::error::Error for Denied {}

//! Refusals in AWS's words.

use std::fmt;

use crate::decision::Layer;

/// A refusal, with the text that AWS gives: who asked for what, and which kind of policy did not allow it or
/// denied it (IAM User Guide, "Troubleshoot access denied error messages").
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denied(Box<Told>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Told {
    principal: String,
    action: String,
    resource: String,
    reason: Reason,
    message: Option<String>,
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
        Self(Box::new(Told { principal, action, resource, reason, message: None }))
    }

    /// The same with what `sts:DecodeAuthorizationMessage` decodes.
    #[must_use]
    pub(crate) fn with_message(mut self, message: Option<String>) -> Self {
        self.0.message = message;
        self
    }

    /// What `sts:DecodeAuthorizationMessage` decodes, for services whose refusals show it, such as EC2.
    pub fn encoded_message(&self) -> Option<&str> {
        self.0.message.as_deref()
    }

    /// The text as S3 gives it: the resource in quotes.
    pub fn with_quoted_resource(&self) -> String {
        let Told { principal, action, resource, .. } = &*self.0;
        let asked =
            format!("User: {principal} is not authorized to perform: {action} on resource: \"{resource}\" ");
        format!("{asked}{}", Because(&self.0))
    }

    /// Why.
    pub fn reason(&self) -> &Reason {
        &self.0.reason
    }
}

impl fmt::Display for Denied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Told { principal, action, resource, .. } = &*self.0;
        write!(f, "User: {principal} is not authorized to perform: {action} on resource: {resource} ")?;
        fmt::Display::fmt(&Because(&self.0), f)
    }
}

/// How a refusal goes on after it has said who asked for what.
struct Because<'d>(&'d Told);

impl fmt::Display for Because<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Told { action, reason, .. } = self.0;
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

//! Refusals in AWS's words.

use std::fmt;

use strongroom_identity::Principal;

/// A refusal, with the text that AWS gives: who asked for what, and which kind of policy did not allow it
/// (IAM User Guide, "Troubleshoot access denied error messages").
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denied {
    message: String,
}

impl Denied {
    /// No policy of the resource lets the caller in.
    pub(crate) fn no_resource_based_policy(principal: &Principal, action: &str, resource: &str) -> Self {
        let message = format!(
            "User: {} is not authorized to perform: {action} on resource: {resource} because no \
             resource-based policy allows the {action} action",
            principal.arn()
        );
        Self { message }
    }

    /// No policy of the caller's own lets it do that.
    pub(crate) fn no_identity_based_policy(principal: &Principal, action: &str, resource: &str) -> Self {
        let message = format!(
            "User: {} is not authorized to perform: {action} on resource: {resource} because no \
             identity-based policy allows the {action} action",
            principal.arn()
        );
        Self { message }
    }
}

impl fmt::Display for Denied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Denied {}

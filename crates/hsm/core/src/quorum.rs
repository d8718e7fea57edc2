//! Approval by several: tokens, and the approvals that people sign (CloudHSM User Guide, "quorum authentication").
//!
//! A token is this HSM's word that a user asked, in one log-in session, for something that others must approve. It
//! is good for minutes, once. The client puts the tokens of all HSMs into one file; approvers sign its SHA-256. That
//! an approval is used up is shared by all HSMs, so it works once in the cluster.

mod approving;
mod commands;
mod record;
mod tokens;

pub(crate) use approving::Signatures;
pub(crate) use record::registration_data;
pub(crate) use tokens::Tokens;

/// What the CLI prints when an administrator's command lacks approvals.
pub(crate) const APPROVAL_REQUIRED: &str = "Quorum approval is required for this operation";
/// What it prints when approvals are no good, or a key's use lacks them.
pub(crate) const FAILED: &str = "Quorum Failed";
/// What it prints for values that are out of range.
pub(crate) const INVALID_VALUE: &str = "Invalid quorum value provided.";

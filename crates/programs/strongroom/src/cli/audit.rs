//! What reads the journal: `audit` and `explain`.

use clap::{Args, Subcommand};

use super::DataOptions;
use crate::audit::since::Since;

/// Examples that the help of `explain` ends with.
pub(super) const EXPLAIN_EXAMPLES: &str = "\
Examples:
  strongroom explain                                                      the last call that was refused
  strongroom explain --request-id 8503e2c7-1876-4ed8-b388-c8479370f657    that one
  strongroom audit denied                                                 all of them, by principal and action";

#[derive(Subcommand)]
pub(crate) enum AuditCommand {
    /// Walk the whole journal: chain, hashes and MACs
    ///
    /// Names the first record that is not as it was written, and exits with status 1 if there is any. Works
    /// beside a running server.
    Verify(DataOptions),
    /// List refused calls by principal and action, with the reason and the request id of the last of each
    ///
    /// Works beside a running server. `strongroom explain --request-id ID` tells all about one of them.
    Denied(DeniedOptions),
}

#[derive(Args, Clone)]
pub(crate) struct DeniedOptions {
    #[command(flatten)]
    pub(crate) data: DataOptions,
    /// From when on: a moment (2026-11-27T08:00:00Z) or how long ago (30m, 24h, 7d) [default: all that is recorded]
    #[arg(long, value_name = "TIME")]
    pub(crate) since: Option<Since>,
    /// Print one JSON array
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args, Clone)]
pub(crate) struct ExplainOptions {
    #[command(flatten)]
    pub(crate) data: DataOptions,
    /// The call: what its answer has as x-amzn-RequestId (or x-amz-request-id, or RequestId), SDKs as the request id of an
    /// error, and its record as requestID [default: the last call that was refused]
    #[arg(long, value_name = "ID")]
    pub(crate) request_id: Option<String>,
    /// Print JSON: the event as CloudTrail shows it, and the decisions
    #[arg(long)]
    pub(crate) json: bool,
}

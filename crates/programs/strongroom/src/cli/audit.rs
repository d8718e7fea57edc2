//! What reads the journal: `audit` and `explain`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::PlaceOptions;
use crate::audit::report::Severity;
use crate::audit::since::Since;

/// Examples that the help of `explain` ends with.
pub(super) const EXPLAIN_EXAMPLES: &str = "\
Examples:
  strongroom explain                                                      the last call that was refused
  strongroom explain --request-id 8503e2c7-1876-4ed8-b388-c8479370f657    that one
  strongroom audit denied                                                 all of them, by principal and action";

/// Examples that the help of `audit verify` ends with.
const VERIFY_EXAMPLES: &str = "\
Examples:
  strongroom audit verify                                             all of it, with the seal
  strongroom audit verify --checkpoint kept.txt                       and that it still has what it had then
  strongroom audit verify --journal DIR --public-key key.pem --checkpoint kept.txt
                                                                      as a stranger, who has the files and two texts";

/// Examples that the help of `audit report` ends with.
const REPORT_EXAMPLES: &str = "\
Examples:
  strongroom audit report                                             of the account of the environment's credentials
  strongroom audit report --format html --output report.html          as a page
  strongroom audit report --fail-on high --format json                for a job in CI
  strongroom audit report --by-tag Environment                        with what keys cost, by that tag";

/// Examples that the help of `audit trail` ends with.
const TRAIL_EXAMPLES: &str = "\
Examples:
  aws s3 sync s3://my-evidence copy
  aws cloudtrail list-public-keys --start-time 2026-01-01 > keys.json
  strongroom audit trail copy --public-keys keys.json --until 0s      up to now";

#[derive(Subcommand)]
pub(crate) enum AuditCommand {
    /// Walk the whole journal: chain, hashes, MACs and signed checkpoints
    ///
    /// Names the first record that is not as it was written, what is missing, and where. Exits with status 0 if everything
    /// is as it was written, with 1 if not, and with 2 if that cannot be told, as where a copy of its checkpoints that the
    /// configuration names is away. Works beside a running server.
    #[command(after_help = VERIFY_EXAMPLES)]
    Verify(VerifyOptions),
    /// Print the newest checkpoint: how far the journal was, signed
    ///
    /// Kept elsewhere, it shows later whether the journal still holds what it held: `audit verify --checkpoint FILE`.
    Checkpoint(PlaceOptions),
    /// Write the journals of all servers on a PostgreSQL store to folders, to be verified without the store
    ///
    /// Each server's gets a folder of its own: `audit verify --journal FOLDER/SERVER --public-key FILE --checkpoint FILE`.
    Export(ExportOptions),
    /// Print the public key that verifies checkpoints
    ///
    /// With it anybody can verify the journal without the seal: `audit verify --public-key FILE`.
    Key(PlaceOptions),
    /// List refused calls by principal and action, with the reason and the request id of the last of each
    ///
    /// Works beside a running server. `strongroom explain --request-id ID` tells all about one of them.
    Denied(ListOptions),
    /// List requests that were not authenticated, by source, access key id and error code
    ///
    /// Nobody is known to have made them, so they are in no journal; they are in a log of bounded size, in which those of
    /// ten seconds are added up. Works beside a running server.
    Failures(ListOptions),
    /// Verify a copy of a trail's bucket by public keys alone: digests, their chain, every log file
    ///
    /// Also tells what `aws cloudtrail validate-logs` does not see: newest digests that are missing, log files that no digest
    /// names, bytes behind a file's end. Exits with 0 if everything is as it was delivered, with 1 if not, and with 2 if that
    /// cannot be told: the copy cannot be read, or nothing signs a digest.
    #[command(after_help = TRAIL_EXAMPLES)]
    Trail(TrailOptions),
    /// Report on an account: keys, policies, credentials, trails, alarms, clusters, and what they cost
    ///
    /// Asks through the public API, with the credentials of the environment and what they may read, at the endpoint of
    /// --endpoint, of AWS_ENDPOINT_URL, or of AWS itself; changes nothing. What cannot be read is told. Exits with status 0
    /// if nothing is found, with 1 if there are findings of the severity of --fail-on or above, and with 2 if there are none
    /// but something, or all of it, could not be asked.
    #[command(after_help = REPORT_EXAMPLES)]
    Report(ReportOptions),
}

#[derive(Args, Clone)]
pub(crate) struct ExportOptions {
    #[command(flatten)]
    pub(crate) place: PlaceOptions,
    /// The folder, which must not be there
    #[arg(value_name = "FOLDER")]
    pub(crate) folder: PathBuf,
}

#[derive(Args, Clone)]
pub(crate) struct VerifyOptions {
    #[command(flatten)]
    pub(crate) place: PlaceOptions,
    /// Compare the journal with checkpoints that were kept elsewhere: a file that `audit checkpoint` has printed, or a
    /// folder of copies. Can be given more than once. Copies that the configuration names are compared anyway
    #[arg(long, value_name = "FILE")]
    pub(crate) checkpoint: Vec<PathBuf>,
    /// Verify without the seal: hashes, chain, and signatures by the key in this file, which `audit key` has printed. MACs
    /// are not checked then. Can be given more than once
    #[arg(long, value_name = "FILE")]
    pub(crate) public_key: Vec<PathBuf>,
    /// The journal's folder, or a copy of it, where there is no more than that
    #[arg(long, value_name = "DIR", requires = "public_key")]
    pub(crate) journal: Option<PathBuf>,
}

#[derive(Args, Clone)]
pub(crate) struct ListOptions {
    #[command(flatten)]
    pub(crate) place: PlaceOptions,
    /// From when on: a moment (2026-11-27T08:00:00Z) or how long ago (30m, 24h, 7d) [default: all that is there]
    #[arg(long, value_name = "TIME")]
    pub(crate) since: Option<Since>,
    /// Print one JSON array
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args, Clone)]
pub(crate) struct ExplainOptions {
    #[command(flatten)]
    pub(crate) place: PlaceOptions,
    /// The call: what its answer has as x-amzn-RequestId (or x-amz-request-id, or RequestId), SDKs as the request id of an
    /// error, and its record as requestID [default: the last call that was refused]
    #[arg(long, value_name = "ID")]
    pub(crate) request_id: Option<String>,
    /// Print JSON: the event as CloudTrail shows it, and the decisions
    #[arg(long)]
    pub(crate) json: bool,
}

/// How a report is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum ReportFormat {
    /// For people at a terminal.
    Text,
    /// For programs.
    Json,
    /// One page that needs nothing else.
    Html,
}

#[derive(Args, Clone)]
pub(crate) struct ReportOptions {
    /// The server [default: AWS_ENDPOINT_URL, else AWS]
    #[arg(long, value_name = "URL")]
    pub(crate) endpoint: Option<String>,
    /// The Region to look at; can be given more than once [default: AWS_DEFAULT_REGION, AWS_REGION, the profile's, us-east-1]
    #[arg(long, value_name = "REGION")]
    pub(crate) region: Vec<String>,
    /// How the report is written
    #[arg(long, value_enum, default_value = "text")]
    pub(crate) format: ReportFormat,
    /// Where the report is written [default: the terminal]
    #[arg(long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Exit with status 1 if there are findings of this severity, or above
    #[arg(long, value_enum, default_value = "low", value_name = "SEVERITY")]
    pub(crate) fail_on: Severity,
    /// After how many days without use keys and credentials are unused
    #[arg(long, value_name = "DAYS", default_value_t = 90, value_parser = clap::value_parser!(u16).range(1..=3650))]
    pub(crate) unused_days: u16,
    /// The certificate of the authority that signed the clusters' certificates, as PEM: what HSMs alone know is looked at too.
    /// An administrator of CLOUDHSM_PIN (username:password) sees users and keys
    #[arg(long, value_name = "FILE", conflicts_with = "without_hsms")]
    pub(crate) hsm_ca_cert: Option<PathBuf>,
    /// Leave out what HSMs alone know
    #[arg(long)]
    pub(crate) without_hsms: bool,
    /// Tell what keys cost and how much they are used, by the values of this tag
    #[arg(long, value_name = "TAG")]
    pub(crate) by_tag: Option<String>,
}

#[derive(Args, Clone)]
pub(crate) struct TrailOptions {
    /// A folder with what is in the bucket, as `aws s3 sync` makes it
    #[arg(value_name = "DIR")]
    pub(crate) folder: PathBuf,
    /// What `aws cloudtrail list-public-keys` has printed. Can be given more than once, for other times and Regions
    #[arg(long, value_name = "FILE", required = true)]
    pub(crate) public_keys: Vec<PathBuf>,
    /// Up to when there should be digests: a moment (2026-11-27T08:00:00Z) or how long ago (0s, 24h) [default: not asked]
    #[arg(long, value_name = "TIME")]
    pub(crate) until: Option<Since>,
    /// The newest digest's signature, in hexadecimal: `signature` of its object's metadata (`aws s3api head-object`). Others stand in
    /// the digest behind them. Can be given more than once, for trails that were stopped in between
    #[arg(long, value_name = "HEX")]
    pub(crate) signature: Vec<String>,
}

//! `configure ...`, also installed as `configure-cli`.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use strongroom_hsm_client::Server;

/// What the help ends with.
pub(crate) const EXAMPLES: &str = "\
Examples:
  configure -a 10.0.1.12 --hsm-ca-cert customerCA.crt       one address is enough: the others are learned
  configure --cluster-id cluster-aaaabbbbccc --endpoint http://127.0.0.1:4566 --region us-east-1
                                                            ask CloudHSM's API for the addresses, with the
                                                            AWS_* variables or ~/.aws/credentials
  configure --disable-key-availability-check                for a cluster of one HSM";

/// The program `configure-cli`.
#[derive(Debug, Parser)]
#[command(
    name = "configure-cli",
    version,
    about = "Say where a CloudHSM cluster is and how to reach it",
    after_help = EXAMPLES,
    arg_required_else_help = true
)]
pub(crate) struct ConfigureProgram {
    /// The configuration file [default: $STRONGROOM_CLOUDHSM_CONFIG, else /opt/cloudhsm/etc/cloudhsm-cli.cfg, else
    /// the user's own]
    #[arg(long, value_name = "FILE", global = true)]
    pub(crate) config: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) configure: Configure,
}

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Configure {
    #[command(subcommand)]
    pub(crate) command: Option<ConfigureCommand>,
    /// Addresses of HSMs, as ADDRESS or ADDRESS:PORT
    #[arg(short = 'a', long = "address", num_args = 1.., value_name = "ENI IP", conflicts_with = "cluster_id")]
    pub(crate) addresses: Vec<Server>,
    #[command(flatten)]
    pub(crate) cluster: ClusterOptions,
    /// Use and make keys although only one HSM has them
    #[arg(long, overrides_with = "enable_key_availability_check")]
    pub(crate) disable_key_availability_check: bool,
    /// Use and make keys only if two HSMs have them (the default)
    #[arg(long, overrides_with = "disable_key_availability_check")]
    pub(crate) enable_key_availability_check: bool,
    /// Do not check keys when they are first used
    #[arg(long, overrides_with = "enable_validate_key_at_init")]
    pub(crate) disable_validate_key_at_init: bool,
    /// Check keys when they are first used (the default)
    #[arg(long, overrides_with = "disable_validate_key_at_init")]
    pub(crate) enable_validate_key_at_init: bool,
    /// Whether what fails at one HSM is tried at others
    #[arg(long, value_enum)]
    pub(crate) default_retry_mode: Option<RetryModeName>,
    /// How much to log
    #[arg(long, value_enum)]
    pub(crate) log_level: Option<LogLevel>,
    /// File to log to
    #[arg(long, value_name = "FILE")]
    pub(crate) log_file: Option<PathBuf>,
    /// Where to log to: standard error, or a file
    #[arg(long, value_enum)]
    pub(crate) log_type: Option<LogType>,
    /// When a new log file is begun
    #[arg(long, value_enum)]
    pub(crate) log_rotation: Option<LogRotation>,
}

/// What is said of one cluster.
#[derive(Debug, Args)]
pub(crate) struct ClusterOptions {
    /// The cluster, whose HSMs are asked for at CloudHSM's API
    #[arg(long, value_name = "CLUSTER_ID")]
    pub(crate) cluster_id: Option<String>,
    /// The Region of the API [default: AWS_DEFAULT_REGION, AWS_REGION, the profile's, us-east-1]
    #[arg(long, requires = "cluster_id")]
    pub(crate) region: Option<String>,
    /// The address of the API [default: AWS_ENDPOINT_URL_CLOUDHSM_V2, AWS_ENDPOINT_URL]
    #[arg(long, value_name = "URL", requires = "cluster_id")]
    pub(crate) endpoint: Option<String>,
    /// Certificate of the authority that signed the cluster's certificate [default:
    /// /opt/cloudhsm/etc/customerCA.crt]
    #[arg(long, value_name = "FILE")]
    pub(crate) hsm_ca_cert: Option<PathBuf>,
    /// This client's certificate, for clusters that ask for one
    #[arg(long, value_name = "FILE", requires = "client_key_hsm_tls_file")]
    pub(crate) client_cert_hsm_tls_file: Option<PathBuf>,
    /// The private key of this client's certificate, without a passphrase
    #[arg(long, value_name = "FILE", requires = "client_cert_hsm_tls_file")]
    pub(crate) client_key_hsm_tls_file: Option<PathBuf>,
}

/// Several clusters.
#[derive(Debug, Subcommand)]
pub(crate) enum ConfigureCommand {
    /// Add a cluster to those that are configured
    AddCluster(AddCluster),
    /// Remove one
    RemoveCluster {
        /// The cluster
        #[arg(long, value_name = "CLUSTER_ID")]
        cluster_id: String,
    },
}

#[derive(Debug, Args)]
pub(crate) struct AddCluster {
    #[command(flatten)]
    pub(crate) cluster: ClusterOptions,
    /// Addresses of HSMs; CloudHSM's API is asked for them if none is given
    #[arg(short = 'a', long = "address", num_args = 1.., value_name = "ENI IP")]
    pub(crate) addresses: Vec<Server>,
}

/// Whether what fails is tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum RetryModeName {
    /// At one HSM, once
    Off,
    /// At every HSM, as long as the time allows
    Standard,
}

/// How much is logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogLevel {
    Error,
    Warn,
    Info,
    Debug,
    Trace,
}

/// Where the log goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogType {
    /// Standard error
    Term,
    /// A file
    File,
}

/// When a new log file is begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogRotation {
    Never,
    Hourly,
    Daily,
    Weekly,
}

//! The command line.

mod audit;
mod backup;
mod deployment;
mod production;
mod seal;

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use strongroom_identity::AccountId;

pub(crate) use audit::{
    AuditCommand, ExplainOptions, ExportOptions, ListOptions, ReportFormat, ReportOptions, TrailOptions,
    VerifyOptions,
};
pub(crate) use backup::{BackupCommand, BackupOptions, RestoreOptions, VerifyBackupOptions};
pub(crate) use deployment::{DownOptions, UpOptions};
pub(crate) use production::{
    AccountCommand, AccountCreateOptions, AccountListOptions, ConfigOptions, InitOptions, RootCommand,
    RootResetOptions, ServeOptions,
};

pub(crate) use seal::{
    SealCommand, SlotAddOptions, SlotCommand, SlotKind, SlotListOptions, SlotRemoveOptions,
};

use crate::faults::command::FaultOptions;
use crate::settings::Recorded;

/// Examples that `--help` ends with.
const EXAMPLES: &str = "\
Examples:
  strongroom up                           serve, with an HSM cluster and a key store that are ready to use
  strongroom dev                          serve on http://127.0.0.1:4566, keep the data
  strongroom dev --ephemeral              the same, and forget everything at the end
  strongroom dev --seed seed.json         the same, with the users, policies and keys that a file names
  strongroom init                         make a server for production: configuration, certificate, first account
  strongroom serve                        serve it
  strongroom audit verify                 check the journal
  strongroom explain                      why the last call that was refused was refused

Then, in another terminal:
  export AWS_ENDPOINT_URL=http://127.0.0.1:4566
  export AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test AWS_DEFAULT_REGION=us-east-1
  aws sts get-caller-identity
  aws kms create-key";

/// AWS KMS and CloudHSM on your own machines: the AWS wire APIs, keys that stay sealed, a journal that can
/// be verified.
#[derive(Parser)]
#[command(name = "strongroom", after_help = EXAMPLES, arg_required_else_help = true, disable_version_flag = true)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Serve for development: plain HTTP on this machine, well-known root credentials
    ///
    /// The root user of the account signs with access key id `test` and secret `test`; any 12-digit account
    /// id with secret `test` is the root user of that account. These are real credentials, verified like any
    /// other, and known to everyone: the server listens on this machine only.
    Dev(DevOptions),
    /// Bring everything up: server, HSM cluster, users, custom key store, and a key in it that rotates
    ///
    /// Walks the whole way through the public API, one line for each step: a cluster in two zones whose certificate a
    /// local authority signs (or yours), activated; a second HSM; an administrator, a crypto user and `kmsuser`; a
    /// custom key store, connected; a key in the HSMs that rotates every 90 days, with an alias. Says where everything
    /// is. Can be run again at any time: it finds what is there, makes what is missing, and goes on where it was cut
    /// off.
    #[command(after_help = deployment::UP_EXAMPLES)]
    Up(Box<UpOptions>),
    /// Take down what `up` has made: alias, key, key store, HSMs, cluster and local files
    #[command(after_help = deployment::DOWN_EXAMPLES)]
    Down(Box<DownOptions>),
    /// Make everything that a server in production needs: configuration, certificate, store, seal, first account
    ///
    /// Shows the access key of the account's root user once, and keeps it nowhere in the clear. Touches nothing that is
    /// there already.
    #[command(after_help = production::INIT_EXAMPLES)]
    Init(Box<InitOptions>),
    /// Serve in production: TLS, credentials that only their owners know, nothing that only development has
    #[command(after_help = production::SERVE_EXAMPLES)]
    Serve(ServeOptions),
    /// Write everything that a server keeps into one sealed file, or see whether such a file can be restored
    ///
    /// The store as it is at one moment, the journal up to then, and the slots of the seal. Works beside the running server,
    /// which goes on serving.
    #[command(after_help = backup::BACKUP_EXAMPLES)]
    Backup(BackupOptions),
    /// Make a server of a backup, in an empty place
    ///
    /// Checks the whole backup before it writes anything; then tests what it wrote as a server would use it, and says what
    /// it has found. Cut off, it leaves nothing that serves, and can be run again.
    #[command(after_help = backup::RESTORE_EXAMPLES)]
    Restore(RestoreOptions),
    /// Make accounts and list them, on the server's machine
    Account {
        #[command(subcommand)]
        command: AccountCommand,
    },
    /// What only whoever runs the machine can do for an account's root user
    Root {
        #[command(subcommand)]
        command: RootCommand,
    },
    /// Rotate the seal's root key, or say what opens it, on the server's machine
    Seal {
        #[command(subcommand)]
        command: SealCommand,
    },
    /// Check what the journal holds, or tell which calls were refused
    Audit {
        #[command(subcommand)]
        command: AuditCommand,
    },
    /// Tell why a call was refused: each policy, each statement, and what did not fit
    #[command(after_help = audit::EXPLAIN_EXAMPLES)]
    Explain(ExplainOptions),
    /// Check a seed, or print the schema of seeds
    Seed {
        #[command(subcommand)]
        command: SeedCommand,
    },
    /// Have things go wrong in a development server, to rehearse what to do then
    ///
    /// HSMs that are down, slow or inconsistent, custom key stores that fail, throttling. Nothing of it outlives the
    /// server or a reset.
    Fault(FaultOptions),
    /// Tell the version, and which cryptographic module computes
    Version,
}

#[derive(Subcommand)]
pub(crate) enum SeedCommand {
    /// Check a seed without a server: form, names, policies
    ///
    /// Names whatever is wrong by its place in the file, and exits with status 1 if there is anything. What depends on
    /// what a server has already is found when it starts.
    Check(SeedOptions),
    /// Print the JSON schema of seeds, for editors and tools
    Schema,
}

#[derive(Args, Clone)]
pub(crate) struct SeedOptions {
    /// The seed
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// Refuse fixed secrets and key material too: only development servers take them
    #[arg(long)]
    pub(crate) without_secrets: bool,
}

#[derive(Args, Clone)]
pub(crate) struct DevOptions {
    /// Address and port to listen on; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:4566")]
    pub(crate) listen: SocketAddr,
    #[command(flatten)]
    pub(crate) data: DataOptions,
    /// Keep the data in a folder of its own and remove it at the end
    #[arg(long, conflicts_with = "data_dir")]
    pub(crate) ephemeral: bool,
    /// Have what this file names when the server has started, and again after each reset: accounts with users, roles,
    /// policies and KMS keys, with access keys, key ids and key material of your choice
    #[arg(long, value_name = "FILE")]
    pub(crate) seed: Option<PathBuf>,
    /// The account that access key id `test` belongs to
    #[arg(long, value_name = "12 DIGITS", default_value = "000000000000")]
    pub(crate) account_id: AccountId,
    /// Addresses of the default VPC, in which HSMs listen; another for each server on one machine. All of
    /// 127.0.0.0/8 is there on every Linux machine
    #[arg(long, value_name = "CIDR", default_value = "127.31.0.0/16")]
    pub(crate) vpc_cidr: String,
    /// The mail server that subscriptions of SNS by email are served through, for example smtp://127.0.0.1:1025
    #[arg(long, value_name = "URL")]
    pub(crate) smtp_url: Option<String>,
    /// The HSM's program [default: strongroom-hsmd beside this one]
    #[arg(long, value_name = "FILE", env = "STRONGROOM_HSMD")]
    pub(crate) hsmd: Option<PathBuf>,
    /// Make no daily backups of clusters; the journal says so for each day
    #[arg(long)]
    pub(crate) pause_daily_backups: bool,
    /// Refuse what AWS refuses, also where Strongroom could do it: rotation and other than symmetric keys in custom
    /// key stores, to begin with
    #[arg(long)]
    pub(crate) compat_strict: bool,
    /// Keep with each record how it was decided, also of calls that are allowed, for `strongroom explain`. Records take up
    /// to twice the room then, and calls a little longer
    #[arg(long)]
    pub(crate) explain_allowed: bool,
    /// When a call counts as recorded, and is answered: once its record is on the disk (sync), or once the kernel has it
    /// (written), which survives the end of the process and not that of the machine
    #[arg(long, value_name = "WHEN", value_enum, default_value_t, env = "STRONGROOM_JOURNAL_DURABILITY")]
    pub(crate) journal_durability: Recorded,
    /// How long the record of a call waits, at most, for those of others to be written with it, in microseconds
    /// [default: 200 with `sync`, 50 with `written`]
    #[arg(long, value_name = "NUMBER", env = "STRONGROOM_JOURNAL_GATHER_MICROSECONDS", value_parser = clap::value_parser!(u64).range(..=10_000))]
    pub(crate) journal_gather_microseconds: Option<u64>,
    /// How long a custom key store's cluster may take for a call before the caller is told that KMS cannot
    /// communicate with it
    #[arg(long, value_name = "SECONDS", default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=300))]
    pub(crate) key_store_timeout: u64,
    /// Believe attestation documents of enclaves under this root certificate, in PEM, beside those under AWS's
    #[arg(long, value_name = "FILE")]
    pub(crate) enclave_root: Vec<PathBuf>,
    /// Let web pages of this origin call, for example https://console.example.com; pages served from this
    /// machine always may
    #[arg(long, value_name = "ORIGIN")]
    pub(crate) allow_origin: Vec<String>,
    /// What to log, for example `debug` or `info,strongroom_kms=debug` [default: `warn,strongroom=info`; `warn` while
    /// `up` and `down` tell how far they are]
    #[arg(long, value_name = "FILTER", env = "STRONGROOM_LOG")]
    pub(crate) log: Option<String>,
    /// Log one JSON object a line
    #[arg(long)]
    pub(crate) log_json: bool,
}

#[derive(Args, Clone)]
pub(crate) struct DataOptions {
    /// Where the data is kept [default: strongroom in the user's data folder, ~/.local/share]
    #[arg(long, value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,
}

/// What a command works on: the data of a server in development, or of one in production.
#[derive(Args, Clone)]
pub(crate) struct PlaceOptions {
    #[command(flatten)]
    pub(crate) data: DataOptions,
    /// The configuration of the server whose data it is [default: /etc/strongroom/strongroom.toml, if that is there and
    /// no --data-dir is given]
    #[arg(long, value_name = "FILE", env = "STRONGROOM_CONFIG", conflicts_with = "data_dir")]
    pub(crate) config: Option<PathBuf>,
}

/// What `strongroom version` prints.
pub(crate) fn version_text() -> String {
    format!(
        "strongroom {}\ncryptographic module: {}\n",
        env!("CARGO_PKG_VERSION"),
        strongroom_crypto::module_name()
    )
}

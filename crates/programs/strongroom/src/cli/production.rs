//! `init`, `serve`, `account` and `root`: a server in production.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use strongroom_identity::AccountId;

use crate::settings::USUAL_FILE;

/// Examples that the help of `init` ends with.
pub(super) const INIT_EXAMPLES: &str = "\
Examples:
  strongroom init --listen 0.0.0.0:443 --name kms.example.com
                                      a certificate for that name, signed by an authority that is made too
  strongroom init --listen 0.0.0.0:443 --certificate kms.pem --key kms.key
                                      the certificate is yours
  strongroom init --store postgres://strongroom@db.example.com/strongroom --store-password-file pg.password
  strongroom init --config strongroom.toml --data-dir data
                                      everything in this folder, for a try

Then:
  strongroom serve

All settings, with what they mean, are in the configuration that it writes.";

/// Examples that the help of `serve` ends with.
pub(super) const SERVE_EXAMPLES: &str = "\
Signals:
  SIGTERM, SIGINT    finish what is under way, and end
  SIGHUP             read certificate and key again

Exit status: 0 when it was asked to end, 1 when it cannot serve; standard error says why.

Each setting of the configuration can be given by the environment too, as STRONGROOM_SECTION_FIELD: for example
STRONGROOM_SERVER_LISTEN=0.0.0.0:443 for `listen` of `[server]`.";

#[derive(Args, Clone)]
pub(crate) struct ConfigOptions {
    /// The configuration
    #[arg(long, value_name = "FILE", env = "STRONGROOM_CONFIG", default_value = USUAL_FILE)]
    pub(crate) config: PathBuf,
}

#[derive(Args, Clone)]
pub(crate) struct ServeOptions {
    #[command(flatten)]
    pub(crate) config: ConfigOptions,
    /// Have what this file names when the server has started: accounts with users, roles, policies and KMS keys. One
    /// with secrets is refused
    #[arg(long, value_name = "FILE")]
    pub(crate) seed: Option<PathBuf>,
}

#[derive(Args, Clone)]
pub(crate) struct InitOptions {
    /// The configuration: written if it is not there, else what it says is made
    #[arg(long, value_name = "FILE", env = "STRONGROOM_CONFIG", default_value = USUAL_FILE)]
    pub(crate) config: PathBuf,
    /// Where the data is kept [default: /var/lib/strongroom]
    #[arg(long, value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,
    /// Where the seal is kept [default: seal in the data folder]
    #[arg(long, value_name = "DIR")]
    pub(crate) seal_dir: Option<PathBuf>,
    /// Seal under a passphrase, the one line of this file, instead of a key file
    #[arg(long, value_name = "FILE")]
    pub(crate) passphrase_file: Option<PathBuf>,
    /// A PostgreSQL database, as postgres://user@host/database [default: SQLite in the data folder]
    #[arg(long, value_name = "URL")]
    pub(crate) store: Option<String>,
    /// The file with PostgreSQL's password
    #[arg(long, value_name = "FILE", requires = "store")]
    pub(crate) store_password_file: Option<PathBuf>,
    /// Address and port to listen on [default: 127.0.0.1:8443]
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub(crate) listen: Option<SocketAddr>,
    /// A name or address that clients call the server by, for the certificate that is made; this machine's own are in
    /// it too. Can be given more than once
    #[arg(long, value_name = "NAME", conflicts_with_all = ["certificate", "plain_http"])]
    pub(crate) name: Vec<String>,
    /// Your own certificate, in PEM, with its chain [default: one is made]
    #[arg(long, value_name = "FILE", requires = "key")]
    pub(crate) certificate: Option<PathBuf>,
    /// The private key of your own certificate, in PEM
    #[arg(long, value_name = "FILE", requires = "certificate")]
    pub(crate) key: Option<PathBuf>,
    /// Serve without TLS: something in front of the server has the certificate
    #[arg(long, conflicts_with = "certificate")]
    pub(crate) plain_http: bool,
    /// The id of the first account [default: a random one]
    #[arg(long, value_name = "12 DIGITS")]
    pub(crate) account_id: Option<AccountId>,
    /// What the first account is called
    #[arg(long, value_name = "NAME", default_value = "main")]
    pub(crate) account_name: String,
    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

impl InitOptions {
    /// The options that a configuration which is there already leaves no room for.
    pub(crate) fn shapes_configuration(&self) -> bool {
        let paths = [&self.data_dir, &self.seal_dir, &self.passphrase_file, &self.store_password_file];
        paths.iter().any(|path| path.is_some())
            || self.store.is_some()
            || self.listen.is_some()
            || self.certificate.is_some()
            || self.plain_http
    }
}

#[derive(Subcommand)]
pub(crate) enum AccountCommand {
    /// Make an account, and show the access key of its root user once
    Create(AccountCreateOptions),
    /// List the accounts
    List(AccountListOptions),
}

#[derive(Args, Clone)]
pub(crate) struct AccountCreateOptions {
    #[command(flatten)]
    pub(crate) config: ConfigOptions,
    /// What the account is called: 1 to 50 characters
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
    /// Its id [default: a random one]
    #[arg(long, value_name = "12 DIGITS")]
    pub(crate) account_id: Option<AccountId>,
    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args, Clone)]
pub(crate) struct AccountListOptions {
    #[command(flatten)]
    pub(crate) config: ConfigOptions,
    /// Print one JSON array
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Subcommand)]
pub(crate) enum RootCommand {
    /// Give an account's root user another access key, shown once, in place of all that it has
    ///
    /// For whoever has lost them, or fears that somebody else has found them: its access keys stop counting, and its
    /// second factor is taken away. What users and roles have stays.
    Reset(RootResetOptions),
}

#[derive(Args, Clone)]
pub(crate) struct RootResetOptions {
    #[command(flatten)]
    pub(crate) config: ConfigOptions,
    /// The account
    #[arg(value_name = "12 DIGITS")]
    pub(crate) account: AccountId,
    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

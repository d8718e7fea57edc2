//! `strongroom up` and `strongroom down`.

use std::path::PathBuf;

use clap::Args;

use super::DevOptions;
use crate::up::users::{ADMIN, KMSUSER};
use crate::up::{ALIAS, KEY_STORE};

/// Characters of an HSM user's name.
const MOST_OF_A_USER: usize = 31;
/// Characters of an alias, `alias/` among them.
const MOST_OF_AN_ALIAS: usize = 256;

/// What `up --help` ends with.
pub(crate) const UP_EXAMPLES: &str = "\
Examples:
  strongroom up                                       start a server, and bring everything up in it
  strongroom up --ephemeral                           the same, and forget everything at the end
  strongroom up --endpoint http://127.0.0.1:4566      at a server that runs; returns when it is done
  strongroom up --ca-cert ca.crt --ca-key ca.key      the cluster's certificate signed by your own authority
  strongroom up --endpoint ... --json | jq -r .key_id for scripts

Then, in another terminal:
  . ~/.local/share/strongroom/up/env.sh
  aws kms encrypt --key-id alias/my-hsm-key --plaintext fileb:///etc/hostname
  cloudhsm-cli key list

What it makes can be made by hand too: docs/book/rehearse-a-cloudhsm-deployment.md.";

/// What `down --help` ends with.
pub(crate) const DOWN_EXAMPLES: &str = "\
A KMS key is deleted seven days after its deletion is scheduled, at the earliest, and a key store stays as long as it \
has keys: AWS's rules. So the key and the key store, disconnected, stay for that time; run `strongroom down` once more \
after it. On a development server, --now moves the clock over these days: the clock of the whole server, for good, with \
all that becomes due in that time.

What `up` did not make on its cluster is not deleted unless --all-keys says so: keys that users have in the HSMs, KMS \
keys in its key store, another key store. Without it nothing at all is done as long as there is any.

Backups of the cluster stay for the days that were chosen (10), and the passwords that they need in taken-down.json, in \
the folder `up` of the data folder. Everything else is gone.";

/// Options of a server that is started, which say nothing to one that runs already.
const OF_OWN_SERVER: [&str; 11] = [
    "listen",
    "ephemeral",
    "account_id",
    "vpc_cidr",
    "pause_daily_backups",
    "allow_origin",
    "compat_strict",
    "explain_allowed",
    "key_store_timeout",
    "enclave_root",
    "seed",
];

#[derive(Args, Clone)]
pub(crate) struct UpOptions {
    /// Use the server that runs there, with the credentials of the environment or of ~/.aws, and return when it is
    /// done [default: start one, and serve until Ctrl-C]
    #[arg(
        long,
        value_name = "URL",
        conflicts_with_all = OF_OWN_SERVER
    )]
    pub(crate) endpoint: Option<String>,
    /// The Region [default: AWS_DEFAULT_REGION, AWS_REGION, the profile's, or us-east-1]
    #[arg(long, value_name = "REGION")]
    pub(crate) region: Option<String>,
    /// Print one JSON object on standard output when everything is there; progress goes to standard error
    #[arg(long)]
    pub(crate) json: bool,
    /// The certificate of your own authority, in PEM, with its chain if it is no root [default: one is made]
    #[arg(long, value_name = "FILE", requires = "ca_key")]
    pub(crate) ca_cert: Option<PathBuf>,
    /// The private key of your own authority, in PEM: RSA, or on P-256, P-384 or P-521
    #[arg(long, value_name = "FILE", requires = "ca_cert")]
    pub(crate) ca_key: Option<PathBuf>,
    /// What the crypto user is called, when it is made [default: crypto_user]
    #[arg(long, value_name = "NAME", value_parser = crypto_user)]
    pub(crate) crypto_user: Option<String>,
    /// What the custom key store is called, when it is made
    #[arg(long, value_name = "NAME", default_value = KEY_STORE)]
    pub(crate) key_store_name: String,
    /// What the key's alias is called, when it is made
    #[arg(long, value_name = "ALIAS", default_value = ALIAS, value_parser = alias)]
    pub(crate) alias: String,
    #[command(flatten, next_help_heading = "Options of the server that is started")]
    pub(crate) server: DevOptions,
}

/// A name that HSMs take for a user, and that nobody else has.
fn crypto_user(name: &str) -> Result<String, &'static str> {
    let is_letter = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    if !(1..=MOST_OF_A_USER).contains(&name.len()) || !name.chars().all(is_letter) {
        return Err("a crypto user's name has 1 to 31 letters, digits and underscores");
    }
    if [ADMIN, KMSUSER].iter().any(|other| name.eq_ignore_ascii_case(other)) {
        return Err("that name is the administrator's or KMS's");
    }
    Ok(name.to_owned())
}

/// A name that KMS takes for an alias.
fn alias(name: &str) -> Result<String, &'static str> {
    let is_letter = |letter: char| letter.is_ascii_alphanumeric() || "/_-".contains(letter);
    let rest = name.strip_prefix("alias/").filter(|rest| !rest.is_empty() && rest.chars().all(is_letter));
    if rest.is_none() || name.len() > MOST_OF_AN_ALIAS {
        return Err("an alias is alias/ and letters, digits, slashes, underscores and dashes; 256 in all");
    }
    if name.starts_with("alias/aws/") {
        return Err("aliases that begin with alias/aws/ are AWS's own");
    }
    Ok(name.to_owned())
}

#[derive(Args, Clone)]
pub(crate) struct DownOptions {
    /// Use the server that runs there, with the credentials of the environment or of ~/.aws [default: start one on the
    /// data folder, and stop it at the end]
    #[arg(
        long,
        value_name = "URL",
        conflicts_with_all = OF_OWN_SERVER
    )]
    pub(crate) endpoint: Option<String>,
    /// The Region [default: AWS_DEFAULT_REGION, AWS_REGION, the profile's, or us-east-1]
    #[arg(long, value_name = "REGION")]
    pub(crate) region: Option<String>,
    /// Move the clock of the development server over the seven days that a key's deletion takes, so that nothing stays
    #[arg(long)]
    pub(crate) now: bool,
    /// Delete with the cluster what `up` has not made on it: keys that users have in the HSMs, KMS keys, a key store
    #[arg(long)]
    pub(crate) all_keys: bool,
    #[command(flatten, next_help_heading = "Options of the server that is started")]
    pub(crate) server: DevOptions,
}

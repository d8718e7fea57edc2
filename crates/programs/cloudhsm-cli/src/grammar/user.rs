//! `login` and `user ...`

use std::path::PathBuf;

use clap::{Args, Subcommand};
use strongroom_secret::SecretString;

use super::RoleName;
use super::values::secret;

/// A user, by name and role.
#[derive(Clone, Debug, Args)]
pub(crate) struct UserName {
    /// The user's name
    #[arg(long)]
    pub(crate) username: String,
    /// The user's role
    #[arg(long, value_enum)]
    pub(crate) role: RoleName,
}

#[derive(Debug, Args)]
pub(crate) struct Login {
    #[command(flatten)]
    pub(crate) user: UserName,
    /// The user's password; asked for if it is not given
    #[arg(long, value_parser = secret)]
    pub(crate) password: Option<SecretString>,
    #[command(subcommand)]
    pub(crate) second_factor: Option<SecondFactor>,
}

/// Second factors of a log-in.
#[derive(Debug, Subcommand)]
pub(crate) enum SecondFactor {
    /// Log in with a password and a signature
    ///
    /// Writes what is to be signed to a file and asks where the signed file is.
    MfaTokenSign {
        /// The file that is written
        #[arg(long, value_name = "FILE")]
        token: PathBuf,
    },
}

/// Commands on users.
#[derive(Debug, Subcommand)]
pub(crate) enum User {
    /// Change a user's second factor
    #[command(subcommand)]
    ChangeMfa(ChangeMfa),
    /// Change a user's password: your own, or as an administrator anybody's
    ChangePassword(ChangePassword),
    /// Register a public key to approve what others ask for
    #[command(subcommand)]
    ChangeQuorum(ChangeQuorum),
    /// Create a user
    Create(Create),
    /// Delete a user who owns no keys
    Delete(Delete),
    /// List the users of the cluster
    List,
    /// Copy a user to a clone of the cluster
    Replicate(Replicate),
}

#[derive(Debug, Args)]
pub(crate) struct Create {
    #[command(flatten)]
    pub(crate) user: UserName,
    /// The user's password; asked for if it is not given
    #[arg(long, value_parser = secret)]
    pub(crate) password: Option<SecretString>,
    /// File of a signed quorum token
    #[arg(long, value_name = "FILE")]
    pub(crate) approval: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Delete {
    #[command(flatten)]
    pub(crate) user: UserName,
    /// File of a signed quorum token
    #[arg(long, value_name = "FILE")]
    pub(crate) approval: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct ChangePassword {
    #[command(flatten)]
    pub(crate) user: UserName,
    /// The new password; asked for if it is not given
    #[arg(long, value_parser = secret)]
    pub(crate) password: Option<SecretString>,
    /// File of a signed quorum token
    #[arg(long, value_name = "FILE")]
    pub(crate) approval: Option<PathBuf>,
    /// The user's second factor is removed, as it must be when the password changes
    #[arg(long)]
    pub(crate) deregister_mfa: bool,
    /// The user's key for approvals is removed
    #[arg(long)]
    pub(crate) deregister_quorum: bool,
}

/// How a second factor is used.
const MFA_FLOW: &str = "\
How it goes:
  1. openssl genrsa -out key.pem 2048; openssl rsa -in key.pem -pubout -out key.pub
  2. user change-mfa token-sign --username alice --role crypto-user --token mfa.json
     asks for the password and writes, for each HSM, what is to be signed to mfa.json.
  3. Sign each \"unsigned\" text and write the result into its \"signed\":
       base64 -d <<< \"$UNSIGNED\" | openssl pkeyutl -sign -inkey key.pem -pkeyopt digest:sha256 | base64 -w0
  4. Press enter, and name key.pub.
  From then on: login --username alice --role crypto-user mfa-token-sign --token login.json";

/// Kinds of second factor.
#[derive(Debug, Subcommand)]
pub(crate) enum ChangeMfa {
    /// Register an RSA-2048 key as the second factor, or remove it
    #[command(after_help = MFA_FLOW)]
    TokenSign(ChangeMfaTokenSign),
}

#[derive(Debug, Args)]
#[group(id = "what", required = true, multiple = false, args = ["token", "deregister"])]
pub(crate) struct ChangeMfaTokenSign {
    #[command(flatten)]
    pub(crate) user: UserName,
    /// The file to which is written what the new key must sign
    #[arg(long, value_name = "FILE")]
    pub(crate) token: Option<PathBuf>,
    /// Remove the second factor
    #[arg(long)]
    pub(crate) deregister: bool,
    /// The new password; asked for if it is not given
    #[arg(long, requires = "token", value_parser = secret)]
    pub(crate) change_password: Option<SecretString>,
    /// The key serves for approvals too, in place of the one that does now
    #[arg(long)]
    pub(crate) change_quorum: bool,
    /// File of a signed quorum token
    #[arg(long, value_name = "FILE")]
    pub(crate) approval: Option<PathBuf>,
}

/// Kinds of approval.
#[derive(Debug, Subcommand)]
pub(crate) enum ChangeQuorum {
    /// By a signature over a token
    #[command(subcommand)]
    TokenSign(ChangeQuorumTokenSign),
}

/// What can be changed.
#[derive(Debug, Subcommand)]
pub(crate) enum ChangeQuorumTokenSign {
    /// Register your public key
    #[command(alias = "activate")]
    Register {
        /// The RSA-2048 public key as PEM
        #[arg(long, value_name = "FILE")]
        public_key: PathBuf,
        /// The file that `quorum token-sign generate --service registration` made, signed with the key
        #[arg(long, value_name = "FILE")]
        signed_token: PathBuf,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Replicate {
    #[command(flatten)]
    pub(crate) user: UserName,
    /// The cluster that has the user
    #[arg(long, value_name = "CLUSTER_ID")]
    pub(crate) source_cluster_id: String,
    /// The cluster that gets it
    #[arg(long, value_name = "CLUSTER_ID")]
    pub(crate) destination_cluster_id: String,
}

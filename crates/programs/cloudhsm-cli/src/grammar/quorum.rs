//! `quorum token-sign ...`

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use strongroom_hsm_proto::command::QuorumService;

use crate::filter::Term;

/// Kinds of approval.
#[derive(Debug, Subcommand)]
pub(crate) enum Quorum {
    /// By signatures over a token
    #[command(subcommand, after_help = FLOW)]
    TokenSign(TokenSign),
}

/// How approving goes.
const FLOW: &str = "\
How it goes:
  1. Every approver registers an RSA-2048 key:
       quorum token-sign generate --service registration --token reg.json
       base64 -d <<< (the \"unsigned\" text) > reg.bin
       openssl pkeyutl -sign -inkey key.pem -pkeyopt digest:sha256 -in reg.bin | base64 -w0   -> \"signed\"
       user change-quorum token-sign register --public-key key.pub --signed-token reg.json
  2. An administrator sets how many must approve:
       quorum token-sign set-quorum-value --service user --value 2
  3. Whoever wants to act makes a token, lets others sign its \"token\" text in the same way and add themselves to
     \"signatures\", and runs the command with --approval:
       quorum token-sign generate --service user --token token.json
       user create --username bob --role crypto-user --approval token.json";

/// Commands on tokens and quorum values.
#[derive(Debug, Subcommand)]
pub(crate) enum TokenSign {
    /// Make a token that others sign
    Generate(Generate),
    /// List the tokens that wait to be used
    List,
    /// List how many must approve, by service
    ListQuorumValues,
    /// Set how many must approve what a service guards
    SetQuorumValue(SetQuorumValue),
    /// Delete tokens that wait
    Delete(Delete),
    /// Tell for how long tokens are good, in seconds
    ListTimeouts,
    /// Set for how long tokens are good
    SetTimeout(SetTimeout),
}

/// What approvals guard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Service {
    /// Users are created, deleted and changed
    User,
    /// Quorum values are set
    Quorum,
    /// Trust anchors of clients and their enforcement are changed
    Cluster,
    /// A key is used to sign
    KeyUsage,
    /// A key is wrapped, unwrapped, shared or changed
    KeyManagement,
    /// A public key is registered
    Registration,
}

impl From<Service> for QuorumService {
    fn from(service: Service) -> Self {
        match service {
            Service::User => Self::User,
            Service::Quorum => Self::Quorum,
            Service::Cluster => Self::Cluster,
            Service::KeyUsage => Self::KeyUsage,
            Service::KeyManagement => Self::KeyManagement,
            Service::Registration => Self::Registration,
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct Generate {
    /// What is to be approved
    #[arg(long, value_enum)]
    pub(crate) service: Service,
    /// The file that is written
    #[arg(long, value_name = "FILE")]
    pub(crate) token: PathBuf,
    /// For the key services: which key, as key-reference=0x... or attr.NAME=VALUE...
    #[arg(long, num_args = 1.., value_name = "TERM")]
    pub(crate) filter: Vec<Term>,
}

/// The services whose values can be set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum AdminService {
    /// Users are created, deleted and changed
    User,
    /// Quorum values are set
    Quorum,
    /// Trust anchors of clients and their enforcement are changed
    Cluster,
}

#[derive(Debug, Args)]
pub(crate) struct SetQuorumValue {
    /// The service
    #[arg(long, value_enum)]
    pub(crate) service: AdminService,
    /// How many must approve, 1 to 8; 1 turns approval off
    #[arg(long)]
    pub(crate) value: u32,
    /// File of a signed quorum token
    #[arg(long, value_name = "FILE")]
    pub(crate) approval: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Delete {
    /// Whose tokens
    #[arg(long, value_enum)]
    pub(crate) scope: Scope,
}

/// Whose tokens are deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Scope {
    /// Your own
    User,
    /// Everybody's
    All,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct SetTimeout {
    /// For how long a token is good that is not approved, in seconds
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) generated: Option<u32>,
    /// For how long an approved token is good, in seconds
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) approved: Option<u32>,
}

//! What can be typed: the commands of CloudHSM CLI (CloudHSM User Guide, "CloudHSM CLI command reference"), with
//! their options. No command is carried out here.

pub(crate) mod cluster;
pub(crate) mod configure;
pub(crate) mod crypto;
pub(crate) mod generate;
pub(crate) mod key;
pub(crate) mod quorum;
pub(crate) mod user;
pub(crate) mod values;
pub(crate) mod wrap;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

pub(crate) use values::RoleName;

/// What `--help` ends with.
const EXAMPLES: &str = "\
First steps:
  cloudhsm-cli configure -a 10.0.1.12 --hsm-ca-cert customerCA.crt   say where the cluster is
  cloudhsm-cli cluster activate                                      set the administrator's password
  cloudhsm-cli interactive                                           log in and work

For scripts, say who to log in as; every command then logs in, runs and logs out:
  export CLOUDHSM_ROLE=crypto-user CLOUDHSM_PIN=alice:password
  cloudhsm-cli key generate-symmetric aes --label my-key --key-length-bytes 32
  cloudhsm-cli key list --filter attr.label=my-key --verbose

Answers are JSON on standard output: {\"error_code\": 0, \"data\": ...}, or 1 and the reason.";

/// Manage the users and keys of a CloudHSM cluster
#[derive(Debug, Parser)]
#[command(name = "cloudhsm-cli", version, after_help = EXAMPLES, arg_required_else_help = true)]
pub(crate) struct Program {
    /// The configuration file [default: $STRONGROOM_CLOUDHSM_CONFIG, else /opt/cloudhsm/etc/cloudhsm-cli.cfg, else
    /// the user's own]
    #[arg(long, global = true, value_name = "FILE", hide_short_help = true)]
    pub(crate) config: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) which: WhichCluster,
    #[command(subcommand)]
    pub(crate) command: ProgramCommand,
}

/// Which of the configured clusters is meant.
#[derive(Debug, Default, Args)]
pub(crate) struct WhichCluster {
    /// Unique Id of the cluster, needed if several are configured
    #[arg(long, global = true, value_name = "CLUSTER_ID")]
    pub(crate) cluster_id: Option<String>,
}

/// What the program can be asked.
#[derive(Debug, Subcommand)]
pub(crate) enum ProgramCommand {
    /// Start a session in which commands follow each other
    ///
    /// Commands are those of the program. A log-in holds until `logout` or `quit`. Reads commands from standard
    /// input if that is not a terminal; passwords are then read from the lines that follow.
    Interactive,
    /// Say where the cluster is and how to reach it
    #[command(after_help = configure::EXAMPLES, arg_required_else_help = true)]
    Configure(configure::Configure),
    #[command(flatten)]
    Command(Command),
}

/// A line in interactive mode.
#[derive(Debug, Parser)]
#[command(
    name = "",
    bin_name = "",
    no_binary_name = true,
    disable_version_flag = true,
    about = "`help COMMAND` says more of a command, and `login` is the first that most need.",
    long_about = None
)]
pub(crate) struct Line {
    #[command(flatten)]
    pub(crate) which: WhichCluster,
    #[command(subcommand)]
    pub(crate) command: LineCommand,
}

/// What a line can ask.
#[derive(Debug, Subcommand)]
pub(crate) enum LineCommand {
    #[command(flatten)]
    Command(Box<Command>),
    /// Log out and leave
    #[command(visible_alias = "exit")]
    Quit,
}

/// The commands of both modes.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Look after the cluster: activation, what its HSMs are, certificates of clients
    #[command(subcommand)]
    Cluster(cluster::Cluster),
    /// Sign, and verify signatures
    #[command(subcommand)]
    Crypto(crypto::Crypto),
    /// Make, find, change, share, wrap and delete keys
    #[command(subcommand)]
    Key(key::Key),
    /// Log in to your cluster
    Login(user::Login),
    /// Log out of your cluster
    Logout,
    /// Let several people approve what one asks for (M of N)
    #[command(subcommand)]
    Quorum(quorum::Quorum),
    /// Make, change, list and delete users
    #[command(subcommand)]
    User(user::User),
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_grammar_keeps_clap_s_rules() {
        Program::command().debug_assert();
        Line::command().debug_assert();
        configure::ConfigureProgram::command().debug_assert();
    }
}

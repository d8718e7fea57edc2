//! `backup` and `restore`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::ConfigOptions;

/// Examples that the help of `backup` ends with.
pub(super) const BACKUP_EXAMPLES: &str = "\
Examples:
  strongroom backup /backup/monday.strongroom            of the server that runs, or of one that does not
  strongroom backup verify /backup/monday.strongroom     restore it into a folder that is thrown away, and test it

A backup opens with the key file or the passphrase that the seal had when it was made, and is worth nothing without: keep a
copy of that apart from the backups.";

/// Examples that the help of `restore` ends with.
pub(super) const RESTORE_EXAMPLES: &str = "\
Example, on a new machine, with the configuration and the seal's key file in place:
  install -D -m 600 slot-file.key /var/lib/strongroom/seal/slot-file.key
  strongroom restore /backup/monday.strongroom
  strongroom serve

A backup of a server on SQLite can be restored into PostgreSQL, and the other way round: the configuration says which.";

#[derive(Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct BackupOptions {
    #[command(subcommand)]
    pub(crate) command: Option<BackupCommand>,
    #[command(flatten)]
    pub(crate) config: ConfigOptions,
    /// The file that is written; it must not be there
    #[arg(value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Subcommand)]
pub(crate) enum BackupCommand {
    /// See whether a backup can be restored: restore it into a folder that is thrown away, and test it there
    Verify(VerifyBackupOptions),
}

#[derive(Args)]
pub(crate) struct VerifyBackupOptions {
    #[command(flatten)]
    pub(crate) config: ConfigOptions,
    /// The backup
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// Where there is room for all that is in it [default: beside the backup]
    #[arg(long, value_name = "DIR")]
    pub(crate) scratch: Option<PathBuf>,
}

#[derive(Args)]
pub(crate) struct RestoreOptions {
    #[command(flatten)]
    pub(crate) config: ConfigOptions,
    /// The backup
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// Go on although rows or records of what was backed up had been altered or damaged: a server refuses such rows one by one
    #[arg(long)]
    pub(crate) accept_findings: bool,
}

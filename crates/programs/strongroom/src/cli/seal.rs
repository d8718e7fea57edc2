//! `seal`: the root of trust.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::ConfigOptions;

/// What the help of `seal rotate` ends with.
const ROTATE_EXAMPLES: &str = "\
Examples:
  strongroom seal rotate
  strongroom seal slots add --kind passphrase
If somebody shall open the seal no more, remove his slot first, then rotate. At the end the slots are
printed that have the new root key. See The seal, in the book.";

/// What the help of `seal slots remove` ends with.
const REMOVE_EXAMPLES: &str = "\
Examples:
  strongroom seal slots list
  strongroom seal slots remove 5269cb31abad152c
  strongroom seal rotate
Whoever could open the slot may have seen the root key. The rotation gives the other slots a new one, to
which neither that slot's key nor any copy of the seal's folder from before leads.";

#[derive(Subcommand)]
pub(crate) enum SealCommand {
    /// Bring a new root key into use, seal everything afresh under it, and let the older ones go
    ///
    /// Calls are served meanwhile. With several servers on one PostgreSQL all of them get the new root key first. If it is
    /// cut off, the server goes on with it by itself; whatever is there opens at any moment.
    #[command(after_help = ROTATE_EXAMPLES)]
    Rotate(RotateOptions),
    /// List, add and remove what opens the root key
    Slots {
        #[command(subcommand)]
        command: SlotCommand,
    },
}

#[derive(Args, Clone)]
pub(crate) struct RotateOptions {
    #[command(flatten)]
    pub(crate) config: ConfigOptions,
    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Subcommand)]
pub(crate) enum SlotCommand {
    /// List the slots; nothing is opened for that
    List(SlotListOptions),
    /// Add a slot: whoever has what opens it has the root key
    Add(SlotAddOptions),
    /// Remove a slot; the last one stays
    #[command(after_help = REMOVE_EXAMPLES)]
    Remove(SlotRemoveOptions),
}

#[derive(Args, Clone)]
pub(crate) struct SlotListOptions {
    #[command(flatten)]
    pub(crate) config: ConfigOptions,
    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args, Clone)]
pub(crate) struct SlotAddOptions {
    #[command(flatten)]
    pub(crate) config: ConfigOptions,
    /// What is to open it
    #[arg(long, value_enum)]
    pub(crate) kind: SlotKind,
    /// The new passphrase, the one line of this file [default: it is asked for]
    #[arg(long, value_name = "FILE")]
    pub(crate) new_passphrase_file: Option<PathBuf>,
}

#[derive(Args, Clone)]
pub(crate) struct SlotRemoveOptions {
    #[command(flatten)]
    pub(crate) config: ConfigOptions,
    /// Which slot, as `list` shows it
    #[arg(value_name = "ID")]
    pub(crate) id: String,
    /// Also the slot that the configuration opens: the server does not start again before it names another
    #[arg(long)]
    pub(crate) force: bool,
}

/// Kinds of slots.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum SlotKind {
    /// A key file in the seal's folder
    File,
    /// A passphrase
    Passphrase,
}

//! `seal`: the root of trust.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::ConfigOptions;

/// What the help of `seal rotate` ends with.
const ROTATE_EXAMPLES: &str = "\
Examples:
  strongroom seal rotate
  strongroom seal slots add --kind passphrase
After a leak all slots that were there go before the rotation, and others are added after it: see The seal, in the book.";

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
}

/// Kinds of slots.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum SlotKind {
    /// A key file in the seal's folder
    File,
    /// A passphrase
    Passphrase,
}

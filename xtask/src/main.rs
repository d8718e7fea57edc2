//! Chores of this workspace, the same on every machine: `cargo xtask --help`.

#![allow(clippy::disallowed_macros, reason = "a program for the terminal prints")]

mod check;
mod generate;
mod model;
mod models;
mod names;
mod pattern;

use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::{Parser, Subcommand};

/// Chores of the Strongroom workspace.
#[derive(Parser)]
#[command(name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Write crates/api from the models in models/.
    Gen {
        /// Write nothing; fail if the tree differs from what would be written.
        #[arg(long)]
        check: bool,
    },
    /// The pinned AWS service models.
    Models {
        #[command(subcommand)]
        command: Models,
    },
    /// The rules of the house: formatting, lints, layers, file sizes, generated code, licences.
    Check {
        /// Only the rules that need no compiler: layers, sizes, versions, generated code.
        #[arg(long)]
        quick: bool,
    },
    /// Build the fuzz targets and run each, or the one named, for some seconds.
    Fuzz {
        /// The target; all of them if left out.
        target: Option<String>,
        /// Seconds for each target.
        #[arg(long, default_value_t = 20)]
        seconds: u32,
    },
}

#[derive(Subcommand)]
enum Models {
    /// Read the pinned botocore release and write the trimmed models anew.
    Update,
}

fn main() -> Result<()> {
    let root = workspace_root();
    match Arguments::parse().command {
        Command::Gen { check } => generate::run(&root, check),
        Command::Models { command: Models::Update } => models::update(&root),
        Command::Check { quick } => check::run(&root, quick),
        Command::Fuzz { target, seconds } => check::fuzz(&root, target.as_deref(), seconds),
    }
}

/// The folder of the workspace, wherever the command was called from.
fn workspace_root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().map(Path::to_path_buf).unwrap_or_default()
}

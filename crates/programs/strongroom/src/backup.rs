//! `strongroom backup`: everything that a server keeps, in one sealed file.
//!
//! The server that runs makes it, or this process where none runs, and hands it over piece by piece; this process writes
//! the file. So a server needs no path of its own to write to, and the file is its owner's who asked for it.

mod file;
mod macs;
mod source;
mod told;

use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

pub(crate) use self::macs::RowCheck;
pub(crate) use self::source::{OBJECTS, SLOTS, make};
pub(crate) use self::told::Made;
use crate::backup::file::Partial;
use crate::cli::{BackupCommand, BackupOptions};
use crate::control::{self, Answer, Request};
use crate::process;
use crate::restore;
use crate::settings::Settings;

/// Exit status of a backup that was made, of a store that has altered rows.
const MADE_WITH_FINDINGS: u8 = 3;

/// `strongroom backup FILE`, and `strongroom backup verify FILE`.
pub(crate) fn run(options: &BackupOptions) -> Result<ExitCode> {
    match &options.command {
        Some(BackupCommand::Verify(options)) => restore::rehearse(options),
        None => take(options),
    }
}

fn take(options: &BackupOptions) -> Result<ExitCode> {
    process::prepare();
    let Some(file) = &options.file else { bail!("name the file that the backup is to be written to") };
    let settings = Settings::read(&options.config.config)?;
    let mut partial = Partial::create(file)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let hear = |answer| match answer {
        Answer::Piece(piece) => {
            let bytes = STANDARD.decode(piece).context("the server sent what is no piece of a backup")?;
            partial.write(&bytes)
        }
        Answer::Progress(told) => {
            eprintln!("{told} ...");
            Ok(())
        }
        Answer::Done(_) | Answer::Refused(_) => Ok(()),
    };
    let made = runtime.block_on(control::ask(&settings, Request::Backup {}, hear))?;
    let bytes = partial.finish()?;
    let told: Made = serde_json::from_str(made.expose()).context("reading what the server told")?;
    if options.json {
        println!("{}", made.expose());
    } else {
        println!("{}", told.text(file, bytes));
    }
    for finding in &told.findings {
        eprintln!("strongroom: {finding}");
    }
    if told.findings.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    eprintln!(
        "strongroom: the backup is whole, and what it is of is not as it should be: it restores with --accept-findings only"
    );
    Ok(ExitCode::from(MADE_WITH_FINDINGS))
}

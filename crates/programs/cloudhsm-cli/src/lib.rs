//! CloudHSM CLI: the command line that manages the users and keys of an HSM cluster, with the grammar, the prompts
//! and the answers of AWS's tool of that name, and `configure-cli`.
//!
//! ```text
//! grammar     what can be typed
//! command     what it does, one file for each family
//! output      what it answers
//! bench       console, configuration, a client for each cluster in use
//! configure   the configuration file, CloudHSM's API for addresses
//! ```
//!
//! The crate refuses to know how HSMs are reached: that is `strongroom-hsm-client`'s. Start from [`run`].

#![warn(missing_docs)]

mod attribute;
mod bench;
mod command;
mod config;
mod configure;
mod console;
mod error;
mod file;
mod filter;
mod grammar;
mod interactive;
mod logging;
mod output;
mod words;

pub use file::approval::{NotATokenFile, SignedChallenge, parse_challenges, parse_token};

use std::ffi::OsString;
use std::io::Write as _;
use std::process::ExitCode;

use clap::Parser as _;

use crate::bench::{Bench, Mode};
use crate::config::place;
use crate::error::CliError;
use crate::grammar::configure::{Configure, ConfigureProgram};
use crate::grammar::{Command, Program, ProgramCommand};

/// The program `cloudhsm-cli`, from its arguments (the first is its name) to its exit status: 0, or 1 for whatever
/// goes wrong.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let program = match Program::try_parse_from(arguments) {
        Ok(program) => program,
        Err(error) => return not_understood(&error),
    };
    let cluster_id = program.which.cluster_id;
    match program.command {
        ProgramCommand::Configure(mut options) => {
            // The global option and that of the command have one name; what stands before the command counts too.
            options.cluster.cluster_id = options.cluster.cluster_id.or(cluster_id);
            finish_configure(&options, program.config.as_deref())
        }
        ProgramCommand::Interactive => {
            let outcome = open(Mode::Interactive, program.config.as_deref(), cluster_id)
                .and_then(|mut bench| interactive::run(&mut bench));
            match outcome {
                Ok(()) => ExitCode::SUCCESS,
                Err(error) => printed(&output::print(Err(error)), false),
            }
        }
        ProgramCommand::Command(command) => {
            let result = open(Mode::Single, program.config.as_deref(), cluster_id)
                .and_then(|mut bench| single(&mut bench, command));
            let is_done = result.is_ok();
            printed(&output::print(result), is_done)
        }
    }
}

/// The program `configure-cli`.
pub fn run_configure(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    match ConfigureProgram::try_parse_from(arguments) {
        Ok(program) => finish_configure(&program.configure, program.config.as_deref()),
        Err(error) => not_understood(&error),
    }
}

fn open(mode: Mode, config: Option<&std::path::Path>, cluster_id: Option<String>) -> Result<Bench, CliError> {
    let bench = Bench::new(mode, place::to_read(config), cluster_id)?;
    logging::begin(&bench.config().logging);
    Ok(bench)
}

fn single(bench: &mut Bench, command: Command) -> Result<output::Data, CliError> {
    let result = command::run(bench, command);
    bench.keep_learned();
    bench.close();
    result
}

fn finish_configure(options: &Configure, config: Option<&std::path::Path>) -> ExitCode {
    match configure::run(options, config) {
        Ok(place) => {
            printed(&writeln!(std::io::stdout(), "The configuration is in {}", place.display()), true)
        }
        Err(error) => {
            // Nothing is left to do if standard error is gone too.
            let _ = writeln!(std::io::stderr(), "configure: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Help and version are answers; all else is wrong.
fn not_understood(error: &clap::Error) -> ExitCode {
    printed(&error.print(), !error.use_stderr())
}

/// An answer that nobody can read is not given.
fn printed(written: &std::io::Result<()>, is_done: bool) -> ExitCode {
    if written.is_ok() && is_done { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

//! The `strongroom` program: parses the command line, wires the layers together, runs them.

#![allow(clippy::disallowed_macros, reason = "a program for the terminal prints")]

mod audit;
mod cli;
mod data_dir;
mod dev;
mod dev_tools;
mod down;
mod faults;
mod identity_providers;
mod networking;
mod node;
mod process;
mod quotas;
mod recording;
mod seed;
mod up;

use std::process::ExitCode;

use clap::Parser as _;

use crate::cli::{Arguments, AuditCommand, Command};

fn main() -> ExitCode {
    let outcome = match Arguments::parse().command {
        Command::Dev(options) => dev::run(&options),
        Command::Up(options) => up::run(&options),
        Command::Down(options) => down::run(&options),
        Command::Audit { command: AuditCommand::Verify(options) } => audit::verify(&options),
        Command::Audit { command: AuditCommand::Denied(options) } => audit::denied::run(&options),
        Command::Explain(options) => audit::explain::run(&options),
        Command::Seed { command } => seed::command(&command),
        Command::Fault(options) => faults::command::run(options),
        Command::Version => {
            print!("{}", cli::version_text());
            Ok(ExitCode::SUCCESS)
        }
    };
    match outcome {
        Ok(code) => code,
        Err(error) => {
            eprintln!("strongroom: {error:#}");
            ExitCode::FAILURE
        }
    }
}

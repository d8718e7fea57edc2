//! The `strongroom` program: parses the command line, wires the layers together, runs them.

#[macro_use]
mod terminal;

mod account;
mod audit;
mod backup;
mod carrier;
mod cli;
mod control;
mod data_dir;
mod dev;
mod dev_tools;
mod down;
mod escapes;
mod failures;
mod faults;
mod figures;
mod foreign_buckets;
mod freshness;
mod hsm_keys;
mod hsm_logs;
mod hsm_metrics;
mod identity_providers;
mod init;
mod journal_keeping;
mod key_metrics;
mod log_metrics;
mod moment;
mod networking;
mod node;
mod notifications;
mod outward;
mod process;
mod quotas;
mod recording;
mod resealing;
mod restore;
mod schedulers;
mod seal;
mod seed;
mod serve;
mod server_name;
mod settings;
mod trail_logs;
mod up;

use std::process::ExitCode;

use clap::Parser as _;

use crate::cli::{Arguments, AuditCommand, Command, RootCommand};

fn main() -> ExitCode {
    let outcome = match Arguments::parse().command {
        Command::Dev(options) => dev::run(&options),
        Command::Up(options) => up::run(&options),
        Command::Down(options) => down::run(&options),
        Command::Init(options) => init::run(&options),
        Command::Serve(options) => serve::run(&options),
        Command::Backup(options) => backup::run(&options),
        Command::Restore(options) => restore::run(&options),
        Command::Account { command } => account::run(&command),
        Command::Root { command: RootCommand::Reset(options) } => account::reset_root(&options),
        Command::Seal { command } => seal::run(&command),
        Command::Audit { command: AuditCommand::Verify(options) } => Ok(audit::verification::run(&options)),
        Command::Audit { command: AuditCommand::Checkpoint(place) } => {
            audit::checkpoints::print_newest(&place)
        }
        Command::Audit { command: AuditCommand::Export(options) } => audit::checkpoints::export(&options),
        Command::Audit { command: AuditCommand::Key(place) } => audit::checkpoints::print_key(&place),
        Command::Audit { command: AuditCommand::Denied(options) } => audit::denied::run(&options),
        Command::Audit { command: AuditCommand::Failures(options) } => audit::failures::run(&options),
        Command::Audit { command: AuditCommand::Trail(options) } => Ok(audit::trail::run(&options)),
        Command::Audit { command: AuditCommand::Report(options) } => Ok(audit::report::run(&options)),
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

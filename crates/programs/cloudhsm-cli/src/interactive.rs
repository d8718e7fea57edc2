//! Commands that follow each other.

use std::io::Write as _;

use clap::Parser as _;

use crate::bench::Bench;
use crate::console;
use crate::error::CliError;
use crate::grammar::{Line, LineCommand};
use crate::{command, output, words};

/// What stands before a command.
const PROMPT: &str = "aws-cloudhsm > ";

/// Reads and runs commands until there are no more.
pub(crate) fn run(bench: &mut Bench) -> Result<(), CliError> {
    loop {
        let line = match bench.console.command(&prompt(bench))? {
            console::Line::Text(line) => line,
            console::Line::Interrupted => continue,
            console::Line::End => break,
        };
        let words = match words::split(&line) {
            Ok(words) if words.is_empty() => continue,
            Ok(words) => words,
            Err(error) => {
                print(output::print(Err(CliError::usage(error.to_string()))))?;
                continue;
            }
        };
        match Line::try_parse_from(words) {
            Err(error) => print(error.print())?,
            Ok(Line { command: LineCommand::Quit, .. }) => break,
            Ok(Line { command: LineCommand::Command(command), which }) => {
                bench.means(which.cluster_id);
                let result = command::run(bench, *command);
                print(output::print(result))?;
                bench.keep_learned();
            }
        }
    }
    bench.close();
    Ok(())
}

/// Where several clusters are configured, the prompt says who is logged in where.
fn prompt(bench: &Bench) -> String {
    match bench.user() {
        Some((user, Some(cluster))) if bench.config().clusters.len() > 1 => format!("{user}@{cluster} > "),
        _ => PROMPT.to_owned(),
    }
}

fn print(written: std::io::Result<()>) -> Result<(), CliError> {
    written.map_err(|error| CliError::usage(format!("standard output: {error}")))?;
    std::io::stdout().flush().map_err(|error| CliError::usage(format!("standard output: {error}")))
}

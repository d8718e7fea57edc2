//! The program `cloudhsm-cli`.

use std::process::ExitCode;

fn main() -> ExitCode {
    strongroom_cloudhsm_cli::run(std::env::args_os())
}

//! The program `configure-cli`.

use std::process::ExitCode;

fn main() -> ExitCode {
    strongroom_cloudhsm_cli::run_configure(std::env::args_os())
}

//! Rules that other tools hold: the formatter, the linter, cargo-deny, our own generator.

use std::ffi::OsString;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use super::Report;

/// The release of cargo-deny that `deny.toml` is written for.
const CARGO_DENY: &str = "0.20.2";

/// The cargo that runs this program, in the workspace's folder.
pub(super) fn cargo(root: &Path) -> Command {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
    let mut command = Command::new(program);
    command.current_dir(root);
    command
}

/// Formatting.
pub(super) fn format(root: &Path) -> Result<Report> {
    let mut command = cargo(root);
    command.args(["fmt", "--all", "--check", "--", "--files-with-diff"]);
    judge(command, "the formatter would change the files named above: run `cargo fmt --all`")
}

/// Lints, in tests and benches too.
pub(super) fn lints(root: &Path) -> Result<Report> {
    let mut command = cargo(root);
    command.args(["clippy", "--workspace", "--all-targets", "--locked", "--quiet", "--", "-D", "warnings"]);
    judge(command, "clippy is not content, see above: change the code, or `#[expect]` with a reason")
}

/// Bans, licences and sources of packages. Advisories are left out: their database is a download, and a
/// check that depends on the day is no check of the tree.
pub(super) fn licences(root: &Path) -> Result<Report> {
    let own = root.join("target/tools/bin/cargo-deny");
    let program = if own.exists() { own.into_os_string() } else { OsString::from("cargo-deny") };
    if Command::new(&program).arg("--version").output().is_err() {
        return Ok(Report::of(vec![format!(
            "cargo-deny is not installed: `make check` installs it, or run \
             `cargo install --locked cargo-deny --version {CARGO_DENY} --root target/tools`"
        )]));
    }
    let mut command = Command::new(program);
    command.current_dir(root).args([
        "--locked",
        "--log-level",
        "error",
        "check",
        "bans",
        "licenses",
        "sources",
    ]);
    judge(command, "cargo-deny is not content, see above: deny.toml says what may be used and why")
}

/// Generated code is what the generator would write.
pub(super) fn generated(root: &Path) -> Result<Report> {
    crate::generate::run(root, true)?;
    Ok(Report::default())
}

/// Runs a tool that speaks for itself.
fn judge(mut command: Command, advice: &str) -> Result<Report> {
    let status = command.status().with_context(|| format!("running {}", command.get_program().display()))?;
    Ok(Report::of(if status.success() { Vec::new() } else { vec![advice.to_owned()] }))
}

//! The manifests say the same thing everywhere: one minimum Rust version, the workspace's lints.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use toml::Table;

use super::{Report, tree};

/// The oldest Rust that builds the workspace. Raised on purpose, in an ADR, and here.
const RUST_VERSION: &str = "1.95";

/// Reads the root manifest, every crate's, and asks rustc for its version.
pub(super) fn check(root: &Path) -> Result<Report> {
    let workspace: Table =
        tree::read(root, Path::new("Cargo.toml"))?.parse().context("parsing Cargo.toml")?;
    let mut failures = Vec::from_iter(judge_workspace(&workspace));
    for file in ["rust-toolchain", "rust-toolchain.toml"] {
        if root.join(file).exists() {
            failures
                .push(format!("{file} pins a toolchain: remove it, any Rust from {RUST_VERSION} on must do"));
        }
    }
    for folder in ["crates", "xtask"] {
        for file in tree::files(root, folder, "toml")? {
            if file.file_name().is_some_and(|name| name == "Cargo.toml") {
                let manifest = tree::read(root, &file)?.parse();
                let manifest = manifest.with_context(|| format!("parsing {}", file.display()))?;
                failures.extend(judge_member(&file.display().to_string(), &manifest));
            }
        }
    }
    let installed = rustc_version()?;
    failures.extend(judge_rustc(&installed));
    Ok(Report::of(failures).noting(format!("rustc {installed}, rust-version {RUST_VERSION}")))
}

fn rustc_version() -> Result<String> {
    let output = Command::new("rustc").arg("--version").output().context("running rustc")?;
    ensure!(output.status.success(), "rustc --version failed");
    let text = String::from_utf8(output.stdout)?;
    text.split_whitespace().nth(1).map(str::to_owned).context("rustc --version says no version")
}

fn judge_workspace(manifest: &Table) -> Option<String> {
    let package = manifest.get("workspace").and_then(|workspace| workspace.get("package"));
    let version = package.and_then(|package| package.get("rust-version")?.as_str());
    (version != Some(RUST_VERSION)).then(|| {
        format!("Cargo.toml: workspace.package.rust-version is not \"{RUST_VERSION}\": set it, or raise both with an ADR")
    })
}

/// Each member takes versions, licence and lints from the workspace.
fn judge_member(file: &str, manifest: &Table) -> Vec<String> {
    let inherits = |section: Option<&toml::Value>| {
        section.and_then(|section| section.get("workspace")).and_then(toml::Value::as_bool) == Some(true)
    };
    let package = manifest.get("package");
    let mut failures: Vec<_> = ["version", "edition", "rust-version", "license", "publish"]
        .into_iter()
        .filter(|key| !inherits(package.and_then(|package| package.get(key))))
        .map(|key| format!("{file}: package.{key} is not the workspace's: write `{key}.workspace = true`"))
        .collect();
    if !inherits(manifest.get("lints")) {
        failures
            .push(format!("{file}: the lints are not the workspace's: write `[lints]` `workspace = true`"));
    }
    failures
}

fn judge_rustc(installed: &str) -> Option<String> {
    let parts = |version: &str| -> Vec<u32> {
        version.split(['.', '-']).take(2).filter_map(|part| part.parse().ok()).collect()
    };
    (parts(installed) < parts(RUST_VERSION))
        .then(|| format!("rustc is {installed}: install Rust {RUST_VERSION} or newer (rustup update)"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_minimum_version_is_stated_once_and_kept() {
        let manifest =
            |version: &str| format!("[workspace.package]\nrust-version = \"{version}\"").parse().unwrap();
        assert_eq!(judge_workspace(&manifest(RUST_VERSION)), None);
        assert!(judge_workspace(&manifest("1.96")).is_some());
        assert!(judge_workspace(&Table::new()).is_some());
        for (installed, fine) in
            [("1.95.0", true), ("1.100.2-nightly", true), ("2.0.0", true), ("1.94.1", false)]
        {
            assert_eq!(judge_rustc(installed).is_none(), fine, "{installed}");
        }
    }

    #[test]
    fn members_take_everything_from_the_workspace() {
        let good = "[package]\nname = \"a\"\nversion.workspace = true\nedition.workspace = true\n\
                    rust-version.workspace = true\nlicense.workspace = true\npublish.workspace = true\n\
                    [lints]\nworkspace = true";
        assert_eq!(judge_member("a", &good.parse().unwrap()), Vec::<String>::new());
        let bad = "[package]\nname = \"a\"\nversion = \"1.0.0\"\nedition.workspace = true";
        assert_eq!(judge_member("a", &bad.parse().unwrap()).len(), 5);
    }
}

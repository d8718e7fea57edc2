//! The graph of packages: one copy of what must not be doubled, none of what is banned.
//!
//! `deny.toml` bans too; this rule needs no tool to be installed and judges what is built, not what the lock
//! file mentions through optional edges.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use toml::Table;

use super::tools::cargo;
use super::{Report, tree};

/// Packages that exist once or not at all, and why.
const ONCE: &[(&str, &str)] = &[
    ("aws-lc-sys", "two copies of AWS-LC would be linked, and keys must never cross between them"),
    ("libsqlite3-sys", "two copies of SQLite would be linked, with locks that do not know each other"),
];

/// Packages that are never built: the cryptography is AWS-LC's, all of it.
const NEVER: &[&str] = &["ring", "openssl", "openssl-sys", "native-tls"];

/// Reads Cargo.lock and the graph that is built.
pub(super) fn check(root: &Path) -> Result<Report> {
    let lock: Table = tree::read(root, Path::new("Cargo.lock"))?.parse().context("parsing Cargo.lock")?;
    let mut failures = judge_lock(&lock);
    let output = cargo(root)
        .args(["tree", "--workspace", "--locked", "--edges", "normal,build,dev", "--prefix", "none"])
        .args(["--format", "{p}"])
        .output()
        .context("running cargo tree")?;
    let errors = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "cargo tree --locked failed; is Cargo.lock up to date?\n{errors}");
    let built = names(&String::from_utf8(output.stdout)?);
    failures.extend(judge_built(&built));
    Ok(Report::of(failures).noting(format!("{} packages are built", built.len())))
}

/// The names of `cargo tree`'s lines.
fn names(listing: &str) -> BTreeSet<String> {
    listing.lines().filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect()
}

fn judge_lock(lock: &Table) -> Vec<String> {
    let packages =
        lock.get("package").and_then(|packages| packages.as_array()).map_or(&[][..], Vec::as_slice);
    let versions = |wanted: &str| -> Vec<&str> {
        let named =
            packages.iter().filter(|package| package.get("name").and_then(|n| n.as_str()) == Some(wanted));
        named.filter_map(|package| package.get("version")?.as_str()).collect()
    };
    ONCE.iter()
        .map(|(name, why)| (name, why, versions(name)))
        .filter(|(_, _, versions)| versions.len() > 1)
        .map(|(name, why, versions)| {
            let versions = versions.join(" and ");
            format!(
                "Cargo.lock has {name} {versions}: {why}; move all that need it to one version in one change"
            )
        })
        .collect()
}

fn judge_built(built: &BTreeSet<String>) -> Vec<String> {
    let banned = NEVER.iter().filter(|name| built.contains(**name));
    banned
        .map(|name| {
            format!("{name} is built: find who asks with `cargo tree -i {name}` and turn that feature off")
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_must_exist_once_does() {
        let lock = |versions: &[&str]| {
            let package =
                |version: &&str| format!("[[package]]\nname = \"aws-lc-sys\"\nversion = \"{version}\"\n");
            versions.iter().map(package).collect::<String>().parse().unwrap()
        };
        assert!(judge_lock(&lock(&["0.47.0"])).is_empty());
        let failures = judge_lock(&lock(&["0.46.0", "0.47.0"]));
        assert!(failures[0].contains("0.46.0 and 0.47.0"), "{failures:?}");
    }

    #[test]
    fn what_is_banned_is_found_by_its_whole_name() {
        let built = names("strongroom v0.1.0 (/src)\nring-like v1.0.0\nopenssl-probe v0.1.0 (*)\n");
        assert!(judge_built(&built).is_empty());
        assert_eq!(judge_built(&names("ring v0.17.0\n")).len(), 1);
    }
}

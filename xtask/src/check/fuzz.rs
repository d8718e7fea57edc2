//! `cargo xtask fuzz`: coverage-guided fuzzing on a stable toolchain.
//!
//! The targets are the binaries of `fuzz/Cargo.toml`, built with LLVM's coverage instrumentation, which is
//! a set of plain code generation flags. What a target learns is kept in `fuzz/corpus/<target>`; inputs
//! worth keeping for ever are in `fuzz/seeds/<target>`.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use toml::Table;

use super::{tools, tree};

/// What `cargo fuzz` passes too, without a sanitizer: those need a nightly compiler.
const INSTRUMENTATION: &[&str] = &[
    "--cfg=fuzzing",
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    "-Cdebug-assertions",
    "-Ccodegen-units=1",
];

/// The memory that a target may take, in MiB: input must not make a reader allocate without bound.
const MEMORY_MIB: u32 = 1_024;

/// Builds the targets and runs each, or the one named, for some seconds.
pub(crate) fn fuzz(root: &Path, target: Option<&str>, seconds: u32) -> Result<()> {
    let manifest: Table = tree::read(root, Path::new("fuzz/Cargo.toml"))?.parse()?;
    let targets = choose(&manifest, target)?;
    let triple = host_triple()?;
    let status = tools::cargo(root)
        .args(["build", "--release", "--manifest-path", "fuzz/Cargo.toml", "--bins", "--target", &triple])
        .env("CARGO_ENCODED_RUSTFLAGS", INSTRUMENTATION.join("\u{1f}"))
        .status()?;
    ensure!(status.success(), "the fuzz targets do not build");
    let mut broken = Vec::new();
    for target in &targets {
        println!("fuzzing {target} for {seconds} s");
        let corpus = format!("fuzz/corpus/{target}");
        std::fs::create_dir_all(root.join(&corpus))?;
        let artifacts = format!("fuzz/artifacts/{target}/");
        std::fs::create_dir_all(root.join(&artifacts))?;
        let mut command = Command::new(root.join(format!("fuzz/target/{triple}/release/{target}")));
        command.current_dir(root).args([
            format!("-max_total_time={seconds}"),
            format!("-rss_limit_mb={MEMORY_MIB}"),
            format!("-artifact_prefix={artifacts}"),
            "-verbosity=0".to_owned(),
            "-print_final_stats=1".to_owned(),
            corpus,
        ]);
        let seeds = format!("fuzz/seeds/{target}");
        if root.join(&seeds).is_dir() {
            command.arg(seeds);
        }
        if !command.status().with_context(|| format!("running {target}"))?.success() {
            broken.push(format!("{target} (the input is in {artifacts})"));
        }
    }
    ensure!(broken.is_empty(), "fuzzing broke {}", broken.join(", "));
    Ok(())
}

/// The targets of the manifest, or the one named.
fn choose(manifest: &Table, wanted: Option<&str>) -> Result<Vec<String>> {
    let binaries =
        manifest.get("bin").and_then(|binaries| binaries.as_array()).map_or(&[][..], Vec::as_slice);
    let names = binaries.iter().filter_map(|binary| binary.get("name")?.as_str()).map(str::to_owned);
    let names: Vec<_> = names.collect();
    match wanted {
        None => Ok(names),
        Some(wanted) if names.iter().any(|name| name == wanted) => Ok(vec![wanted.to_owned()]),
        Some(wanted) => bail!("there is no fuzz target {wanted}; there are {}", names.join(", ")),
    }
}

/// The host's target triple. Naming it keeps the flags away from build scripts and procedural macros.
fn host_triple() -> Result<String> {
    let output = Command::new("rustc").arg("-vV").output().context("running rustc")?;
    let text = String::from_utf8(output.stdout)?;
    let host = text.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned).context("rustc -vV names no host")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_the_binaries_of_the_manifest() {
        let manifest: Table = "[[bin]]\nname = \"json\"\n[[bin]]\nname = \"query\"".parse().unwrap();
        assert_eq!(choose(&manifest, None).unwrap(), ["json", "query"]);
        assert_eq!(choose(&manifest, Some("query")).unwrap(), ["query"]);
        let refusal = choose(&manifest, Some("xml")).unwrap_err().to_string();
        assert!(refusal.contains("json, query"), "{refusal}");
    }
}

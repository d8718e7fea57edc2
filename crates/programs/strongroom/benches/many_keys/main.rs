//! What a store full of keys costs: `cargo bench -p strongroom --features bulk-load --bench many_keys`.
//!
//! The real program over 1,000 keys and over 1,000,000: how long it takes to start, to decrypt under a key
//! that it has not used yet and under one that it has, to list a page of keys, and how much memory and disk
//! it needs. The figures to quote are the ratios: nothing but the disk should grow with the number of keys.
//!
//! `STRONGROOM_BENCH_KEYS` sets the large number (default 1,000,000; loading them takes minutes).

#![allow(
    clippy::disallowed_macros,
    clippy::disallowed_methods,
    reason = "a bench prints and reads the clock"
)]

mod figures;
#[path = "../rig/http.rs"]
mod http;
mod loading;
#[path = "../rig/program.rs"]
mod program;
#[path = "../rig/request.rs"]
mod request;

use anyhow::{Result, ensure};
use tempfile::TempDir;

use crate::figures::Figures;

/// What the large number is compared with; also how many keys are decrypted under.
const FEW: usize = 1_000;

fn main() -> Result<()> {
    let many = std::env::var("STRONGROOM_BENCH_KEYS").ok().and_then(|text| text.parse().ok());
    let many = many.unwrap_or(1_000_000);
    ensure!(many > 2 * FEW, "STRONGROOM_BENCH_KEYS must be above {}", 2 * FEW);
    // Both are made before either is measured: a machine whose speed drifts treats them alike.
    let folders = [Folder::with(FEW)?, Folder::with(many)?];
    let [few_figures, many_figures] = [folders[0].measure()?, folders[1].measure()?];
    println!("\n{:>52} {:>12} {:>12} {:>7}", "keys", FEW, many, "ratio");
    for ((what, unit, few), (_, _, many)) in few_figures.rows().into_iter().zip(many_figures.rows()) {
        println!("{:>52} {few:>12.2} {many:>12.2} {:>7.2}", format!("{what}, {unit}"), many / few);
    }
    Ok(())
}

/// A data folder with keys.
struct Folder {
    parent: TempDir,
    /// The keys' ids.
    ids: Vec<String>,
}

impl Folder {
    fn with(keys: usize) -> Result<Self> {
        let parent = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
        let ids = loading::load(&parent.path().join("data"), keys)?;
        Ok(Self { parent, ids })
    }

    fn measure(&self) -> Result<Figures> {
        Figures::measure(&self.parent.path().join("data"), &self.ids)
    }
}

//! How much memory HSMs have.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};

use crate::processes::HsmProcess;

/// What each HSM of a data folder has resident.
pub(crate) fn told(data: &Path) -> Result<String> {
    of(&HsmProcess::all(data)?)
}

/// What these HSMs have.
pub(crate) fn of(hsms: &[HsmProcess]) -> Result<String> {
    let told = hsms.iter().map(|hsm| {
        let status = fs::read_to_string(format!("/proc/{}/status", hsm.0))?;
        Ok(format!("{:.1} MB", kb(&status, "VmRSS:")? as f64 / 1024.0))
    });
    Ok(told.collect::<Result<Vec<_>>>()?.join(", "))
}

fn kb(status: &str, name: &str) -> Result<u64> {
    let line =
        status.lines().find_map(|line| line.strip_prefix(name)).with_context(|| format!("no {name}"))?;
    Ok(line.trim().trim_end_matches(" kB").parse()?)
}

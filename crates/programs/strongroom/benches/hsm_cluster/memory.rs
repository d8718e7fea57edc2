//! How much memory HSMs have.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};

use crate::processes::HsmProcess;

/// What each HSM of a data folder has resident, and how much of it is locked.
pub(crate) fn told(data: &Path) -> Result<String> {
    let hsms = HsmProcess::all(data)?.into_iter().map(|hsm| {
        let status = fs::read_to_string(format!("/proc/{}/status", hsm.0))?;
        let mb = |name| kb(&status, name).map(|kb| kb as f64 / 1024.0);
        anyhow::Ok(format!("{:.1} MB ({:.1} MB of it locked)", mb("VmRSS:")?, mb("VmLck:")?))
    });
    Ok(hsms.collect::<Result<Vec<_>>>()?.join(", "))
}

fn kb(status: &str, name: &str) -> Result<u64> {
    let line =
        status.lines().find_map(|line| line.strip_prefix(name)).with_context(|| format!("no {name}"))?;
    Ok(line.trim().trim_end_matches(" kB").parse()?)
}

//! The HSMs' processes, found by where their files are.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};
use rustix::process::{Pid, Signal, kill_process};

/// The process of an HSM.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct HsmProcess(pub(crate) i32);

impl HsmProcess {
    /// Every HSM's process whose files are under `folder`.
    pub(crate) fn all(folder: &Path) -> Result<Vec<Self>> {
        let mut found = Vec::new();
        for entry in fs::read_dir("/proc")? {
            let name = entry?.file_name();
            let Some(pid) = name.to_str().and_then(|name| name.parse().ok()) else { continue };
            // One that has ended meanwhile is none.
            let command = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            let mut words = command.split(|byte| *byte == 0).map(String::from_utf8_lossy);
            let is_hsm = words.next().is_some_and(|program| program.ends_with("strongroom-hsmd"));
            if is_hsm && words.any(|word| Path::new(word.as_ref()).starts_with(folder)) {
                found.push(Self(pid));
            }
        }
        found.sort();
        Ok(found)
    }

    /// `kill -9`
    pub(crate) fn kill(self) -> Result<()> {
        Ok(kill_process(Pid::from_raw(self.0).context("no process")?, Signal::KILL)?)
    }
}

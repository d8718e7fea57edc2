//! `[clusters]`: HSMs.

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use serde::Deserialize;

use super::AbsolutePath;

/// How HSM clusters are kept on this machine.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct ClusterSettings {
    /// The addresses of default VPCs, in which HSMs listen.
    pub(crate) vpc_cidr: String,
    /// The HSM's program [default: strongroom-hsmd beside this one].
    hsmd: Option<AbsolutePath>,
    /// Whether clusters are backed up every day.
    pub(crate) daily_backups: bool,
}

impl Default for ClusterSettings {
    fn default() -> Self {
        Self { vpc_cidr: "127.31.0.0/16".to_owned(), hsmd: None, daily_backups: true }
    }
}

/// The name of the HSM's program.
const HSMD: &str = "strongroom-hsmd";

impl ClusterSettings {
    /// Where the HSM's program is: beside this one, unless the operator says otherwise.
    pub(crate) fn hsmd(&self) -> Result<PathBuf> {
        if let Some(named) = &self.hsmd {
            return Ok(named.as_path().to_owned());
        }
        let program = std::env::current_exe()
            .context("finding the HSM's program; say where it is as [clusters] hsmd")?;
        Ok(program.with_file_name(HSMD))
    }
}

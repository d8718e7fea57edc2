//! `[data]`: where a server keeps what is its own.

use std::path::PathBuf;

use serde::Deserialize;

use super::AbsolutePath;

/// The data folder of a server that says nothing else.
const USUAL: &str = "/var/lib/strongroom";

/// Where a server keeps journal, index, HSMs and, on SQLite, the store.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct DataSettings {
    dir: Option<AbsolutePath>,
}

impl DataSettings {
    /// The folder.
    pub(crate) fn dir(&self) -> PathBuf {
        self.dir.as_ref().map_or_else(|| PathBuf::from(USUAL), |dir| dir.as_path().to_owned())
    }
}

//! What is told of a backup that was made.

use std::path::Path;

use serde::{Deserialize, Serialize};

/// A backup that was made.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Made {
    pub(crate) backup_id: String,
    pub(crate) tables: u64,
    pub(crate) rows: u64,
    pub(crate) files: u64,
    pub(crate) file_bytes: u64,
    /// What of the store is not as it should be.
    #[serde(default)]
    pub(crate) findings: Vec<String>,
    /// What is not in it.
    pub(crate) missing: Vec<String>,
}

impl Made {
    /// For people.
    pub(super) fn text(&self, file: &Path, bytes: u64) -> String {
        let Self { backup_id, tables, rows, files, file_bytes, missing, .. } = self;
        let missing = missing.iter().fold(String::new(), |text, what| text + "\n  " + what);
        format!(
            "{file}: {bytes} bytes, sealed.

  backup   {backup_id}
  store    {rows} rows of {tables} tables
  journal  {files} files, {file_bytes} bytes

Not in it, and to be kept apart:{missing}

See whether it can be restored: strongroom backup verify {file}",
            file = file.display()
        )
    }
}

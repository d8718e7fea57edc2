//! `[objects]`: where the objects of S3 are kept.

use std::path::PathBuf;

use serde::Deserialize;

use super::AbsolutePath;
use crate::data_dir::DataDir;

/// Where files of objects are. Servers that share a store share the folder.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct ObjectSettings {
    dir: Option<AbsolutePath>,
}

impl ObjectSettings {
    /// The folder: in the data folder, unless another is named.
    pub(crate) fn dir(&self, data: &DataDir) -> PathBuf {
        self.dir.as_ref().map_or_else(|| data.objects(), |dir| dir.as_path().to_owned())
    }
}

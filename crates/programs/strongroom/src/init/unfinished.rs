//! Whether `strongroom init` came to its end: a mark in the data folder from its first step to its last.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

use crate::restore;
use crate::settings::Place;

/// The mark's file.
pub(super) const NAME: &str = "init.unfinished";

/// The mark, there until [`Mark::done`].
pub(super) struct Mark(PathBuf);

fn path(place: &Place) -> PathBuf {
    place.data.path().join(NAME)
}

/// Refuses what an `init` has left that was cut off.
pub(crate) fn refuse(place: &Place) -> Result<()> {
    if path(place).exists() {
        bail!(
            "`strongroom init` was cut off in {}, and nobody has seen the credential that it made; remove that folder and \
             {}, and run it again",
            place.data.path().display(),
            place.seal.dir.display()
        );
    }
    restore::refuse(place)
}

impl Mark {
    /// Makes the mark, on disk when this returns.
    pub(super) fn make(place: &Place) -> Result<Self> {
        let path = path(place);
        let made = File::options().write(true).create(true).truncate(false).open(&path);
        made.and_then(|file| file.sync_all())
            .and_then(|()| sync(place.data.path()))
            .with_context(|| format!("making {}", path.display()))?;
        Ok(Self(path))
    }

    /// Takes the mark away: everything is there.
    pub(super) fn done(self) -> Result<()> {
        let folder = self.0.parent().unwrap_or(Path::new("/"));
        fs::remove_file(&self.0)
            .and_then(|()| sync(folder))
            .with_context(|| format!("removing {}", self.0.display()))
    }
}

fn sync(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

//! Whether `strongroom restore` came to its end: a mark in the data folder from its first step to its last.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

use super::opening::{Opened, make_folder, write_private};
use crate::backup::SLOTS;
use crate::settings::{Place, StorePlace};

/// The mark's file.
const NAME: &str = "restore.unfinished";
/// What stands in it when the slots are the restore's own, and not those that were there.
const OWN_SLOTS: &[u8] = b"the slots are restored too\n";
const KEPT_SLOTS: &[u8] = b"the slots were there\n";

/// The mark, there until [`Mark::done`].
pub(super) struct Mark(PathBuf);

fn path(place: &Place) -> PathBuf {
    place.data.path().join(NAME)
}

/// Refuses what a `restore` has left that was cut off.
pub(crate) fn refuse(place: &Place) -> Result<()> {
    if path(place).exists() {
        bail!(
            "`strongroom restore` was cut off in {}, and what is there is not whole; run it again",
            place.data.path().display()
        );
    }
    Ok(())
}

/// Refuses to touch what is there: a store, a journal, HSMs, or another seal than the backup's. What a restore has left that
/// was cut off is removed.
pub(super) fn expect_nothing(place: &Place, opened: &Opened) -> Result<()> {
    if let Ok(found) = fs::read(path(place)) {
        remove_leftovers(place, found == OWN_SLOTS)
            .context("removing what a restore has left that was cut off")?;
    }
    let data = &place.data;
    let store = match &place.store {
        StorePlace::Sqlite(file) => Some(file.clone()),
        StorePlace::Postgres(_) => None,
    };
    let in_the_way =
        [Some(data.journal()), Some(data.index()), Some(data.hsms()), Some(data.server_name()), store];
    if let Some(there) = in_the_way.into_iter().flatten().find(|path| path.exists()) {
        bail!(
            "{} is there, and nothing that is there is touched: a backup is restored into an empty place; move it away, or \
             name another folder as [data] dir",
            there.display()
        );
    }
    let slots = place.seal.dir.join(SLOTS);
    match fs::read(&slots) {
        Ok(found) if found != opened.open_part.slots => bail!(
            "{} is not as it was when the backup was made; move it away, so that the backup's own takes its place (the key \
             file beside it stays)",
            slots.display()
        ),
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("reading {}", slots.display()))
        }
        _ => Ok(()),
    }
}

fn remove_leftovers(place: &Place, own_slots: bool) -> Result<()> {
    let data = &place.data;
    for folder in [data.journal(), data.index()] {
        absent_is_fine(fs::remove_dir_all(folder))?;
    }
    absent_is_fine(fs::remove_file(data.server_name()))?;
    if let StorePlace::Sqlite(file) = &place.store {
        for suffix in ["", "-wal", "-shm"] {
            let mut name = file.as_os_str().to_owned();
            name.push(suffix);
            absent_is_fine(fs::remove_file(PathBuf::from(name)))?;
        }
    }
    if own_slots {
        absent_is_fine(fs::remove_file(place.seal.dir.join(SLOTS)))?;
    }
    sync(data.path())?;
    // Last: without it nobody would know that the rest is to go.
    fs::remove_file(path(place))?;
    Ok(sync(data.path())?)
}

fn absent_is_fine(removed: io::Result<()>) -> io::Result<()> {
    match removed {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

impl Mark {
    /// Makes the mark, on disk when this returns.
    pub(super) fn make(place: &Place) -> Result<Self> {
        make_folder(place.data.path())?;
        let kept = place.seal.dir.join(SLOTS).exists();
        let path = path(place);
        write_private(&path, if kept { KEPT_SLOTS } else { OWN_SLOTS })?;
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

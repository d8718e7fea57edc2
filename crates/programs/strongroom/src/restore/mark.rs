//! Whether `strongroom restore` came to its end: a mark in the data folder from its first step to its last, and one in the
//! store, which other servers on it see too, from the moment there is anything in it.
//!
//! Both bear the same number. Where the one in the folder is that of the one in the store, whoever works there is the
//! restore itself, or its next try: every other command is refused by the mark in the folder.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use strongroom_crypto::{hex, random};
use strongroom_store::{Db, Load, StoreError};

use super::opening::{Opened, make_folder, write_private};
use crate::backup::SLOTS;
use crate::node::open_store;
use crate::settings::{Place, StorePlace};

/// The mark's file.
const NAME: &str = "restore.unfinished";
/// What stands in it when the slots are the restore's own, and not those that were there.
const OWN_SLOTS: &[u8] = b"the slots are restored too\n";
const KEPT_SLOTS: &[u8] = b"the slots were there\n";

/// What the store knows of a restore that is under way, and of one that came to its end: the mark's number.
const UNFINISHED: &str = "restore.unfinished";
const FINISHED: &str = "restore.finished";

/// The mark, there until [`Mark::done`].
pub(super) struct Mark {
    path: PathBuf,
    number: Vec<u8>,
}

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

/// Refuses a store that a `restore` is filling, or has left half filled, unless it is that of this place.
pub(crate) async fn refuse_store(db: &Db, place: &Place) -> Result<()> {
    let Some(number) = db.meta_get(UNFINISHED).await.context("reading the store")? else { return Ok(()) };
    if found(place)?.is_some_and(|found| found.number == number) {
        return Ok(());
    }
    bail!(
        "a backup is being restored into this store, or was, and did not come to its end: run `strongroom restore` again \
         where it was run, or name an empty database"
    )
}

/// What stands in the mark that is there.
struct Found {
    has_own_slots: bool,
    number: Vec<u8>,
    /// The folder of objects that the restore made, wherever the settings have it by now; none in marks of before.
    objects: Option<PathBuf>,
}

fn found(place: &Place) -> Result<Option<Found>> {
    let path = path(place);
    let read = match fs::read(&path) {
        Ok(read) => read,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).with_context(|| format!("reading {}", path.display())),
    };
    // A mark that was cut off itself has no number, and nothing was made under it.
    let rest = read.strip_prefix(OWN_SLOTS).or_else(|| read.strip_prefix(KEPT_SLOTS)).unwrap_or_default();
    let mut parts = rest.splitn(2, |byte| *byte == b'\n');
    let number = parts.next().unwrap_or_default().to_vec();
    // Nothing but a whole mark names a folder: it would be removed.
    let objects = parts.next().and_then(|objects| objects.strip_suffix(b"\n"));
    let objects = objects.map(|objects| PathBuf::from(OsStr::from_bytes(objects)));
    Ok(Some(Found { has_own_slots: read.starts_with(OWN_SLOTS), number, objects }))
}

/// The store, if there is one.
async fn store(place: &Place) -> Result<Option<Db>> {
    match &place.store {
        StorePlace::Sqlite(file) if !file.exists() => Ok(None),
        _ => open_store(&place.store).await.map(Some),
    }
}

/// Whether the last restore here was cut off behind its end, so that only the mark in the folder was left, which this takes
/// away.
pub(super) async fn has_ended(place: &Place) -> Result<bool> {
    let Some(found) = found(place)?.filter(|found| !found.number.is_empty()) else { return Ok(false) };
    let Some(db) = store(place).await? else { return Ok(false) };
    let finished = db.meta_get(FINISHED).await.context("reading the store");
    db.close().await.context("closing the store")?;
    if finished?.is_none_or(|number| number != found.number) {
        return Ok(false);
    }
    remove(&path(place))?;
    Ok(true)
}

/// Refuses to touch what is there: a store, a journal, HSMs, or another seal than the backup's. What a restore has left that
/// was cut off is removed.
pub(super) async fn expect_nothing(place: &Place, opened: &Opened) -> Result<()> {
    if let Some(found) = found(place)? {
        remove_leftovers(place, &found).await.context("removing what a restore has left that was cut off")?;
    }
    let data = &place.data;
    let store = match &place.store {
        StorePlace::Sqlite(file) => Some(file.clone()),
        StorePlace::Postgres(_) => None,
    };
    let parts = [
        data.journal(),
        data.index(),
        data.metrics(),
        data.log_events(),
        data.hsms(),
        data.server_name(),
        place.objects.clone(),
    ];
    if let Some(there) = parts.into_iter().chain(store).find(|path| path.exists()) {
        bail!(
            "{} is there, and nothing that is there is touched: a backup is restored into an empty place; move it away, or \
             name another folder as [data] dir",
            there.display()
        );
    }
    let slots = place.seal.dir.join(SLOTS);
    match fs::read(&slots) {
        Ok(found) if found != opened.open_part.slots && !opened.fits(&place.seal) => bail!(
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

async fn remove_leftovers(place: &Place, found: &Found) -> Result<()> {
    let data = &place.data;
    for folder in [data.journal(), data.index()].into_iter().chain(found.objects.clone()) {
        absent_is_fine(fs::remove_dir_all(folder))?;
    }
    absent_is_fine(fs::remove_file(data.server_name()))?;
    if let StorePlace::Postgres(_) = &place.store {
        empty(place, &found.number).await?;
    }
    if let StorePlace::Sqlite(file) = &place.store {
        for suffix in ["", "-wal", "-shm"] {
            let mut name = file.as_os_str().to_owned();
            name.push(suffix);
            absent_is_fine(fs::remove_file(PathBuf::from(name)))?;
        }
    }
    if found.has_own_slots {
        absent_is_fine(fs::remove_file(place.seal.dir.join(SLOTS)))?;
    }
    sync(data.path())?;
    // Last: without it nobody would know that the rest is to go.
    fs::remove_file(path(place))?;
    Ok(sync(data.path())?)
}

/// Takes away what a restore of that number has put into a database that was empty before.
async fn empty(place: &Place, number: &[u8]) -> Result<()> {
    let db = open_store(&place.store).await?;
    let unfinished = db.meta_get(UNFINISHED).await.context("reading the store")?;
    if unfinished.is_some_and(|found| found == number) {
        db.remove_tables().await.context("emptying the database")?;
    }
    db.close().await.context("closing the store")
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
        let number = hex::encode(&random::bytes::<16>()?).into_bytes();
        let slots = if kept { KEPT_SLOTS } else { OWN_SLOTS };
        // As it is from everywhere: the next try may be begun in another folder.
        let objects = std::path::absolute(&place.objects).context("naming the folder of objects")?;
        let objects = objects.as_os_str().as_bytes();
        write_private(&path, &[slots, &number, b"\n", objects, b"\n"].concat())?;
        Ok(Self { path, number })
    }

    /// Puts it into the store, together with all rows.
    pub(super) async fn put_into(&self, load: &mut Load) -> Result<(), StoreError> {
        load.meta_set(UNFINISHED, &self.number).await
    }

    /// Takes the mark away: everything is there. First the store's, then the folder's: cut off between them, the next try
    /// [finds](has_ended) that nothing is left to do.
    pub(super) async fn done(self, place: &Place) -> Result<()> {
        let db = open_store(&place.store).await?;
        db.transaction(|tx| {
            let number = &self.number;
            Box::pin(async move {
                tx.meta_put(FINISHED, Some(number)).await?;
                tx.meta_put(UNFINISHED, None).await
            })
        })
        .await
        .context("taking the mark of the restore off the store")?;
        db.close().await.context("closing the store")?;
        remove(&self.path)
    }
}

fn remove(mark: &Path) -> Result<()> {
    let folder = mark.parent().unwrap_or(Path::new("/"));
    fs::remove_file(mark).and_then(|()| sync(folder)).with_context(|| format!("removing {}", mark.display()))
}

fn sync(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

//! A journal that was kept in a folder, moved into the store beside which it lay: from before journals were kept there.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use strongroom_store::{Db, StoreError, Value};

use super::session::failed;
use super::{Rows, statements};
use crate::checkpoint::{Checkpoint, CheckpointStore};
use crate::error::JournalError;
use crate::reader::SegmentId;
use crate::recovery::{self, OpenNote};
use crate::segment::{SegmentContent, sync_dir};
use crate::storage::{Files, Storage};

/// What is compared at a time.
const BLOCK: usize = 64 << 10;
/// Checkpoints that are put in one transaction, a round trip each: far from what a question may take.
const CHECKPOINTS_AT_ONCE: usize = 256;
/// Most folders beside each other that moved journals have left.
const MOST_MOVED: u32 = 1000;
/// What the folder is called once all of it is in the store.
const MOVED: &str = "moved";

/// A journal that was moved.
#[derive(Clone, Debug)]
pub struct MovedIn {
    /// How many segments it had.
    pub segments: u64,
    /// How many checkpoints.
    pub checkpoints: u64,
    /// Where its folder is now. Nothing needs it any more.
    pub folder: PathBuf,
    /// What its end looked like, if there is something to say.
    pub notes: Vec<OpenNote>,
}

/// Moves the journal in `dir`, if there is one, into a store, as that of `server`; it is read there under the same streams
/// and verified against the same checkpoints. The folder gets another name when all of it is there, and is left. A crash in
/// between leaves it to be done again. Nobody writes the journal meanwhile. Blocks on disk and store.
pub fn move_into_store(
    dir: &Path,
    db: &Db,
    server: &str,
    now_ms: i64,
) -> Result<Option<MovedIn>, JournalError> {
    if !dir.is_dir() {
        return Ok(None);
    }
    let files = Files::new(dir);
    let rows = Rows::open(db).map_err(JournalError::io("open", Path::new("the journals in the store")))?;
    let rows = rows.of(server);
    let notes = recovery::recover(&files, now_ms)?.notes;
    let kept = files.checkpoints();
    let (name, mut segments) = (kept.name(), 0);
    // Before anything is moved: another's journal is not mixed with the one that is there.
    let waiting = waiting(&*kept, &rows).map_err(JournalError::io("move", &name))?;
    for stream in files.streams().map_err(JournalError::io("list", dir))?.streams {
        let name = files.name_of_stream(stream);
        for number in files.segments(stream).map_err(JournalError::io("list", &name))?.numbers {
            let id = SegmentId { stream, number };
            move_segment(&files, &rows, id).map_err(JournalError::io("move", &files.name_of(id)))?;
            segments += 1;
        }
    }
    let checkpoints = move_checkpoints(waiting, &rows).map_err(JournalError::io("move", &name))?;
    let folder = put_away(dir).map_err(JournalError::io("rename", dir))?;
    Ok(Some(MovedIn { segments, checkpoints, folder, notes }))
}

fn move_segment(files: &Files, rows: &Rows, id: SegmentId) -> io::Result<()> {
    let content = files.open(id)?;
    rows.pack(id, &content)?;
    if is_the_same(&content, &rows.open(id)?)? {
        Ok(())
    } else {
        Err(io::Error::new(io::ErrorKind::InvalidData, "the segment does not come back from the store"))
    }
}

fn is_the_same(one: &SegmentContent, other: &SegmentContent) -> io::Result<bool> {
    let length = one.length()?;
    if other.length()? != length {
        return Ok(false);
    }
    let (mut expected, mut found) = (vec![0; BLOCK], vec![0; BLOCK]);
    let mut at = 0;
    while at < length {
        let size = (length - at).min(BLOCK as u64) as usize;
        one.read_exact_at(&mut expected[..size], at)?;
        other.read_exact_at(&mut found[..size], at)?;
        if expected[..size] != found[..size] {
            return Ok(false);
        }
        at += size as u64;
    }
    Ok(true)
}

/// Checkpoints that are to be moved: behind how many that are in the store already, of a move that was cut off.
struct Waiting {
    there: usize,
    texts: Vec<String>,
}

fn waiting(files: &dyn CheckpointStore, rows: &Rows) -> io::Result<Waiting> {
    let (kept, there) = (all(files)?, all(&*rows.checkpoints())?);
    if !kept.starts_with(&there) {
        return Err(io::Error::new(
            io::ErrorKind::AlreadyExists,
            "this server has a journal in the store that does not come of the one in the folder; move the folder away",
        ));
    }
    let texts = kept.iter().skip(there.len()).map(Checkpoint::to_string).collect();
    Ok(Waiting { there: there.len(), texts })
}

/// Puts checkpoints into the store, some hundreds at a time, and returns how many there are then. Cut off, it goes on behind
/// those that are there.
fn move_checkpoints(Waiting { there, texts }: Waiting, rows: &Rows) -> io::Result<u64> {
    let chain: Value = rows.chain.as_deref().unwrap_or_default().into();
    let mut count = there;
    for batch in texts.chunks(CHECKPOINTS_AT_ONCE) {
        let first = i64::try_from(count).unwrap_or(i64::MAX).saturating_add(1);
        let placed = (first..).zip(batch).map(|(place, text)| [chain.clone(), place.into(), text.into()]);
        let placed: Vec<_> = placed.collect();
        let put = rows.session.ask(|db| async move {
            db.transaction(|tx| {
                let placed = &placed;
                Box::pin(async move {
                    for values in placed {
                        tx.execute(statements::COPY_CHECKPOINT, values).await?;
                    }
                    Ok::<_, StoreError>(())
                })
            })
            .await
        });
        put.map_err(failed)?;
        count += batch.len();
    }
    Ok(count as u64)
}

fn all(checkpoints: &dyn CheckpointStore) -> io::Result<Vec<Checkpoint>> {
    let mut all = Vec::new();
    for stretch in checkpoints.list()? {
        all.extend(checkpoints.read(stretch)?.checkpoints);
    }
    Ok(all)
}

/// Gives the folder a name under which nobody looks for a journal, and which no other folder has: what an earlier move left,
/// of a restore that was cut off perhaps, stays.
fn put_away(dir: &Path) -> io::Result<PathBuf> {
    let named = |suffix: String| {
        let mut name = dir.as_os_str().to_owned();
        name.push(suffix);
        PathBuf::from(name)
    };
    let first = std::iter::once(named(format!(".{MOVED}")));
    let mut names = first.chain((2..=MOST_MOVED).map(|number| named(format!(".{MOVED}-{number}"))));
    let to = names.find(|name| name.symlink_metadata().is_err()).ok_or(io::ErrorKind::AlreadyExists)?;
    fs::rename(dir, &to)?;
    dir.parent().map_or(Ok(()), sync_dir)?;
    Ok(to)
}

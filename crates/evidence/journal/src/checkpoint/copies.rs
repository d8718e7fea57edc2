//! Copies of checkpoints in other folders: on another disk, another machine, or where files can only be appended to.
//!
//! A copy has what its folder's owner lets it have: nothing is ever taken back from it. Whatever the journal's own
//! checkpoints lost, its copies show.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;

use super::{Checkpoint, CheckpointFiles, CheckpointStore};
use crate::error::JournalError;
use crate::frame::Hash;

/// One folder with a copy.
pub(crate) struct CheckpointCopy {
    files: CheckpointFiles,
    fails: bool,
}

impl CheckpointCopy {
    pub(crate) fn new(dir: PathBuf) -> Self {
        Self { files: CheckpointFiles::new(dir), fails: false }
    }

    /// Brings the copy up to the journal's newest checkpoint, and logs when that begins to fail and when it works
    /// again.
    pub(crate) fn follow(&mut self, journal: &dyn CheckpointStore, newest: &Checkpoint) {
        let folder = self.files.dir().display();
        match self.bring_up(journal, newest) {
            Err(error) if !self.fails => {
                let reason = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
                tracing::error!(%error, reason, %folder, "checkpoints are not copied");
                self.fails = true;
            }
            Ok(()) if self.fails => {
                tracing::info!(%folder, "checkpoints are copied again");
                self.fails = false;
            }
            _ => {}
        }
    }

    fn bring_up(&self, journal: &dyn CheckpointStore, newest: &Checkpoint) -> Result<(), JournalError> {
        let dir = self.files.dir();
        let copied = self.files.newest(&|_| true);
        let copied = copied.map_err(JournalError::io("read the checkpoints in", dir))?;
        let ahead = |copied: &Checkpoint| JournalError::CopyAhead {
            path: dir.to_owned(),
            copy: copied.number,
            journal: newest.number,
        };
        let append = |checkpoint: &Checkpoint| {
            self.files.append(checkpoint).map_err(JournalError::io("write a checkpoint to", dir))
        };
        match &copied {
            Some(copied) if copied == newest => return Ok(()),
            Some(copied) if copied.number >= newest.number => return Err(ahead(copied)),
            Some(copied) if copied.number + 1 == newest.number && copied.hash() == newest.previous => {
                return append(newest);
            }
            Some(_) => {}
            // A folder that is not there may be a disk that is not mounted: nothing is written in its place.
            None => drop(std::fs::read_dir(dir).map_err(JournalError::io("list", dir))?),
        }
        let after = copied.as_ref().map_or(0, |copied| copied.number);
        let name = journal.name();
        let failed = || JournalError::io("read the checkpoints in", &name);
        let Leading { wanted, files } = leading_to(journal, newest, after).map_err(failed())?;
        if let Some(copied) = &copied
            && wanted.get(&after).is_some_and(|hash| *hash != copied.hash())
        {
            return Err(ahead(copied));
        }
        // A file at a time: a copy that begins anew gets all that there are.
        for file in files {
            let mut checkpoints = journal.read(file).map_err(failed())?.checkpoints;
            checkpoints.retain(|one| one.number > after && wanted.get(&one.number) == Some(&one.hash()));
            let append = self.files.append_all(&checkpoints);
            append.map_err(JournalError::io("write checkpoints to", dir))?;
        }
        Ok(())
    }
}

/// The checkpoints that lead to another.
struct Leading {
    /// Their hashes by number, and its own.
    wanted: BTreeMap<u64, Hash>,
    /// The files in which they stand, in order.
    files: Vec<u32>,
}

/// Finds the checkpoints that lead to `newest`, each named by the next one, as far back as `after`: whatever else
/// stands in the files is not the journal's, or what names it is lost. Reads no file before those in which they are.
fn leading_to(journal: &dyn CheckpointStore, newest: &Checkpoint, after: u64) -> io::Result<Leading> {
    let mut leading = Leading { wanted: BTreeMap::from([(newest.number, newest.hash())]), files: Vec::new() };
    let mut next = (newest.number, newest.previous);
    for file in journal.list()?.into_iter().rev() {
        if next.0 <= after {
            break;
        }
        leading.files.insert(0, file);
        for checkpoint in journal.read(file)?.checkpoints.into_iter().rev() {
            if next.0 <= after {
                break;
            }
            let hash = checkpoint.hash();
            if checkpoint.number.checked_add(1) == Some(next.0) && hash == next.1 {
                leading.wanted.insert(checkpoint.number, hash);
                next = (checkpoint.number, checkpoint.previous);
            }
        }
    }
    Ok(leading)
}

//! Copies of checkpoints in other folders: on another disk, another machine, or where files can only be appended to.
//!
//! A copy has what its folder's owner lets it have: nothing is ever taken back from it. Whatever the journal's own
//! checkpoints lost, its copies show.

use std::path::PathBuf;

use super::{Checkpoint, CheckpointFiles};
use crate::error::JournalError;

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
    pub(crate) fn follow(&mut self, journal: &CheckpointFiles, newest: &Checkpoint) {
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

    fn bring_up(&self, journal: &CheckpointFiles, newest: &Checkpoint) -> Result<(), JournalError> {
        let dir = self.files.dir();
        let copied = self.files.newest().map_err(JournalError::io("read the checkpoints in", dir))?;
        let copied = copied.map(|(_, checkpoint)| checkpoint);
        let ahead = |copied: &Checkpoint| JournalError::CopyAhead {
            path: dir.to_owned(),
            copy: copied.number,
            journal: newest.number,
        };
        if let Some(copied) = &copied {
            let fits = match copied.number.cmp(&newest.number) {
                std::cmp::Ordering::Greater => false,
                std::cmp::Ordering::Equal => copied == newest,
                std::cmp::Ordering::Less => {
                    copied.number + 1 < newest.number || copied.hash() == newest.previous
                }
            };
            if !fits {
                return Err(ahead(copied));
            }
        } else {
            // A folder that is not there may be a disk that is not mounted: nothing is written in its place.
            std::fs::read_dir(dir).map_err(JournalError::io("list", dir))?;
        }
        let after = copied.as_ref().map_or(0, |copied| copied.number);
        let reading = || JournalError::io("read the checkpoints in", journal.dir());
        for file in journal.list().map_err(reading())? {
            for checkpoint in journal.read(file).map_err(reading())?.checkpoints {
                if checkpoint.number == after && copied.as_ref() != Some(&checkpoint) {
                    return Err(copied.as_ref().map_or(JournalError::Closed, ahead));
                }
                if checkpoint.number > after {
                    self.files.append(&checkpoint).map_err(JournalError::io("write a checkpoint to", dir))?;
                }
            }
        }
        Ok(())
    }
}

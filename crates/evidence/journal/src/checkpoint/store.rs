//! Where a journal's checkpoints lie: one after the other, in stretches that are read and dropped as a whole.

use std::io;
use std::path::PathBuf;

use super::{Checkpoint, NotACheckpoint};

/// The checkpoints of a journal, or a copy of them.
pub(crate) trait CheckpointStore: Send + Sync {
    /// What errors call it.
    fn name(&self) -> PathBuf;

    /// What errors call one stretch.
    fn name_of(&self, stretch: u32) -> PathBuf;

    /// The numbers of the stretches that are there, in order.
    fn list(&self) -> io::Result<Vec<u32>>;

    /// Reads one stretch; fails as [`io::ErrorKind::NotFound`] if it is not there.
    fn read(&self, stretch: u32) -> io::Result<Stretch>;

    /// Cuts off what a crash left of a checkpoint at the very end. Damage stays as it is.
    fn recover(&self) -> io::Result<()>;

    /// Writes checkpoints behind the last and makes them durable. After an error it may be tried again with those that
    /// are not there yet; one that is the last already is not written twice.
    fn append_all(&self, checkpoints: &[Checkpoint]) -> io::Result<()>;

    /// Removes the stretches whose checkpoints all come before this one.
    fn remove_before(&self, checkpoint: u64) -> io::Result<()>;

    /// Writes a checkpoint behind the last and makes it durable. After an error it may be there or not; tried again with the
    /// same one, it is there once.
    fn append(&self, checkpoint: &Checkpoint) -> io::Result<()> {
        self.append_all(std::slice::from_ref(checkpoint))
    }

    /// Finds the newest checkpoint that is believed, wherever it stands in the newest stretch that has such a one.
    fn newest(&self, believed: &dyn Fn(&Checkpoint) -> bool) -> io::Result<Option<Checkpoint>> {
        for number in self.list()?.into_iter().rev() {
            let mut checkpoints = self.read(number)?.checkpoints;
            // Somebody may have repeated an old one behind the newest.
            checkpoints.sort_by_key(|checkpoint| checkpoint.number);
            if let Some(newest) = checkpoints.into_iter().rev().find(|checkpoint| believed(checkpoint)) {
                return Ok(Some(newest));
            }
        }
        Ok(None)
    }
}

/// Checkpoints that stand together.
pub(crate) struct Stretch {
    pub(crate) checkpoints: Vec<Checkpoint>,
    /// Where something begins that is no checkpoint, and what it is taken for.
    pub(crate) broken: Option<(u64, Broken)>,
}

/// What stands where a checkpoint should.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Broken {
    /// One whose writing was cut short, and nothing behind it.
    Torn,
    /// Something that is none; what stands behind it is not read.
    Not(NotACheckpoint),
}

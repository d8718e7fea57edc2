//! Keeping the index: behind the journal, a little at a time.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::time::Duration;

use strongroom_journal::{JournalError, Segment, SegmentId, StreamId};
use strongroom_runtime::Shutdown;

use crate::catalog::{Catalog, State};
use crate::file::{self, IndexFile};
use crate::history::{History, HistoryError, Shared, Whole};
use crate::tail::Tail;

/// How often the index is brought up to date. What is newer is read by lookups themselves.
const PAUSE: Duration = Duration::from_secs(1);
/// Between two segments that waited for their index, so that calls get most of the processor.
const BREATH: Duration = Duration::from_millis(50);
/// After an index could not be written.
const AFTER_FAILURE: Duration = Duration::from_mins(1);
/// Indexes found on the disk that are checked at a time.
const CHECKED_AT_ONCE: u32 = 64;
/// Each so many rounds, indexes of segments that are gone are removed.
const ROUNDS_BETWEEN_SWEEPS: u32 = 60;

impl History {
    /// Keeps the index until the shutdown begins.
    pub async fn follow(self, shutdown: Shutdown) {
        let begun = shutdown.begun();
        tokio::pin!(begun);
        let (mut pause, mut round) = (PAUSE, 0_u32);
        loop {
            tokio::select! {
                () = begun.as_mut() => return,
                () = tokio::time::sleep(pause) => {}
            }
            let history = self.clone();
            let sweeps = round.is_multiple_of(ROUNDS_BETWEEN_SWEEPS);
            // Reading and writing block on the disk.
            let advanced = tokio::task::spawn_blocking(move || {
                if sweeps {
                    history.whole.sweep()?;
                }
                history.whole.advance()
            });
            pause = match advanced.await {
                Ok(Ok(true)) => BREATH,
                Ok(Ok(false)) => PAUSE,
                Ok(Err(error)) => {
                    tracing::warn!(
                        error = &error as &dyn std::error::Error,
                        "the journal's index lags behind"
                    );
                    AFTER_FAILURE
                }
                // The runtime is ending.
                Err(_) => return,
            };
            round = round.wrapping_add(1);
        }
    }

    /// Brings the index up to date at once, and removes what is left over. Blocks on the disk.
    pub fn catch_up(&self) -> Result<(), HistoryError> {
        self.whole.sweep()?;
        while self.whole.advance()? {}
        Ok(())
    }
}

impl Whole {
    /// Takes the next step in each chain; tells whether more segments wait for their index.
    fn advance(&self) -> Result<bool, HistoryError> {
        let mut more = false;
        for chain in self.chains()? {
            more |= chain.advance()?;
        }
        Ok(more)
    }

    /// Removes what lies in the folder and is no index of a segment that is there.
    fn sweep(&self) -> Result<(), HistoryError> {
        let chains = self.chains()?;
        chains.iter().try_for_each(|chain| chain.list())?;
        let is_there = |id| chains.iter().any(|chain| chain.with_catalog(|catalog| catalog.has(id)));
        self.sweep_folder(is_there).or_else(|error| match error.kind() {
            // Nothing was ever indexed.
            io::ErrorKind::NotFound => Ok(()),
            _ => Err(self.unwritten(error)),
        })
    }

    fn sweep_folder(&self, is_there: impl Fn(SegmentId) -> bool) -> io::Result<()> {
        for entry in fs::read_dir(&self.folder)? {
            let entry = entry?;
            let stream = entry.file_name().to_str().and_then(|name| name.parse::<StreamId>().ok());
            let Some(stream) = stream.filter(|_| entry.path().is_dir()) else { continue };
            let mut left = 0;
            for file in fs::read_dir(entry.path())? {
                let file = file?.path();
                if file.is_dir() {
                    // None of ours.
                    left += 1;
                    continue;
                }
                let number = file.file_stem().and_then(OsStr::to_str).and_then(|name| name.parse().ok());
                let id = number.map(|number| SegmentId { stream, number });
                if id.is_some_and(|id| file == file::path(&self.folder, id) && is_there(id)) {
                    left += 1;
                } else {
                    fs::remove_file(&file)?;
                }
            }
            if left == 0 {
                fs::remove_dir(entry.path())?;
            }
        }
        Ok(())
    }
}

impl Shared {
    /// Takes the next step; tells whether more segments wait for their index.
    fn advance(&self) -> Result<bool, HistoryError> {
        self.refresh()?;
        self.follow_open_segment()?;
        for _ in 0..CHECKED_AT_ONCE {
            let Some(id) = self.with_catalog(Catalog::waiting) else { return Ok(false) };
            if !self.find_index(id) {
                self.make_index(id)?;
                break;
            }
        }
        Ok(self.with_catalog(Catalog::waiting).is_some())
    }

    /// Takes in what was written since, and writes the index of a segment that was closed.
    fn follow_open_segment(&self) -> Result<(), HistoryError> {
        let followed = self.tail().as_ref().map(|tail| tail.id);
        let open = self.with_catalog(Catalog::open);
        if let Some(id) = followed.filter(|&id| Some(id) != open) {
            if let Some(segment) = self.journal().segment(id)? {
                self.catch_up_tail(&segment)?;
                let mut tail = self.tail();
                let written = tail.as_ref().map(|tail| self.write(&segment, tail));
                // Also if it could not be written: the segment waits then, like any other.
                *tail = None;
                written.transpose()?;
            } else {
                *self.tail() = None;
            }
        }
        let Some(id) = open else { return Ok(()) };
        let Some(segment) = self.journal().segment(id)? else { return Ok(()) };
        self.tail().get_or_insert_with(|| Tail::new(id));
        self.catch_up_tail(&segment)?;
        Ok(())
    }

    fn catch_up_tail(&self, segment: &Segment) -> Result<(), JournalError> {
        loop {
            // Lookups get their turn in between.
            let mut tail = self.tail();
            let Some(tail) = tail.as_mut().filter(|tail| tail.id == segment.id()) else { return Ok(()) };
            if !tail.catch_up(segment)? {
                return Ok(());
            }
        }
    }

    /// Finds the index of a segment on the disk; tells whether it is there and as it was written.
    fn find_index(&self, id: SegmentId) -> bool {
        let found = IndexFile::check(&file::path(&self.folder, id), &self.key);
        let found = found.ok().filter(|(head, _)| head.id == id);
        if let Some((head, length)) = found {
            self.change_catalog(|catalog| catalog.set(id, State::Indexed(head, length)));
        }
        found.is_some()
    }

    /// Has the index of a segment made anew.
    pub(crate) fn forget_index(&self, id: SegmentId) {
        // Or it would be found again. If it cannot be removed, each lookup finds out anew that it does not fit.
        let _ = fs::remove_file(file::path(&self.folder, id));
        self.change_catalog(|catalog| catalog.set(id, State::Waiting));
    }

    /// Makes the index of a closed segment.
    fn make_index(&self, id: SegmentId) -> Result<(), HistoryError> {
        let Some(segment) = self.journal().segment(id)? else {
            // It was dropped meanwhile.
            self.list()?;
            return Ok(());
        };
        let mut tail = Tail::new(id);
        while tail.catch_up(&segment)? {}
        self.write(&segment, &tail)
    }

    fn write(&self, segment: &Segment, tail: &Tail) -> Result<(), HistoryError> {
        let id = segment.id();
        let written = self
            .make_folder(id.stream)
            .and_then(|()| file::write(&file::path(&self.folder, id), segment, &tail.draft, &self.key));
        let (head, length) = written.map_err(|error| self.unwritten(error))?;
        self.change_catalog(|catalog| catalog.set(id, State::Indexed(head, length)));
        Ok(())
    }
}

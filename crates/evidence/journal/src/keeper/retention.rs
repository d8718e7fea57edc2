//! Retention: segments go when all of their records are older than is kept.
//!
//! Whole segments, oldest first. A signed checkpoint says where the journal begins from then on, and is on the disk
//! before the first file goes; so verification neither misses what was dropped nor takes for dropped what somebody
//! removed. A crash in between leaves files that the next start removes.

use std::io;
use std::time::Duration;

use super::Keeper;
use crate::checkpoint::{Beginning, Checkpoint, Statement};
use crate::error::JournalError;
use crate::segment::SegmentHeader;
use crate::storage::Storage;
use crate::stream::Position;

/// Most segments that are dropped at once: some seconds' work.
const MOST_AT_ONCE: u64 = 256;
/// How long files stay for a copy that has not yet been told that they go. One that hangs keeps nothing.
const COPIES_WAIT: Duration = Duration::from_secs(2);

/// What was dropped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retired {
    /// How many segments went.
    pub segments: u64,
    /// Where the journal begins now.
    pub begins: Beginning,
    /// The checkpoint that says so.
    pub checkpoint: u64,
}

impl Keeper {
    /// Drops the segments whose records all have an event time before `older_than_ms` (domain time, milliseconds since
    /// 1970 UTC) and come before `may_drop_before`, if that is given: what is still to be delivered or read elsewhere
    /// begins there. None if there is none, or while somebody [holds](Keeper::holds) the files. The last segment stays; of
    /// very many the rest goes the next time. Up to when a clock is to be believed, a [`Horizon`](crate::Horizon) tells.
    pub fn retire(
        &mut self,
        now_ms: i64,
        older_than_ms: i64,
        may_drop_before: Option<Position>,
    ) -> Result<Option<Retired>, JournalError> {
        let holds = self.holds.clone();
        let Some(_step) = holds.begin_step() else { return Ok(None) };
        self.settle()?;
        let Some((segments, mut begins)) = self.first_to_keep(older_than_ms, may_drop_before)? else {
            return Ok(None);
        };
        begins.checkpoint = self.first_checkpoint_to_keep(older_than_ms)?;
        let heads = self.flushed_heads()?;
        let statement = Statement { begins: Some(begins), ..self.statement(now_ms, heads) };
        let checkpoint = self.sign(statement)?.number;
        self.wait_for_copies(COPIES_WAIT);
        self.finish_retirement()?;
        Ok(Some(Retired { segments, begins, checkpoint }))
    }

    /// Finds the first segment that stays, and how many there are before it; none if there are none.
    fn first_to_keep(
        &self,
        older_than_ms: i64,
        may_drop_before: Option<Position>,
    ) -> Result<Option<(u64, Beginning)>, JournalError> {
        let mut found = None;
        for (before, listed) in (0..).zip(self.reader.segments()?) {
            let sealed = self.storage.open(listed.id).and_then(|content| SegmentHeader::read(&content));
            let sealed = sealed.map_err(JournalError::io("read", &self.storage.name_of(listed.id)))?;
            // What follows a damaged header may still be told by the next one.
            let Ok(sealed) = sealed else { continue };
            let header = sealed.header;
            let start = Position { stream: listed.id.stream, record: header.first_record };
            let wanted = may_drop_before.is_some_and(|limit| start > limit);
            // It tells of all segments before it, so that none further on can be older.
            if header.newest_before_ms >= older_than_ms || wanted || before > MOST_AT_ONCE {
                break;
            }
            let (frame, record) = (header.first_frame, header.first_record);
            let begins = Beginning { segment: listed.id, frame, record, header: sealed.hash, checkpoint: 0 };
            found = Some((before, begins)).filter(|(before, _)| *before > 0);
        }
        Ok(found)
    }

    /// The first checkpoint of the oldest file that still has one of the time that is kept.
    fn first_checkpoint_to_keep(&self, older_than_ms: i64) -> Result<u64, JournalError> {
        let name = self.checkpoints.name();
        let failed = || JournalError::io("read the checkpoints in", &name);
        for file in self.checkpoints.list().map_err(failed())? {
            let checkpoints = self.checkpoints.read(file).map_err(failed())?.checkpoints;
            let is_kept = |one: &Checkpoint| one.time_ms >= older_than_ms && self.believed.has_signed(one);
            if checkpoints.iter().rev().any(is_kept)
                && let Some(first) = checkpoints.iter().find(|one| self.believed.has_signed(one))
            {
                return Ok(first.number);
            }
        }
        Ok(self.newest.as_ref().map_or(1, |newest| newest.number + 1))
    }

    /// Removes what stands before the beginning that the newest checkpoint names.
    pub(super) fn finish_retirement(&self) -> Result<(), JournalError> {
        let Some(Checkpoint { begins: Some(begins), .. }) = &self.newest else { return Ok(()) };
        let first = begins.segment;
        // Servers with one seal sign with one key: what another journal's checkpoint says is not this one's beginning.
        let name = self.storage.name_of_stream(first.stream);
        if !is_there(&*self.storage, begins).map_err(JournalError::io("read", &name))? {
            tracing::error!(
                stream = %first.stream,
                segment = first.number,
                "the segment that the journal begins with, as its newest checkpoint says, is not there: nothing is \
                 removed; `strongroom audit verify` tells more"
            );
            return Ok(());
        }
        for stream in self.reader.streams()?.into_iter().filter(|&stream| stream <= first.stream) {
            self.storage
                .remove_segments(stream, first.number, stream < first.stream)
                .map_err(JournalError::io("remove from", &self.storage.name_of_stream(stream)))?;
        }
        self.storage.removed().map_err(JournalError::io("flush", &self.storage.name()))?;
        self.checkpoints
            .remove_before(begins.checkpoint)
            .map_err(JournalError::io("remove old checkpoints from", &self.checkpoints.name()))
    }
}

/// Tells whether a journal has the segment that a checkpoint says it begins with.
fn is_there(journal: &dyn Storage, begins: &Beginning) -> io::Result<bool> {
    let content = match journal.open(begins.segment) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        opened => opened?,
    };
    Ok(SegmentHeader::read(&content)?.is_ok_and(|sealed| sealed.hash == begins.header))
}

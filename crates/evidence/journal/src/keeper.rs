//! Keeping what was written: checkpoints over it, compression of what is closed, and its end when its time is up.
//!
//! One [`Keeper`] belongs to one open journal. It has no thread and no clock of its own: whoever runs the server calls
//! it from time to time, on a thread that may block.

mod believed;
mod gone;
mod hold;
mod horizon;
mod retention;

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::checkpoint::{Checkpoint, CheckpointKey, CheckpointStore, Copying, Head, Statement};
use crate::error::JournalError;
use crate::reader::{Reader, SegmentId};
use crate::segment::SegmentHeader;
use crate::storage::Storage;
use crate::stream::StreamId;
use crate::walk::{Skim, Walk};
use crate::writer::Durable;

use believed::Believed;
pub use hold::{Hold, Holds};
pub use horizon::{Horizon, Old};
pub use retention::Retired;

/// Keeps a journal that is being written.
pub struct Keeper {
    storage: Arc<dyn Storage>,
    reader: Reader,
    /// How far the journal is; none of one that nobody writes any more.
    durable: Option<Arc<Durable>>,
    key: CheckpointKey,
    checkpoints: Arc<dyn CheckpointStore>,
    copies: Vec<Copying>,
    /// The newest checkpoint that one of these keys signed.
    newest: Option<Checkpoint>,
    /// One that could not be written, as far as is known: it may be there all the same. No other gets its number.
    unsure: Option<Checkpoint>,
    believed: Believed,
    /// Number of the newest that nobody whom the seal knows has signed, if it comes after that.
    foreign: Option<u64>,
    /// All segments before this one are compressed.
    compressed_before: Option<SegmentId>,
    holds: Holds,
}

/// How a journal is kept.
pub struct KeeperOptions {
    /// Signs checkpoints.
    pub key: CheckpointKey,
    /// The keys of earlier epochs that are still there. Checkpoints by other keys than these are not the journal's, and
    /// the one that signed the newest hands over to the new key.
    pub keys_before: Vec<CheckpointKey>,
    /// Folders that have a copy of all checkpoints.
    pub copies: Vec<PathBuf>,
}

/// Something that does not fit between a journal and its newest checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MissingEnd {
    /// The checkpoint's number.
    pub checkpoint: u64,
    /// The stream whose end is missing, or all of it.
    pub stream: StreamId,
    /// How many frames it had.
    pub frames: u64,
    /// How many are there.
    pub found: u64,
}

/// A segment that was compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Compressed {
    /// Which.
    pub segment: SegmentId,
    /// Its length, in bytes.
    pub bytes: u64,
    /// The length of its file now.
    pub compressed_bytes: u64,
}

/// The parts of an open journal that its keeper works on.
pub(crate) struct Kept {
    pub(crate) storage: Arc<dyn Storage>,
    /// The writing journal's own: it knows which segment is the last.
    pub(crate) reader: Reader,
    pub(crate) durable: Option<Arc<Durable>>,
}

impl Keeper {
    /// Takes a journal's checkpoints up where they were left, and finishes what a crash left undone.
    pub(crate) fn open(kept: Kept, options: KeeperOptions, now_ms: i64) -> Result<Self, JournalError> {
        let Kept { storage, reader, durable } = kept;
        let checkpoints = storage.checkpoints();
        let name = checkpoints.name();
        let failed = || JournalError::io("read the checkpoints in", &name);
        checkpoints.recover().map_err(failed())?;
        let believed = Believed::new(&options);
        let newest = believed.newest(&*checkpoints).map_err(failed())?;
        let last = checkpoints.newest(&|_| true).map_err(failed())?;
        let foreign = last.filter(|last| newest.as_ref() != Some(last)).map(|last| last.number);
        let copies = options.copies.into_iter().map(|copy| Copying::start(checkpoints.clone(), copy));
        let copies = copies.collect::<io::Result<_>>().map_err(JournalError::io("start to copy", &name))?;
        let holds = Holds::default();
        let mut keeper = Self {
            storage,
            reader,
            durable,
            key: options.key,
            checkpoints,
            copies,
            newest,
            unsure: None,
            believed,
            foreign,
            compressed_before: None,
            holds,
        };
        keeper.remove_unfinished()?;
        keeper.finish_retirement()?;
        let signer =
            keeper.newest.as_ref().map(|newest| newest.next_key.unwrap_or((newest.key_epoch, newest.key)));
        let mut before = options.keys_before.iter();
        if let Some(before) = before.find(|key| signer == Some((key.epoch, *key.key.public_key()))) {
            keeper.take_over_from(before, now_ms)?;
        }
        Ok(keeper)
    }

    /// Signs how far the journal is, and writes that down, here and in the copies; none if nothing was written since
    /// the last time. What the checkpoint names is on the disk before it is; the copies [follow](Self::wait_for_copies).
    pub fn checkpoint(&mut self, now_ms: i64) -> Result<Option<Checkpoint>, JournalError> {
        self.settle()?;
        let heads = self.flushed_heads()?;
        if let Some(newest) = self.newest.as_ref().filter(|newest| newest.heads == heads) {
            self.copies.iter().for_each(|copy| copy.tell(newest));
            return Ok(None);
        }
        let begins = self.newest.as_ref().and_then(|newest| newest.begins);
        self.sign(Statement { begins, ..self.statement(now_ms, heads) }).map(Some)
    }

    /// Waits until the copies have what was signed, or could not be brought up to it, `limit` for each at the most. Tells
    /// whether it came to that: a folder that hangs is not waited for longer.
    pub fn wait_for_copies(&self, limit: Duration) -> bool {
        // Each of them, whatever became of the others.
        self.copies.iter().filter(|copy| !copy.wait(limit)).count() == 0
    }

    /// The epoch of the key that signs.
    pub fn key_epoch(&self) -> u32 {
        self.key.epoch
    }

    /// The newest checkpoint that a key of the journal's signed, if there is one.
    pub fn newest(&self) -> Option<&Checkpoint> {
        self.newest.as_ref()
    }

    /// The number of a checkpoint that stood behind that when the keeper was opened, and that no key of the journal's has
    /// signed: somebody else wrote it, and nothing that it says counts. What is signed next does not name it.
    pub fn foreign_checkpoint(&self) -> Option<u64> {
        self.foreign
    }

    /// Tells what the newest checkpoint saw and is not there any more: somebody cut it off, or put an older copy of the
    /// journal in place. To be asked at the start.
    pub fn missing_end(&self) -> Result<Option<MissingEnd>, JournalError> {
        let Some(newest) = &self.newest else { return Ok(None) };
        for &Head { stream, frames, .. } in &newest.heads {
            let name = self.storage.name_of_stream(stream);
            let found = frames_in(&*self.storage, stream).map_err(JournalError::io("read", &name))?;
            if found < frames {
                return Ok(Some(MissingEnd { checkpoint: newest.number, stream, frames, found }));
            }
        }
        Ok(None)
    }

    /// Signs with another key from now on. The old one says so in a checkpoint of its own; if that cannot be written, the
    /// old one stays.
    pub fn change_key(&mut self, key: CheckpointKey, now_ms: i64) -> Result<(), JournalError> {
        let before = std::mem::replace(&mut self.key, key);
        if let Err(error) = self.take_over_from(&before, now_ms) {
            self.key = before;
            return Err(error);
        }
        self.believed.add(&self.key);
        Ok(())
    }

    fn take_over_from(&mut self, before: &CheckpointKey, now_ms: i64) -> Result<(), JournalError> {
        self.settle()?;
        let Some(newest) = &self.newest else { return Ok(()) };
        let next = *self.key.key.public_key();
        let (_, signer) = newest.next_key.unwrap_or((newest.key_epoch, newest.key));
        if signer == next || signer != *before.key.public_key() {
            return Ok(());
        }
        let (begins, heads) = (newest.begins, newest.heads.clone());
        let next_key = Some((self.key.epoch, next));
        let statement = Statement { begins, next_key, ..self.statement(now_ms, heads) };
        let checkpoint = before.sign(statement).map_err(io::Error::other);
        let checkpoint =
            checkpoint.map_err(JournalError::io("sign a checkpoint in", &self.checkpoints.name()))?;
        self.write(checkpoint)?;
        Ok(())
    }

    /// What the next checkpoint says, as far as every one does.
    fn statement(&self, now_ms: i64, heads: Vec<Head>) -> Statement {
        let newest = self.newest.as_ref();
        Statement {
            number: newest.map_or(1, |newest| newest.number.saturating_add(1)),
            time_ms: now_ms,
            previous: newest.map_or([0; 32], Checkpoint::hash),
            begins: None,
            next_key: None,
            heads,
        }
    }

    fn sign(&mut self, statement: Statement) -> Result<Checkpoint, JournalError> {
        let own = (self.key.epoch, *self.key.key.public_key());
        if self.newest.as_ref().and_then(|newest| newest.next_key).is_some_and(|next| next != own) {
            // It was not known whether that had been written.
            let handed_over =
                io::Error::other("the newest checkpoint hands over to another key than this one");
            return Err(JournalError::io("sign a checkpoint in", &self.checkpoints.name())(handed_over));
        }
        let signed = self.key.sign(statement).map_err(io::Error::other);
        self.write(signed.map_err(JournalError::io("sign a checkpoint in", &self.checkpoints.name()))?)
    }

    /// Writes the checkpoint of which it is not known whether it is there, if there is such a one, unless it is there. Of two
    /// with one number, each under the journal's own signature, one would have to be taken for forged.
    fn settle(&mut self) -> Result<(), JournalError> {
        self.unsure.clone().map_or(Ok(()), |unsure| self.write(unsure).map(drop))
    }

    fn write(&mut self, checkpoint: Checkpoint) -> Result<Checkpoint, JournalError> {
        self.unsure = Some(checkpoint.clone());
        self.checkpoints
            .append(&checkpoint)
            .map_err(JournalError::io("write a checkpoint to", &self.checkpoints.name()))?;
        self.unsure = None;
        self.copies.iter().for_each(|copy| copy.tell(&checkpoint));
        self.newest = Some(checkpoint.clone());
        Ok(checkpoint)
    }

    /// How far the stream is that is being written; all of it is on the disk. Of a journal that nobody writes any more, what
    /// its server signed last: nobody else knows what it has written.
    fn flushed_heads(&self) -> Result<Vec<Head>, JournalError> {
        let Some(durable) = &self.durable else {
            return Ok(self.newest.as_ref().map(|newest| newest.heads.clone()).unwrap_or_default());
        };
        let end = durable.end();
        let id = SegmentId { stream: end.stream, number: end.segment };
        self.storage.flush(id).map_err(JournalError::io("flush", &self.storage.name_of(id)))?;
        Ok(vec![Head { stream: end.stream, frames: end.frames, records: end.records, hash: end.hash }])
    }

    /// Compresses the oldest closed segment that is not yet compressed; none if there is none, or while somebody
    /// [holds](Keeper::holds) the files. Blocks on the disk for as long as one segment takes: well under a second.
    pub fn compress_next(&mut self) -> Result<Option<Compressed>, JournalError> {
        let holds = self.holds.clone();
        let Some(_step) = holds.begin_step() else { return Ok(None) };
        for listed in self.reader.segments()? {
            let id = listed.id;
            if !listed.is_closed || self.compressed_before.is_some_and(|before| id < before) {
                continue;
            }
            let compressed = self.storage.compress(id);
            let compressed = compressed.map_err(JournalError::io("compress", &self.storage.name_of(id)))?;
            if let Some((bytes, compressed_bytes)) = compressed {
                return Ok(Some(Compressed { segment: id, bytes, compressed_bytes }));
            }
            self.compressed_before = Some(id);
        }
        Ok(None)
    }

    /// By which others keep files from being compressed or removed for a while.
    pub fn holds(&self) -> Holds {
        self.holds.clone()
    }

    /// Removes what a crash left of segments that were being compressed.
    fn remove_unfinished(&self) -> Result<(), JournalError> {
        let current = self.durable.as_ref().map(|durable| durable.end().stream);
        for stream in self.reader.streams()?.into_iter().filter(|&stream| Some(stream) != current) {
            let tidied = self.storage.segments(stream).and_then(|listed| {
                if listed.unfinished.is_empty() { Ok(()) } else { self.storage.tidy_stream(stream, &listed) }
            });
            tidied.map_err(JournalError::io("clean up", &self.storage.name_of_stream(stream)))?;
        }
        Ok(())
    }
}

/// Counts the frames of a stream by the last segment that is there.
fn frames_in(journal: &dyn Storage, stream: StreamId) -> io::Result<u64> {
    let missing = |error: &io::Error| error.kind() == io::ErrorKind::NotFound;
    let last = match journal.segments(stream) {
        Err(error) if missing(&error) => return Ok(0),
        listed => listed?.numbers.pop(),
    };
    let Some(number) = last else { return Ok(0) };
    let content = journal.open(SegmentId { stream, number })?;
    let Ok(sealed) = SegmentHeader::read(&content)? else { return Ok(0) };
    let mut frames = sealed.header.first_frame;
    let mut walk = Walk::new(&content, None)?;
    loop {
        match walk.skim()? {
            Skim::Frame { header, .. } => frames = header.sequence.saturating_add(1),
            Skim::Damaged { .. } => {}
            Skim::End => return Ok(frames),
        }
    }
}

//! Recovery: what opening a journal does to the stream that the last start left.
//!
//! It drops an incomplete last frame, which was acknowledged to nobody, and cuts the preallocated tail off.
//! Damage stays as it is, and so does everything behind it. Only the newest stream can need this: a stream is begun after the one before it was
//! recovered.

use std::fmt;
use std::io;

use crate::error::JournalError;
use crate::frame::{FrameFault, Hash};
use crate::journal::Durability;
use crate::reader::SegmentId;
use crate::segment::{HeaderFault, Predecessor, SegmentHeader};
use crate::storage::Storage;
use crate::stream::StreamId;
use crate::walk::{Damage, Step, Walk};

/// Something worth knowing about the stream before.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OpenNote {
    /// A frame whose writing a crash cut short was dropped. Nobody was told that its records were written.
    TornFrame {
        /// The stream.
        stream: StreamId,
        /// The segment's number.
        segment: u32,
        /// Where the frame began, and where the segment now ends.
        offset: u64,
    },
    /// The end of the stream is damaged. It was left as it is.
    Damaged {
        /// The stream.
        stream: StreamId,
        /// The segment's number.
        segment: u32,
        /// Where the damage begins.
        offset: u64,
        /// What is wrong there.
        fault: FrameFault,
    },
    /// Not all that was written reached the disk before the machine stopped, in a stream whose records counted once they were
    /// [written](crate::Durability::Written). What there is was left as it is.
    Unflushed {
        /// The stream.
        stream: StreamId,
        /// The segment's number.
        segment: u32,
        /// From where on something is missing.
        offset: u64,
    },
    /// The head of the stream's last segment is damaged. It was left as it is.
    DamagedHeader {
        /// The stream.
        stream: StreamId,
        /// The segment's number.
        segment: u32,
        /// What is wrong with it.
        fault: HeaderFault,
    },
}

impl fmt::Display for OpenNote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TornFrame { stream, segment, offset } => {
                write!(
                    f,
                    "stream {stream}, segment {segment}: dropped an incomplete last frame at byte {offset}"
                )
            }
            Self::Damaged { stream, segment, offset, fault } => {
                write!(f, "stream {stream}, segment {segment}, byte {offset}: {fault}; left as it is")
            }
            Self::Unflushed { stream, segment, offset } => {
                write!(
                    f,
                    "stream {stream}, segment {segment}, byte {offset}: not all that was written from here on reached the \
                     disk before the machine stopped; records count once they are `written` here. Left as it is"
                )
            }
            Self::DamagedHeader { stream, segment, fault } => {
                write!(f, "stream {stream}, segment {segment}: {fault}; left as it is")
            }
        }
    }
}

/// What a new stream continues.
pub(crate) struct Before {
    pub(crate) last: Option<StreamId>,
    pub(crate) predecessor: Option<Predecessor>,
    /// Greatest event time so far.
    pub(crate) newest_ms: i64,
    pub(crate) notes: Vec<OpenNote>,
}

/// Recovers the newest stream of a journal.
///
/// `now_ms` stands for the greatest event time where damage hides it: no record is younger.
pub(crate) fn recover(journal: &dyn Storage, now_ms: i64) -> Result<Before, JournalError> {
    let name = journal.name();
    journal.tidy().map_err(JournalError::io("clear", &name))?;
    let mut streams = journal.streams().map_err(JournalError::io("list", &name))?.streams;
    let last = streams.last().copied();
    while let Some(stream) = streams.pop() {
        let found = recover_stream(journal, stream);
        let found = found.map_err(JournalError::io("recover", &journal.name_of_stream(stream)))?;
        let Some(Recovered { end, note }) = found else { continue };
        let newest_ms = end.map_or(now_ms, |end| end.newest_ms);
        let predecessor = Some(Predecessor { stream, end: end.map(|end| (end.frames, end.hash)) });
        return Ok(Before { last, predecessor, newest_ms, notes: note.into_iter().collect() });
    }
    Ok(Before { last, predecessor: None, newest_ms: i64::MIN, notes: Vec::new() })
}

/// How one stream ended.
struct Recovered {
    /// None behind damage.
    end: Option<StreamEnd>,
    note: Option<OpenNote>,
}

#[derive(Clone, Copy)]
struct StreamEnd {
    frames: u64,
    hash: Hash,
    newest_ms: i64,
}

/// Recovers one stream; one that was never begun is removed.
fn recover_stream(journal: &dyn Storage, stream: StreamId) -> io::Result<Option<Recovered>> {
    let segments = journal.segments(stream)?;
    journal.tidy_stream(stream, &segments)?;
    let Some(&segment) = segments.numbers.last() else { return Ok(None) };
    let id = SegmentId { stream, number: segment };
    let content = journal.open(id)?;
    let sealed = match SegmentHeader::read(&content)? {
        Ok(sealed) => sealed,
        Err(fault) => {
            let note = Some(OpenNote::DamagedHeader { stream, segment, fault });
            return Ok(Some(Recovered { end: None, note }));
        }
    };
    let mut end = StreamEnd {
        frames: sealed.header.first_frame,
        hash: sealed.hash,
        newest_ms: sealed.header.newest_before_ms,
    };
    let unflushed = sealed.header.durability == Durability::Written;
    let mut note = None;
    let mut walk = Walk::new(&content, None)?;
    loop {
        let (offset, fault) = match walk.step()? {
            Step::Frame { offset, frame } => {
                let header = &frame.header;
                if header.sequence == end.frames && header.previous == end.hash {
                    if !frame.is_marked() && note.is_none() {
                        // Whole all the same: the new stream counts it, and its removal would show.
                        let fault = FrameFault::EndMark;
                        note = Some(OpenNote::Damaged { stream, segment, offset, fault });
                    }
                    end.frames += 1;
                    end.hash = frame.hash();
                    if header.count > 0 {
                        end.newest_ms = end.newest_ms.max(header.newest_ms);
                    }
                    continue;
                }
                (offset, FrameFault::Chain)
            }
            Step::End { offset } => {
                if note.is_none() {
                    journal.cut(id, offset)?;
                }
                return Ok(Some(Recovered { end: Some(end), note }));
            }
            Step::Torn { offset } => {
                if note.is_none() {
                    journal.cut(id, offset)?;
                    note = Some(OpenNote::TornFrame { stream, segment, offset });
                }
                return Ok(Some(Recovered { end: Some(end), note }));
            }
            Step::Damaged(Damage { offset, lacks_sectors: true, .. }) if unflushed => {
                let note = note.or(Some(OpenNote::Unflushed { stream, segment, offset }));
                return Ok(Some(Recovered { end: None, note }));
            }
            Step::Damaged(damage) => (damage.offset, damage.fault),
        };
        let note = note.or(Some(OpenNote::Damaged { stream, segment, offset, fault }));
        return Ok(Some(Recovered { end: None, note }));
    }
}

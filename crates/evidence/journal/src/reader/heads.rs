//! Frames by their heads: where they are and what they hold, without the records.

use super::Reader;
use super::sealed::SealedFrame;
use super::segment_reader::{Segment, SegmentId};
use crate::error::JournalError;
use crate::frame::FrameHeader;
use crate::storage::ChainEnd;
use crate::stream::StreamId;
use crate::walk::{Skim, Step, Walk};

/// What the disk reads, at most, where a frame's header is read.
const PAGE: u64 = 4096;

/// What a frame's head says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameHead {
    /// Where in its segment the frame begins.
    pub offset: u64,
    /// The frame's length in bytes.
    pub length: u32,
    /// The number of its first record in the stream.
    pub first_record: u64,
    /// How many records it holds.
    pub count: u32,
    /// Event times of its oldest and its newest record, milliseconds since 1970 UTC.
    pub oldest_ms: i64,
    /// See there.
    pub newest_ms: i64,
}

impl FrameHead {
    fn of(offset: u64, header: &FrameHeader) -> Self {
        let &FrameHeader { length, count, first_record, oldest_ms, newest_ms, .. } = header;
        Self { offset, length, first_record, count, oldest_ms, newest_ms }
    }
}

/// The frames of a segment by their heads.
#[derive(Clone, Debug, Default)]
pub struct Heads {
    /// Those that hold records, oldest first, as far as their heads tell: a record of theirs may be altered.
    pub frames: Vec<FrameHead>,
    /// How many places are no frame.
    pub damaged: u32,
    /// About how many bytes the disk had to read for that.
    pub bytes_read: u64,
}

impl SealedFrame {
    /// Returns what the frame's head says.
    pub fn head(&self) -> FrameHead {
        FrameHead::of(self.place.offset, &self.place.header)
    }
}

impl Segment {
    /// Reads the heads of all frames from the one that begins at byte `from` on; 0 stands for the first.
    pub fn heads(&self, from: u64) -> Result<Heads, JournalError> {
        let mut heads = Heads::default();
        let mut last = None;
        let mut walk = self.walk(from)?;
        loop {
            match walk.skim().map_err(self.failed())? {
                Skim::Frame { offset, header } => {
                    last = Some(offset);
                    heads.bytes_read += u64::from(header.length).min(PAGE);
                    if header.count > 0 {
                        heads.frames.push(FrameHead::of(offset, &header));
                    }
                }
                Skim::Damaged { .. } => heads.damaged += 1,
                Skim::End => break,
            }
        }
        heads.bytes_read += walk.bytes_read();
        if let (None, Some(last)) = (self.limit, last) {
            // By its head alone, a last frame that was cut short, or is being written, looks like any other.
            let step = Walk::new(&self.content, None)
                .map_err(self.failed())?
                .at(last)
                .step()
                .map(|step| matches!(step, Step::Torn { .. } | Step::End { .. }));
            if step.map_err(self.failed())? {
                heads.frames.retain(|frame| frame.offset != last);
            }
        }
        Ok(heads)
    }
}

impl Reader {
    /// The segment that is written now; none if this reader is not its writer's, or shows what others write too.
    ///
    /// Cheap: it does not look at the disk.
    pub fn newest_segment(&self) -> Option<SegmentId> {
        let end = self.only_writer()?;
        Some(SegmentId { stream: end.stream, number: end.segment })
    }

    /// The segment that is written now, or was last, of a reader that shows one chain: without listing all of them. None
    /// if that takes listing them.
    pub fn look_for_newest_segment(&self) -> Result<Option<SegmentId>, JournalError> {
        if let Some(newest) = self.newest_segment() {
            return Ok(Some(newest));
        }
        let chains = self.chains_here()?;
        let [chain] = chains.as_slice() else { return Ok(None) };
        let newest = chain.storage.newest();
        let newest = newest.map_err(JournalError::io("list", &chain.storage.name()))?;
        Ok(newest.filter(|newest| self.since.is_none_or(|since| newest.stream >= since)))
    }

    /// The stream that is written now, and how many of its records are shown; none where others may write too, or this
    /// reader is not its writer's.
    ///
    /// Cheap: for whoever asks often whether there is something new.
    pub fn written(&self) -> Option<(StreamId, u64)> {
        let end = self.only_writer()?;
        Some((end.stream, end.records))
    }

    /// Where each chain that is shown, and that a server has or had, ends by now: its last segment, and how far that goes. None
    /// where that costs as much as listing all.
    ///
    /// For whoever asks often whether there is something new in a store: while the ends stay the same there is not.
    pub fn ends(&self) -> Result<Option<Vec<(SegmentId, u64)>>, JournalError> {
        if let Some(end) = self.only_writer() {
            return Ok(Some(vec![end.place()]));
        }
        let mut ends = Vec::new();
        for place in self.places() {
            let found = match &self.chain {
                Some(only) => place.chain(only).and_then(|chain| match chain {
                    Some(chain) => chain.storage.ends(),
                    None => Ok(None),
                }),
                None => place.ends(),
            };
            let Some(found) = found.map_err(JournalError::io("list", &place.name()))? else {
                return Ok(None);
            };
            if found.is_empty() {
                return Ok(None);
            }
            for ChainEnd { chain, end } in found {
                // Of its own chain this process shows what it has acknowledged.
                let live = self.live.as_ref().filter(|live| live.chain == chain);
                let Some(end) = live.map_or(end, |live| Some(live.durable.end().place())) else {
                    // It may have no segment: lists tell.
                    return Ok(None);
                };
                ends.push(end);
            }
        }
        Ok(Some(ends))
    }
}

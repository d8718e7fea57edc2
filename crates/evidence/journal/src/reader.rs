//! Reading: frames and records in either direction, over all streams.
//!
//! Reading blocks on the disk and holds one frame and one segment's frame positions in memory (40 bytes a
//! frame). It checks the hashes of what it reads, not the MACs: that is [`verify`](crate::verify())'s work.

mod files;
mod heads;
mod sealed;
mod segment_reader;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::error::JournalError;
use crate::frame::{Frame, FrameFault, FrameHeader};
use crate::record::Record;
use crate::segment::{self, SegmentContent, SegmentHeader};
use crate::stream::{self, Position, StreamId};
use crate::walk::{Skim, Step, Walk};
use crate::writer::{Durable, End};

pub use files::SegmentFile;
pub use heads::{FrameHead, Heads};
use sealed::Place;
pub use sealed::SealedFrame;
pub use segment_reader::{ListedSegment, Segment, SegmentFrames, SegmentId};

/// Reads a journal, also while it is written.
#[derive(Clone)]
pub struct Reader {
    dir: PathBuf,
    durable: Option<Arc<Durable>>,
    /// The first stream shown.
    since: Option<StreamId>,
}

impl Reader {
    /// Opens the journal in `dir` for reading, from any process.
    ///
    /// Of a journal that another process writes, it may show a frame just before its append is acknowledged;
    /// the writing process takes [`Journal::reader`](crate::Journal::reader).
    pub fn open(dir: &Path) -> Result<Self, JournalError> {
        let reader = Self { dir: dir.to_owned(), durable: None, since: None };
        reader.streams()?;
        Ok(reader)
    }

    pub(crate) fn live(dir: PathBuf, durable: Arc<Durable>) -> Self {
        Self { dir, durable: Some(durable), since: None }
    }

    /// Shows only `stream` and later ones, as if the journal began there. A place before it, where reading is to begin or
    /// go on, counts as that beginning.
    #[must_use]
    pub fn since(mut self, stream: StreamId) -> Self {
        self.since = Some(stream);
        self
    }

    /// Lists the streams, oldest first.
    pub fn streams(&self) -> Result<Vec<StreamId>, JournalError> {
        Ok(self.listed()?.0)
    }

    /// Returns the streams to be read, oldest first, and how far the last one may be, if that is known.
    fn listed(&self) -> Result<(Vec<StreamId>, Option<End>), JournalError> {
        // What is durable now: the stream's files can only be longer by the time they are read.
        let durable = self.durable.as_ref().map(|durable| durable.end());
        let mut streams = stream::list(&self.dir).map_err(JournalError::io("list", &self.dir))?.streams;
        streams.retain(|&stream| {
            self.since.is_none_or(|since| stream >= since)
                // One that was begun since then would follow an end that is not to be seen yet.
                && durable.is_none_or(|end| stream <= end.stream)
        });
        Ok((streams, durable))
    }

    /// Returns the frames that hold records, oldest first, from the one that holds the record after `after`.
    pub fn frames(&self, after: Option<Position>) -> Result<Frames, JournalError> {
        Frames::new(self, Range { after, ..Range::default() }, Order::OldestFirst)
    }

    /// Returns the frames that hold records, newest first, from the one that holds the record before
    /// `before`.
    pub fn frames_newest_first(&self, before: Option<Position>) -> Result<Frames, JournalError> {
        Frames::new(self, Range { before, ..Range::default() }, Order::NewestFirst)
    }

    /// Returns the records behind `after`, oldest first.
    pub fn records(&self, after: Option<Position>) -> Result<Records, JournalError> {
        Ok(Records { frames: self.frames(after)?, frame: None })
    }

    /// Returns the records before `before`, newest first: by stream, and as written within a stream.
    pub fn records_newest_first(&self, before: Option<Position>) -> Result<Records, JournalError> {
        Ok(Records { frames: self.frames_newest_first(before)?, frame: None })
    }

    /// Returns the records from `start_ms` on (milliseconds since 1970 UTC), newest first, and with them some that are
    /// older, of frames that hold both: stops reading where everything is older.
    pub fn records_since(&self, start_ms: i64) -> Result<Records, JournalError> {
        let range = Range { start_ms, ..Range::default() };
        Ok(Records { frames: Frames::new(self, range, Order::NewestFirst)?, frame: None })
    }
}

/// Which frames are wanted.
#[derive(Clone, Copy)]
pub(crate) struct Range {
    pub(crate) after: Option<Position>,
    pub(crate) before: Option<Position>,
    pub(crate) start_ms: i64,
}

impl Default for Range {
    fn default() -> Self {
        Self { after: None, before: None, start_ms: i64::MIN }
    }
}

impl Range {
    /// The numbers of the records wanted from a stream.
    fn records(&self, stream: StreamId) -> std::ops::Range<u64> {
        let start = self
            .after
            .filter(|after| after.stream == stream)
            .map_or(0, |after| after.record.saturating_add(1));
        let end =
            self.before.filter(|before| before.stream == stream).map_or(u64::MAX, |before| before.record);
        start..end
    }

    fn has_stream(&self, stream: StreamId) -> bool {
        self.after.is_none_or(|after| stream >= after.stream)
            && self.before.is_none_or(|before| stream <= before.stream)
    }

    fn has_frame(&self, stream: StreamId, header: &FrameHeader) -> bool {
        let records = self.records(stream);
        header.count > 0
            && header.first_record < records.end
            && header.next_record() > records.start
            && header.newest_ms >= self.start_ms
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    OldestFirst,
    NewestFirst,
}

/// The frames of a journal, one after the other.
///
/// What is damaged comes as an error in its segment's turn, and reading goes on behind it.
pub struct Frames {
    dir: PathBuf,
    order: Order,
    range: Range,
    /// The stream being written and how far it may be read.
    durable: Option<End>,
    newest: Option<StreamId>,
    // Of each list the last item is next.
    streams: Vec<StreamId>,
    stream: Option<StreamId>,
    segments: Vec<u32>,
    content: Option<SegmentContent>,
    places: Vec<Place>,
    damage: Vec<JournalError>,
}

impl Frames {
    pub(crate) fn new(reader: &Reader, range: Range, order: Order) -> Result<Self, JournalError> {
        let (mut streams, durable) = reader.listed()?;
        let newest = streams.last().copied();
        streams.retain(|&stream| range.has_stream(stream));
        if order == Order::OldestFirst {
            streams.reverse();
        }
        let dir = reader.dir.clone();
        let (segments, places, damage) = (Vec::new(), Vec::new(), Vec::new());
        Ok(Self {
            dir,
            order,
            range,
            durable,
            newest,
            streams,
            stream: None,
            segments,
            content: None,
            places,
            damage,
        })
    }

    fn advance(&mut self) -> Result<Option<SealedFrame>, JournalError> {
        loop {
            if let Some(damage) = self.damage.pop() {
                return Err(damage);
            }
            if let (Some(place), Some(stream), Some(content)) =
                (self.places.pop(), self.stream, &self.content)
            {
                return self.load(stream, content, place).map(Some);
            }
            if let (Some(segment), Some(stream)) = (self.segments.pop(), self.stream) {
                self.enter_segment(stream, segment)?;
            } else if let Some(stream) = self.streams.pop() {
                self.enter_stream(stream)?;
            } else {
                return Ok(None);
            }
        }
    }

    fn enter_stream(&mut self, stream: StreamId) -> Result<(), JournalError> {
        let dir = stream::directory(&self.dir, stream);
        let mut segments = match segment::list(&dir) {
            // All of it went since the streams were listed.
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            listed => listed.map_err(JournalError::io("list", &dir))?.numbers,
        };
        if let Some(end) = self.durable_end(stream) {
            segments.retain(|&segment| segment <= end.segment);
        }
        if self.order == Order::OldestFirst {
            let wanted = self.range.records(stream).start;
            let first = segments.iter().rposition(|&segment| {
                let header =
                    SegmentContent::open(&dir, segment).and_then(|content| SegmentHeader::read(&content));
                matches!(header, Ok(Ok(sealed)) if sealed.header.first_record <= wanted)
            });
            segments.drain(..first.unwrap_or(0));
            segments.reverse();
        }
        self.stream = Some(stream);
        self.segments = segments;
        Ok(())
    }

    fn enter_segment(&mut self, stream: StreamId, segment: u32) -> Result<(), JournalError> {
        let dir = stream::directory(&self.dir, stream);
        let path = dir.join(segment::file_name(segment));
        let failed = || JournalError::io("read", &path);
        let content = match SegmentContent::open(&dir, segment) {
            // Its time was up since it was listed.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            opened => opened.map_err(failed())?,
        };
        let damaged = |offset, fault| JournalError::Damaged { stream, segment, offset, fault };
        match SegmentHeader::read(&content).map_err(failed())? {
            Ok(sealed) => {
                if sealed.header.newest_before_ms < self.range.start_ms && self.order == Order::NewestFirst {
                    // All that comes after is older than what is wanted.
                    self.segments.clear();
                    self.streams.clear();
                }
                if sealed.header.first_record >= self.range.records(stream).end {
                    return Ok(());
                }
            }
            Err(_) => self.damage.push(damaged(0, FrameFault::SegmentHeader)),
        }
        let limit = self.durable_end(stream).filter(|end| end.segment == segment).map(|end| end.offset);
        let mut walk = Walk::new(&content, limit).map_err(failed())?;
        let mut last = None;
        loop {
            match walk.skim().map_err(failed())? {
                Skim::Frame { offset, header } => {
                    last = Some(offset);
                    if self.range.has_frame(stream, &header) {
                        self.places.push(Place { segment, offset, header });
                    }
                }
                Skim::Damaged { offset, fault } => self.damage.push(damaged(offset, fault)),
                Skim::End => break,
            }
        }
        if let (None, Some(last), true) = (limit, last, self.newest == Some(stream)) {
            self.drop_unfinished(&content, last).map_err(failed())?;
        }
        if self.order == Order::OldestFirst {
            self.places.reverse();
        }
        self.content = Some(content);
        Ok(())
    }

    /// Drops a last frame that was never finished, or is being written.
    fn drop_unfinished(&mut self, content: &SegmentContent, last: u64) -> io::Result<()> {
        if matches!(Walk::new(content, None)?.at(last).step()?, Step::Torn { .. } | Step::End { .. }) {
            self.places.retain(|place| place.offset != last);
        }
        Ok(())
    }

    fn load(
        &self,
        stream: StreamId,
        content: &SegmentContent,
        place: Place,
    ) -> Result<SealedFrame, JournalError> {
        let mut bytes = vec![0; place.header.length as usize];
        match content.read_exact_at(&mut bytes, place.offset) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                return Err(place.damaged(stream, FrameFault::Incomplete));
            }
            Err(error) => return Err(JournalError::io("read", &stream::directory(&self.dir, stream))(error)),
        }
        let frame = Frame::check(&bytes).map_err(|fault| place.damaged(stream, fault))?;
        if !frame.is_marked() {
            return Err(place.damaged(stream, FrameFault::EndMark));
        }
        Ok(SealedFrame::new(stream, place, bytes))
    }

    fn durable_end(&self, stream: StreamId) -> Option<End> {
        self.durable.filter(|end| end.stream == stream)
    }
}

impl Iterator for Frames {
    type Item = Result<SealedFrame, JournalError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.advance().transpose()
    }
}

/// The records of a journal, one after the other, with their positions. Damage comes as errors in between.
pub struct Records {
    frames: Frames,
    /// The frame at hand and how many of its records were taken.
    frame: Option<(SealedFrame, u32)>,
}

impl Iterator for Records {
    type Item = Result<(Position, Record), JournalError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let Some((frame, taken)) = self.frame.as_mut().filter(|(frame, taken)| *taken < frame.count())
            else {
                match self.frames.next()? {
                    Ok(frame) => self.frame = Some((frame, 0)),
                    Err(error) => return Some(Err(error)),
                }
                continue;
            };
            let index = match self.frames.order {
                Order::OldestFirst => *taken,
                Order::NewestFirst => frame.count() - 1 - *taken,
            };
            *taken += 1;
            let position =
                Position { stream: frame.stream(), record: frame.first_record() + u64::from(index) };
            if !self.frames.range.records(position.stream).contains(&position.record) {
                continue;
            }
            return match frame.record(index)? {
                Ok(record) => Some(Ok((position, record))),
                Err(_) => Some(Err(frame.unreadable(position))),
            };
        }
    }
}

//! Reading: frames and records in either direction, over all streams.
//!
//! Reading blocks on the disk and holds one frame and one segment's frame positions in memory (40 bytes a
//! frame). It checks the hashes of what it reads, not the MACs: that is [`verify`](crate::verify())'s work, and a [`Proof`]'s.

mod epochs;
mod files;
mod heads;
mod proof;
mod records;
mod sealed;
mod segment_reader;

use std::io;
use std::path::Path;
use std::sync::Arc;

use strongroom_store::Db;

use crate::error::JournalError;
use crate::frame::{Frame, FrameFault, FrameHeader};
use crate::segment::{SegmentContent, SegmentHeader};
use crate::storage::{Chain, Files, Rows, Storage};
use crate::stream::{Position, StreamId};
use crate::walk::{Skim, Step, Walk};
use crate::writer::{Durable, End};

pub use files::SegmentFile;
pub use heads::{FrameHead, Heads};
pub use proof::{Proof, Verdict};
pub use records::Records;
use sealed::Place;
pub use sealed::SealedFrame;
pub use segment_reader::{ListedSegment, Segment, SegmentFrames, SegmentId};

/// Reads a journal, also while it is written.
///
/// Where several servers keep their journals in one place, a reader shows all of them: each is a [chain](Self::chains) of
/// streams.
#[derive(Clone)]
pub struct Reader {
    places: Arc<[Arc<dyn Storage>]>,
    /// The one chain shown, if it is one.
    chain: Option<Arc<str>>,
    live: Option<Live>,
    /// The first stream shown.
    since: Option<StreamId>,
}

/// What this process writes.
#[derive(Clone)]
pub(crate) struct Live {
    /// The chain.
    pub(crate) chain: Arc<str>,
    /// How far it is durable.
    pub(crate) durable: Arc<Durable>,
    /// Nobody else writes where the reader reads.
    pub(crate) is_alone: bool,
}

/// The streams of a chain, oldest first.
fn streams_of(chain: &Chain) -> Result<Vec<StreamId>, JournalError> {
    let listed = chain.storage.streams();
    Ok(listed.map_err(JournalError::io("list", &chain.storage.name()))?.streams)
}

impl Reader {
    /// Opens the journal in `dir` for reading, from any process.
    ///
    /// Of a journal that another process writes, it may show a frame just before its append is acknowledged;
    /// the writing process takes [`Journal::reader`](crate::Journal::reader).
    pub fn open(dir: &Path) -> Result<Self, JournalError> {
        let reader = Self::of(vec![Arc::new(Files::new(dir))], None);
        reader.streams()?;
        Ok(reader)
    }

    /// Opens the journals of all servers on a store for reading. The store has the tables of
    /// [`MIGRATIONS`](crate::MIGRATIONS).
    pub fn open_store(db: &Db) -> Result<Self, JournalError> {
        let rows =
            Rows::open(db).map_err(JournalError::io("open", Path::new("the journals in the store")))?;
        Ok(Self::of(vec![Arc::new(rows)], None))
    }

    pub(crate) fn of(places: Vec<Arc<dyn Storage>>, live: Option<Live>) -> Self {
        Self { places: places.into(), chain: None, live, since: None }
    }

    /// Shows only `stream` and later ones, as if the journal began there. A place before it, where reading is to begin or
    /// go on, counts as that beginning.
    #[must_use]
    pub fn since(mut self, stream: StreamId) -> Self {
        self.since = Some(stream);
        self
    }

    /// The names of the chains: the servers' whose journals these are, in order.
    pub fn chains(&self) -> Result<Vec<String>, JournalError> {
        Ok(self.chains_here()?.iter().map(|chain| chain.name.to_string()).collect())
    }

    /// Shows one chain and nothing else.
    #[must_use]
    pub fn of_chain(mut self, name: &str) -> Self {
        self.chain = Some(name.into());
        self
    }

    /// Shows the chain that has a stream, and nothing else; none if no chain has it.
    pub fn of_stream(self, stream: StreamId) -> Result<Option<Self>, JournalError> {
        for chain in self.chains_here()? {
            if streams_of(&chain)?.contains(&stream) {
                return Ok(Some(self.of_chain(&chain.name)));
            }
        }
        Ok(None)
    }

    /// Lists the streams, oldest first.
    pub fn streams(&self) -> Result<Vec<StreamId>, JournalError> {
        let mut streams = Vec::new();
        for chain in self.chains_here()? {
            streams.extend(self.listed_in(&chain)?.0);
        }
        streams.sort_unstable();
        Ok(streams)
    }

    pub(crate) fn places(&self) -> &[Arc<dyn Storage>] {
        &self.places
    }

    /// The chains that are shown.
    pub(crate) fn chains_here(&self) -> Result<Vec<Chain>, JournalError> {
        let mut chains = Vec::new();
        for place in self.places() {
            let found = match &self.chain {
                Some(only) => place.chain(only).map(Vec::from_iter),
                None => place.chains(),
            };
            chains.extend(found.map_err(JournalError::io("list", &place.name()))?);
        }
        chains.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(chains)
    }

    /// Returns the streams of a chain that are to be read, oldest first, and how far the last one may be, if that is known.
    fn listed_in(&self, chain: &Chain) -> Result<(Vec<StreamId>, Option<End>), JournalError> {
        // What is durable now: the stream's files can only be longer by the time they are read.
        let durable = self.durable_in(chain);
        let mut streams = streams_of(chain)?;
        streams.retain(|&stream| {
            self.since.is_none_or(|since| stream >= since)
                // One that was begun since then would follow an end that is not to be seen yet.
                && durable.is_none_or(|end| stream <= end.stream)
        });
        Ok((streams, durable))
    }

    /// How far a chain is, if it is the one that this process writes.
    fn durable_in(&self, chain: &Chain) -> Option<End> {
        let live = self.live.as_ref().filter(|live| live.chain == chain.name)?;
        Some(live.durable.end())
    }

    /// Where a segment ends by now, if it is the one that this process writes.
    fn durable_end_of(&self, id: SegmentId) -> Option<u64> {
        let end = self.live.as_ref()?.durable.end();
        ((end.stream, end.segment) == (id.stream, id.number)).then_some(end.offset)
    }

    /// How far the journal is, if this process alone writes what is shown.
    fn only_writer(&self) -> Option<End> {
        let live = self.live.as_ref()?;
        let shows_own = self.chain.as_ref().is_some_and(|only| *only == live.chain);
        (live.is_alone || shows_own).then(|| live.durable.end())
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

    /// Returns the records behind `after`, oldest first: by stream, and as written within a stream. Whoever reads on from
    /// a place that he has noted does so for each [chain](Self::chains): its streams follow each other, and those of
    /// several grow at the same time.
    pub fn records(&self, after: Option<Position>) -> Result<Records, JournalError> {
        Ok(Records::of(vec![self.frames(after)?]))
    }

    /// Returns the records before `before`, newest first: by stream, and as written within a stream. Those of several
    /// chains are merged by their times.
    pub fn records_newest_first(&self, before: Option<Position>) -> Result<Records, JournalError> {
        self.merged(Range { before, ..Range::default() })
    }

    /// Returns the records from `start_ms` on (milliseconds since 1970 UTC), newest first, and with them some that are
    /// older, of frames that hold both: stops reading where everything is older.
    pub fn records_since(&self, start_ms: i64) -> Result<Records, JournalError> {
        self.merged(Range { start_ms, ..Range::default() })
    }

    fn merged(&self, range: Range) -> Result<Records, JournalError> {
        let chains = self.chains_here()?.into_iter();
        let frames = chains
            .map(|chain| Frames::new(&self.clone().of_chain(&chain.name), range, Order::NewestFirst))
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Records::of(frames))
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
    order: Order,
    range: Range,
    /// The stream being written by this process and how far it may be read.
    durable: Option<End>,
    // Of each list the last item is next.
    streams: Vec<ListedStream>,
    stream: Option<ListedStream>,
    segments: Vec<u32>,
    content: Option<SegmentContent>,
    places: Vec<Place>,
    damage: Vec<JournalError>,
}

/// A stream to be read.
#[derive(Clone)]
struct ListedStream {
    id: StreamId,
    chain: Arc<str>,
    storage: Arc<dyn Storage>,
    /// Its chain's last one.
    is_newest: bool,
}

impl Frames {
    pub(crate) fn new(reader: &Reader, range: Range, order: Order) -> Result<Self, JournalError> {
        let (mut streams, mut durable) = (Vec::new(), None);
        for chain in reader.chains_here()? {
            let (ids, end) = reader.listed_in(&chain)?;
            let newest = ids.last().copied();
            streams.extend(ids.into_iter().filter(|&id| range.has_stream(id)).map(|id| ListedStream {
                id,
                chain: Arc::clone(&chain.name),
                storage: Arc::clone(&chain.storage),
                is_newest: newest == Some(id),
            }));
            durable = durable.or(end);
        }
        streams.sort_by_key(|stream| stream.id);
        if order == Order::OldestFirst {
            streams.reverse();
        }
        let (segments, places, damage) = (Vec::new(), Vec::new(), Vec::new());
        Ok(Self { order, range, durable, streams, stream: None, segments, content: None, places, damage })
    }

    fn advance(&mut self) -> Result<Option<SealedFrame>, JournalError> {
        loop {
            if let Some(damage) = self.damage.pop() {
                return Err(damage);
            }
            if let (Some(place), Some(stream), Some(content)) =
                (self.places.pop(), &self.stream, &self.content)
            {
                return load(stream, content, place).map(Some);
            }
            if let (Some(segment), Some(stream)) = (self.segments.pop(), self.stream.clone()) {
                self.enter_segment(&stream, segment)?;
            } else if let Some(stream) = self.streams.pop() {
                self.enter_stream(stream)?;
            } else {
                return Ok(None);
            }
        }
    }

    fn enter_stream(&mut self, stream: ListedStream) -> Result<(), JournalError> {
        let ListedStream { id, storage, .. } = &stream;
        let mut segments = match storage.segments(*id) {
            // All of it went since the streams were listed.
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            listed => listed.map_err(JournalError::io("list", &storage.name_of_stream(*id)))?.numbers,
        };
        if let Some(end) = self.durable_end(*id) {
            segments.retain(|&segment| segment <= end.segment);
        }
        if self.order == Order::OldestFirst {
            let wanted = self.range.records(*id).start;
            let first = segments.iter().rposition(|&number| {
                let content = storage.open(SegmentId { stream: *id, number });
                let header = content.and_then(|content| SegmentHeader::read(&content));
                matches!(header, Ok(Ok(sealed)) if sealed.header.first_record <= wanted)
            });
            segments.drain(..first.unwrap_or(0));
            segments.reverse();
        }
        self.stream = Some(stream);
        self.segments = segments;
        Ok(())
    }

    fn enter_segment(&mut self, listed: &ListedStream, segment: u32) -> Result<(), JournalError> {
        let &ListedStream { id: stream, ref chain, ref storage, is_newest } = listed;
        let id = SegmentId { stream, number: segment };
        let path = storage.name_of(id);
        let failed = || JournalError::io("read", &path);
        let content = match storage.open(id) {
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
                    self.streams.retain(|other| other.chain != *chain);
                }
                if sealed.header.first_record >= self.range.records(stream).end {
                    return Ok(());
                }
            }
            Err(_) => self.damage.push(damaged(0, FrameFault::SegmentHeader)),
        }
        let limit = self.durable_end(stream).filter(|end| end.segment == segment).map(|end| end.offset);
        let from = content.offset_of(self.range.records(stream).start).map_err(failed())?;
        let mut walk = Walk::new(&content, limit).map_err(failed())?;
        if let Some(from) = from {
            walk = walk.at(from);
        }
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
        if let (None, Some(last), true) = (limit, last, is_newest) {
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

    fn durable_end(&self, stream: StreamId) -> Option<End> {
        self.durable.filter(|end| end.stream == stream)
    }
}

fn load(stream: &ListedStream, content: &SegmentContent, place: Place) -> Result<SealedFrame, JournalError> {
    let id = stream.id;
    let mut bytes = vec![0; place.header.length as usize];
    match content.read_exact_at(&mut bytes, place.offset) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
            return Err(place.damaged(id, FrameFault::Incomplete));
        }
        Err(error) => return Err(JournalError::io("read", &stream.storage.name_of_stream(id))(error)),
    }
    let frame = Frame::check(&bytes).map_err(|fault| place.damaged(id, fault))?;
    if !frame.is_marked() {
        return Err(place.damaged(id, FrameFault::EndMark));
    }
    Ok(SealedFrame::new(id, place, bytes))
}

impl Iterator for Frames {
    type Item = Result<SealedFrame, JournalError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.advance().transpose()
    }
}

//! Looking records up, newest first and page by page.

use std::collections::VecDeque;
use std::fmt;
use std::ops::Bound;

use strongroom_journal::{JournalError, Position, Reader, Record, Segment, SegmentId};

use crate::catalog::State;
use crate::continuation::{ChainName, Continuation, MOST_RESTS, Rest};
use crate::draft::{Hits, frame_of};
use crate::file::{self, IndexFile, IndexHead};
use crate::filter::Filter;
use crate::history::{History, HistoryError, Shared};

/// Read of an index at least, whatever it says.
const INDEX_READ: u64 = 8192;
/// Read of an index for each frame of its segment, if anything is found.
const FRAME_READ: u64 = 16;

/// One page of a lookup.
#[derive(Clone, Debug)]
pub struct Page {
    /// The records, newest first.
    pub records: Vec<(Position, Record)>,
    /// Where to go on; none when the beginning was reached. A page may be short, even empty, and yet have one.
    pub next: Option<Continuation>,
    /// How many damaged or unreadable places were passed over; `strongroom audit verify` names them. Pages that share a
    /// segment may each count its places.
    pub damaged: u32,
}

impl History {
    /// Looks up at most `limit` records (at least one), newest first: as they were recorded, which is the order of
    /// their times but for moments. Those of several servers are merged by their times.
    ///
    /// Blocks on the disk. It reads a bounded part of the journal at a time ([`History::with_read_limit`]), so where
    /// there is no index yet, a rare record may take several pages to reach.
    pub fn lookup(
        &self,
        filter: &Filter,
        limit: usize,
        from: Option<&Continuation>,
    ) -> Result<Page, HistoryError> {
        let digest = filter.digest();
        if from.is_some_and(|from| from.filter != digest) {
            return Err(HistoryError::InvalidContinuation);
        }
        let limit = limit.max(1);
        let mut parts = Vec::new();
        for chain in self.whole.chains()? {
            let rest = from.and_then(|from| from.of(chain.name));
            // Of others nothing is left, or they came after the first page.
            if from.is_none() || rest.is_some() {
                parts.push(self.part(&chain, filter, limit, rest)?);
            }
        }
        let damaged = parts.iter().fold(0, |sum: u32, part| sum.saturating_add(part.damaged));
        let Merged { records, rests } = merge(parts, limit);
        if rests.len() > MOST_RESTS {
            // Without a place to go on from for each, later pages would leave records out, and nobody would know.
            return Err(HistoryError::TooManyServers { limit: MOST_RESTS });
        }
        let next = (!rests.is_empty()).then_some(Continuation { rests, filter: digest });
        Ok(Page { records, next, damaged })
    }

    /// Looks up in one chain.
    fn part(
        &self,
        chain: &Shared,
        filter: &Filter,
        limit: usize,
        from: Option<Rest>,
    ) -> Result<Part, HistoryError> {
        chain.refresh()?;
        let mut search = Search {
            shared: chain,
            journal: chain.journal(),
            filter,
            term: filter.term(),
            times: filter.times(),
            limit,
            rest: None,
            has_moved: false,
            read: 0,
            read_limit: self.read_limit,
            records: Vec::new(),
            damaged: 0,
        };
        let next = search.run(from)?;
        let Search { records, damaged, .. } = search;
        Ok(Part { chain: chain.name, records: records.into(), next, damaged })
    }
}

/// What was found in one chain.
struct Part {
    chain: ChainName,
    /// Newest first, each with what is left of the chain behind it.
    records: VecDeque<(Position, Record, Rest)>,
    /// What is left behind all of them.
    next: Option<Rest>,
    damaged: u32,
}

impl Part {
    /// What is left once those that are not in `records` any more were shown.
    fn rest(&self) -> Option<Rest> {
        match self.records.front() {
            // The one that comes next, and what is before it.
            Some((position, _, rest)) => {
                Some(Rest { segment: rest.segment, before: position.record.saturating_add(1) })
            }
            None => self.next,
        }
    }
}

/// What was taken of all parts, and what is left of each chain.
struct Merged {
    records: Vec<(Position, Record)>,
    rests: Vec<(ChainName, Rest)>,
}

/// Takes the newest of all parts, as long as it is known which they are, and tells what is left.
fn merge(mut parts: Vec<Part>, limit: usize) -> Merged {
    let mut records = Vec::new();
    while records.len() < limit {
        // What one of them would show next has not been looked for yet.
        if parts.iter().any(|part| part.records.is_empty() && part.next.is_some()) {
            break;
        }
        let newest = parts.iter_mut().max_by_key(|part| {
            part.records.front().map(|(position, record, _)| (record.event_time_ms, *position))
        });
        let Some((position, record, _)) = newest.and_then(|part| part.records.pop_front()) else { break };
        records.push((position, record));
    }
    let rests = parts.iter().filter_map(|part| Some((part.chain, part.rest()?))).collect();
    Merged { records, rests }
}

/// What came of a segment.
enum Outcome {
    /// It is done with; nothing older is younger than this.
    Done { newest_before_ms: i64 },
    /// The page is full, or long enough was read: it goes on there.
    Pause(Rest),
    /// The index does not fit the segment. What was taken through it was right.
    Unfit,
}

struct Search<'h> {
    shared: &'h Shared,
    journal: &'h Reader,
    filter: &'h Filter,
    term: Vec<u8>,
    /// Earliest and latest time wanted.
    times: (i64, i64),
    limit: usize,
    /// What is left, from the segment at hand on.
    rest: Option<Rest>,
    /// Whether anything was passed in this page.
    has_moved: bool,
    read: u64,
    read_limit: u64,
    /// What was found, with what is left behind each.
    records: Vec<(Position, Record, Rest)>,
    damaged: u32,
}

impl Search<'_> {
    /// Goes through the segments, newest first; gives back what is left when the page is done.
    fn run(&mut self, from: Option<Rest>) -> Result<Option<Rest>, HistoryError> {
        self.rest = from;
        let shared = self.shared;
        let mut next = shared.newest(from.map_or(Bound::Unbounded, |from| Bound::Included(from.segment)));
        while let Some((id, state)) = next {
            let before = self.rest.filter(|rest| rest.segment.stream == id.stream);
            self.rest = Some(Rest { segment: id, before: before.map_or(u64::MAX, |rest| rest.before) });
            let newest_before_ms = match self.look_in(id, state)? {
                Outcome::Done { newest_before_ms } => newest_before_ms,
                Outcome::Pause(rest) => return Ok(Some(rest)),
                Outcome::Unfit => i64::MAX,
            };
            if newest_before_ms < self.times.0 {
                break;
            }
            self.has_moved = true;
            next = shared.newest(Bound::Excluded(id));
            if self.read >= self.read_limit {
                return Ok(next.map(|(id, _)| Rest::segment(id)));
            }
        }
        Ok(None)
    }

    fn look_in(&mut self, id: SegmentId, state: State) -> Result<Outcome, HistoryError> {
        if let State::Indexed(head, _) = state {
            match self.by_index(id, &head)? {
                Outcome::Unfit => self.shared.forget_index(id),
                outcome => return Ok(outcome),
            }
        }
        self.by_reading(id)
    }

    fn by_index(&mut self, id: SegmentId, head: &IndexHead) -> Result<Outcome, HistoryError> {
        let done = Outcome::Done { newest_before_ms: head.newest_before_ms };
        if !head.may_hold(self.times.0, self.times.1) {
            return Ok(done);
        }
        let path = file::path(&self.shared.folder, id);
        let hits = match IndexFile::open(&path, head).and_then(|file| file.find(&self.term)) {
            Ok(hits) => hits,
            Err(error) => {
                unfit(id, &error);
                return Ok(Outcome::Unfit);
            }
        };
        // Unless a page before this one began in it.
        let end = head.first_record.saturating_add(u64::from(head.records));
        if self.rest.is_none_or(|rest| rest.before >= end) {
            self.damaged = self.damaged.saturating_add(head.damaged);
        }
        self.read += INDEX_READ + FRAME_READ * hits.frames.len() as u64;
        if hits.records.is_empty() {
            return Ok(done);
        }
        // One that is gone was dropped, and with it all that is older.
        let Some(segment) = self.journal.segment(id)? else { return Ok(done) };
        let taken = self.take(&segment, head.first_record, &hits)?;
        if matches!(taken, Some(Outcome::Unfit)) {
            unfit(id, &"it leads to what is not there");
        }
        Ok(taken.unwrap_or(done))
    }

    /// Takes what an index found; nothing comes of it if the segment is done with.
    fn take(
        &mut self,
        segment: &Segment,
        first_record: u64,
        hits: &Hits,
    ) -> Result<Option<Outcome>, HistoryError> {
        let stream = segment.id().stream;
        let mut at_hand = None;
        for &number in hits.records.iter().rev() {
            let position = Position { stream, record: first_record.saturating_add(u64::from(number)) };
            if self.rest.is_some_and(|rest| !rest.has(position)) {
                continue;
            }
            let Some(entry) = frame_of(&hits.frames, number) else { return Ok(Some(Outcome::Unfit)) };
            if !entry.may_hold(self.times.0, self.times.1) {
                continue;
            }
            let frame = match at_hand.take() {
                Some((first, frame)) if first == entry.first => frame,
                _ => {
                    if let Some(pause) = self.pause_before(position.record.saturating_add(1)) {
                        return Ok(Some(pause));
                    }
                    match segment.frame(u64::from(entry.offset)) {
                        Ok(frame) => {
                            self.read += frame.length() as u64;
                            frame
                        }
                        Err(JournalError::Damaged { .. }) => return Ok(Some(Outcome::Unfit)),
                        Err(error) => return Err(error.into()),
                    }
                }
            };
            let index = position.record.checked_sub(frame.first_record()).and_then(|i| u32::try_from(i).ok());
            let Some(Ok(record)) = index.and_then(|index| frame.record(index)) else {
                return Ok(Some(Outcome::Unfit));
            };
            at_hand = Some((entry.first, frame));
            if let Some(pause) = self.pass(position, record) {
                return Ok(Some(pause));
            }
        }
        Ok(None)
    }

    /// Reads the segment itself, or what of it has no index yet.
    fn by_reading(&mut self, id: SegmentId) -> Result<Outcome, HistoryError> {
        let gone = Outcome::Done { newest_before_ms: i64::MAX };
        let tail = self.shared.tail();
        let indexed = tail.as_ref().filter(|tail| tail.id == id).map_or(0, |tail| tail.next);
        drop(tail);
        let Some(segment) = self.journal.segment(id)? else { return Ok(gone) };
        if let Some(pause) = self.read_frames(&segment, indexed)? {
            return Ok(pause);
        }
        if indexed > 0 {
            let tail = self.shared.tail();
            let tail = tail.as_ref().filter(|tail| tail.id == id);
            let found =
                tail.map(|tail| (tail.draft.first_record.unwrap_or_default(), tail.draft.find(&self.term)));
            let taken = match found {
                Some((first_record, hits)) => self.take(&segment, first_record, &hits)?,
                // It was closed, and its index written, since.
                None => Some(Outcome::Unfit),
            };
            match taken {
                None => {}
                Some(Outcome::Unfit) => {
                    if let Some(pause) = self.read_frames(&segment, 0)? {
                        return Ok(pause);
                    }
                }
                Some(pause) => return Ok(pause),
            }
        }
        Ok(Outcome::Done { newest_before_ms: segment.newest_before_ms().unwrap_or(i64::MAX) })
    }

    /// Reads the frames from a byte on, newest first.
    fn read_frames(&mut self, segment: &Segment, from: u64) -> Result<Option<Outcome>, HistoryError> {
        let stream = segment.id().stream;
        let heads = segment.heads(from)?;
        self.read += heads.bytes_read;
        let head = u32::from(from == 0 && segment.first_record().is_none());
        self.damaged = self.damaged.saturating_add(heads.damaged).saturating_add(head);
        for head in heads.frames.iter().rev() {
            let first = Position { stream, record: head.first_record };
            let is_left = self.rest.is_none_or(|rest| rest.has(first));
            if !is_left || head.oldest_ms > self.times.1 || head.newest_ms < self.times.0 {
                continue;
            }
            if let Some(pause) = self.pause_before(head.first_record.saturating_add(u64::from(head.count))) {
                return Ok(Some(pause));
            }
            self.read += u64::from(head.length);
            let frame = match segment.frame(head.offset) {
                Ok(frame) => frame,
                Err(JournalError::Damaged { .. }) => {
                    self.damaged = self.damaged.saturating_add(1);
                    self.move_to(first);
                    continue;
                }
                Err(error) => return Err(error.into()),
            };
            for (position, record) in frame.decoded().rev() {
                if self.rest.is_some_and(|rest| !rest.has(position)) {
                    continue;
                }
                match record {
                    Ok(record) => {
                        if let Some(pause) = self.pass(position, record) {
                            return Ok(Some(pause));
                        }
                    }
                    Err(_) => self.damaged = self.damaged.saturating_add(1),
                }
            }
            self.move_to(first);
        }
        Ok(None)
    }

    /// Passes a record, taking it if it is wanted; tells if the page is full then.
    fn pass(&mut self, position: Position, record: Record) -> Option<Outcome> {
        self.move_to(position);
        if self.filter.matches(&record)
            && let Some(rest) = self.rest
        {
            self.records.push((position, record, rest));
        }
        let is_full = self.records.len() >= self.limit;
        self.rest.filter(|_| is_full).map(Outcome::Pause)
    }

    /// All that is not before this was passed.
    fn move_to(&mut self, position: Position) {
        self.has_moved = true;
        if let Some(rest) = &mut self.rest {
            rest.before = rest.before.min(position.record);
        }
    }

    /// Pauses if enough was read for one page, and something was passed: a page without a step ahead would come again
    /// and again.
    fn pause_before(&mut self, record: u64) -> Option<Outcome> {
        if self.read < self.read_limit || !self.has_moved {
            return None;
        }
        let rest = self.rest?;
        Some(Outcome::Pause(Rest { before: rest.before.min(record), ..rest }))
    }
}

fn unfit(id: SegmentId, why: &dyn fmt::Display) {
    let SegmentId { stream, number } = id;
    tracing::warn!(%stream, segment = number, %why, "the index of a segment of the journal is made anew");
}

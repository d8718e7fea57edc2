//! The writer: one thread that turns batches into durable frames.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use strongroom_crypto::random;
use strongroom_secret::Key256;

use crate::chain::{Chain, ChainKey};
use crate::frame::{self, Hash, Kind};
use crate::journal::Durability;
use crate::queue::{Batch, Failure, Queue};
use crate::reader::SegmentId;
use crate::segment::{Predecessor, SegmentHeader};
use crate::storage::{Appender, OpenSegment};
use crate::stream::{Position, StreamId};

/// How far the journal is durable; readers in the same process go no further.
pub(crate) struct Durable(Mutex<End>);

/// The stream and segment being written, and the end of its last durable frame. All streams before have ended.
#[derive(Clone, Copy)]
pub(crate) struct End {
    pub(crate) stream: StreamId,
    pub(crate) segment: u32,
    pub(crate) offset: u64,
    /// How many frames and records the stream has, and the last link of its chain.
    pub(crate) frames: u64,
    pub(crate) records: u64,
    pub(crate) hash: Hash,
}

impl Durable {
    pub(crate) fn end(&self) -> End {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, end: End) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = end;
    }
}

impl End {
    /// The segment, and how far it goes.
    pub(crate) fn place(&self) -> (SegmentId, u64) {
        (SegmentId { stream: self.stream, number: self.segment }, self.offset)
    }

    fn of(stream: StreamId, segment: &dyn OpenSegment, chain: &Chain) -> Self {
        Self {
            stream,
            segment: segment.number(),
            offset: segment.used(),
            frames: chain.next_frame(),
            records: chain.next_record(),
            hash: chain.previous(),
        }
    }
}

/// What all streams that one process writes share.
pub(crate) struct Plan {
    pub(crate) node: String,
    /// The journal's key, if streams are still to be begun. Boxed, so that moving it leaves no copy behind.
    pub(crate) key: Option<Box<Key256>>,
    pub(crate) key_epoch: u32,
    pub(crate) durability: Durability,
}

/// Which stream, and when it was begun.
#[derive(Clone, Copy)]
pub(crate) struct Beginning {
    pub(crate) stream: StreamId,
    pub(crate) opened_ms: i64,
}

impl Beginning {
    /// Names the stream that comes after `last`, whatever time it is.
    pub(crate) fn after(last: Option<StreamId>, now_ms: i64) -> io::Result<Self> {
        let random = random::bytes().map_err(io::Error::other)?;
        Ok(Self { stream: StreamId::after(last, now_ms, random)?, opened_ms: now_ms })
    }
}

/// The writing end of a journal: of one stream at a time.
pub(crate) struct Writer {
    plan: Plan,
    appender: Box<dyn Appender>,
    at: Beginning,
    /// The stream to go on in, once the end of the present one is written.
    next: Option<Beginning>,
    chain: Chain,
    segment: Box<dyn OpenSegment>,
    /// The frame that could not be put, as long as it is not known whether it is there all the same.
    unsure: Option<Unsure>,
    durable: Arc<Durable>,
    /// The frame being written; kept for its memory.
    frame: Vec<u8>,
}

/// A frame of which it is not known whether it was written.
struct Unsure {
    kind: Kind,
    count: u32,
    newest_ms: i64,
    hash: Hash,
}

impl Writer {
    /// Begins the process's first stream: makes its directory and first segment.
    pub(crate) fn begin(
        plan: Plan,
        mut appender: Box<dyn Appender>,
        key: &Key256,
        at: Beginning,
        predecessor: Option<Predecessor>,
        newest_before_ms: i64,
    ) -> io::Result<Self> {
        let (chain, segment) = begin_stream(&plan, &mut *appender, key, at, predecessor, newest_before_ms)?;
        let durable = Arc::new(Durable(Mutex::new(End::of(at.stream, &*segment, &chain))));
        let (next, unsure, frame) = (None, None, Vec::new());
        Ok(Self { plan, appender, at, next, chain, segment, unsure, durable, frame })
    }

    pub(crate) fn durable(&self) -> Arc<Durable> {
        Arc::clone(&self.durable)
    }

    /// Writes batches until the queue is closed and empty, then ends the stream.
    pub(crate) fn run(mut self, queue: &Arc<Queue>) -> Result<(), Failure> {
        let _abandon = AbandonOnExit(Arc::clone(queue));
        let mut spare = Batch::empty();
        let mut well = true;
        while let Some(mut batch) = queue.take(spare) {
            if batch.is_awaited() {
                let written = self.write(Kind::Records, &batch);
                well = self.report(well, &written);
                batch.complete(written.map_err(Failure::from));
            }
            for request in batch.take_stream_requests() {
                let begun = self.begin_next(request.now_ms);
                well = self.report(well, &begun);
                request.answer(begun.map_err(Failure::from));
            }
            batch.recycle();
            spare = batch;
        }
        Ok(self.end()?)
    }

    /// Logs when writing begins to fail and when it works again, not each attempt. Returns whether it works.
    fn report<T>(&self, well: bool, written: &io::Result<T>) -> bool {
        let stream = self.at.stream;
        match written {
            Err(error) if well => tracing::error!(%error, %stream, "the journal cannot be written"),
            Ok(_) if !well => tracing::info!(%stream, "the journal is written again"),
            _ => {}
        }
        written.is_ok()
    }

    /// Writes one frame and returns the position of its first record.
    fn write(&mut self, kind: Kind, batch: &Batch) -> io::Result<Position> {
        self.settle()?;
        self.enter_next()?;
        if !self.segment.has_room(frame::length_at(batch, self.segment.used())) {
            self.segment.finish()?;
            let number = self.segment.number() + 1;
            self.segment =
                next_segment(&self.plan, &mut *self.appender, self.at, &mut self.chain, number, None)?;
        }
        let hash =
            self.chain.seal(kind, batch, self.segment.used(), &mut self.frame).map_err(io::Error::other)?;
        if let Err(error) = self.segment.put(&self.frame, self.chain.next_record()) {
            self.unsure = Some(Unsure { kind, count: batch.count, newest_ms: batch.newest_ms, hash });
            return Err(error);
        }
        let record = self.chain.advance(batch.count, batch.newest_ms, hash);
        self.durable.set(End::of(self.at.stream, &*self.segment, &self.chain));
        Ok(Position { stream: self.at.stream, record })
    }

    /// Finds out whether the last frame that could not be put is there all the same. Nobody was told so, and the chain goes
    /// on behind it.
    fn settle(&mut self) -> io::Result<()> {
        let Some(unsure) = &self.unsure else { return Ok(()) };
        let is_there = self.segment.settle()?;
        if is_there && unsure.kind == Kind::End {
            return Err(io::Error::other("the stream has ended"));
        }
        if is_there {
            self.chain.advance(unsure.count, unsure.newest_ms, unsure.hash);
            self.durable.set(End::of(self.at.stream, &*self.segment, &self.chain));
        }
        self.unsure = None;
        Ok(())
    }

    /// Ends the stream and begins the next.
    ///
    /// If the end cannot be written, the stream goes on. If the next cannot be begun after that, whatever is
    /// written next begins it first: nothing may stand behind an end.
    fn begin_next(&mut self, now_ms: i64) -> io::Result<StreamId> {
        if self.next.is_none() {
            let next = Beginning::after(Some(self.at.stream), now_ms)?;
            self.write(Kind::End, &Batch::empty())?;
            self.next = Some(next);
        }
        self.enter_next()?;
        Ok(self.at.stream)
    }

    /// Begins the next stream, if this one has ended. The new directory appears only when the segments of the
    /// old one are as they stay: who finds a newer stream takes an older one for whole. May be repeated.
    fn enter_next(&mut self) -> io::Result<()> {
        let Some(next) = self.next else { return Ok(()) };
        self.segment.finish()?;
        let end = (self.chain.next_frame(), self.chain.previous());
        let predecessor = Predecessor { stream: self.at.stream, end: Some(end) };
        let newest_ms = self.chain.newest_ms();
        let key = self.plan.key.as_ref().ok_or(io::ErrorKind::Unsupported)?;
        (self.chain, self.segment) =
            begin_stream(&self.plan, &mut *self.appender, key, next, Some(predecessor), newest_ms)?;
        (self.at, self.next) = (next, None);
        self.durable.set(End::of(self.at.stream, &*self.segment, &self.chain));
        Ok(())
    }

    fn end(&mut self) -> io::Result<()> {
        if self.next.is_none() {
            self.write(Kind::End, &Batch::empty())?;
        }
        self.segment.finish()
    }
}

/// Makes a stream and its first segment. May be repeated.
fn begin_stream(
    plan: &Plan,
    appender: &mut dyn Appender,
    key: &Key256,
    at: Beginning,
    predecessor: Option<Predecessor>,
    newest_before_ms: i64,
) -> io::Result<(Chain, Box<dyn OpenSegment>)> {
    let key = ChainKey::first(key, at.stream).map_err(io::Error::other)?;
    appender.begin_stream(at.stream)?;
    let mut chain = Chain::begin(key, newest_before_ms);
    let segment = next_segment(plan, appender, at, &mut chain, 1, predecessor)?;
    Ok((chain, segment))
}

fn next_segment(
    plan: &Plan,
    appender: &mut dyn Appender,
    at: Beginning,
    chain: &mut Chain,
    number: u32,
    predecessor: Option<Predecessor>,
) -> io::Result<Box<dyn OpenSegment>> {
    let header = SegmentHeader {
        stream: at.stream,
        node: plan.node.clone(),
        opened_ms: at.opened_ms,
        key_epoch: plan.key_epoch,
        number,
        durability: plan.durability,
        first_frame: chain.next_frame(),
        first_record: chain.next_record(),
        newest_before_ms: chain.newest_ms(),
        previous: chain.previous(),
        predecessor,
    };
    let (segment, hash) = appender.create(&header, &|hash| chain.key().segment_mac(hash))?;
    chain.enter_segment(hash);
    Ok(segment)
}

/// Fails whoever still waits when the thread ends, in whatever way.
struct AbandonOnExit(Arc<Queue>);

impl Drop for AbandonOnExit {
    fn drop(&mut self) {
        self.0.abandon();
    }
}

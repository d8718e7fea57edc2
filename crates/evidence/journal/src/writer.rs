//! The writer: one thread that turns batches into durable frames.

use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use crate::chain::{Chain, ChainKey};
use crate::frame::{self, Kind};
use crate::queue::{Batch, Failure, Queue};
use crate::segment::{OpenSegment, Predecessor, SegmentHeader};
use crate::stream::StreamId;

/// How far a stream's frames are durable; readers in the same process go no further.
pub(crate) struct Durable {
    pub(crate) stream: StreamId,
    end: Mutex<End>,
}

/// The segment being written and the end of its last durable frame.
#[derive(Clone, Copy)]
pub(crate) struct End {
    pub(crate) segment: u32,
    pub(crate) offset: u64,
}

impl Durable {
    pub(crate) fn end(&self) -> End {
        *self.end.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, segment: &OpenSegment) {
        let end = End { segment: segment.number(), offset: segment.used() };
        *self.end.lock().unwrap_or_else(PoisonError::into_inner) = end;
    }
}

/// What all segments of a stream share.
pub(crate) struct StreamPlan {
    pub(crate) stream: StreamId,
    pub(crate) dir: PathBuf,
    pub(crate) node: String,
    pub(crate) opened_ms: i64,
    pub(crate) key_epoch: u32,
    pub(crate) segment_bytes: u64,
    pub(crate) sync: bool,
}

/// The writing end of one stream.
pub(crate) struct Writer {
    plan: StreamPlan,
    chain: Chain,
    segment: OpenSegment,
    durable: Arc<Durable>,
    /// The frame being written; kept for its memory.
    frame: Vec<u8>,
}

impl Writer {
    /// Begins the stream: makes its first segment.
    pub(crate) fn begin(
        plan: StreamPlan,
        key: ChainKey,
        predecessor: Option<Predecessor>,
        newest_before_ms: i64,
    ) -> io::Result<Self> {
        let mut chain = Chain::begin(key, newest_before_ms);
        let segment = next_segment(&plan, &mut chain, 1, predecessor)?;
        let end = End { segment: 1, offset: segment.used() };
        let durable = Arc::new(Durable { stream: plan.stream, end: Mutex::new(end) });
        Ok(Self { plan, chain, segment, durable, frame: Vec::new() })
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
            let written = self.write(Kind::Records, &batch);
            self.report(well, &written);
            well = written.is_ok();
            batch.complete(written.map_err(|error| Failure::Unavailable(Arc::new(error))));
            batch.recycle();
            spare = batch;
        }
        self.end().map_err(|error| Failure::Unavailable(Arc::new(error)))
    }

    /// Logs when writing begins to fail and when it works again, not each attempt.
    fn report(&self, well: bool, written: &io::Result<u64>) {
        let stream = self.plan.stream;
        match written {
            Err(error) if well => tracing::error!(%error, %stream, "the journal cannot be written"),
            Ok(_) if !well => tracing::info!(%stream, "the journal is written again"),
            _ => {}
        }
    }

    /// Writes one frame and returns the number of its first record.
    fn write(&mut self, kind: Kind, batch: &Batch) -> io::Result<u64> {
        if !self.segment.has_room(frame::length(batch)) {
            self.segment.finish()?;
            self.segment = next_segment(&self.plan, &mut self.chain, self.segment.number() + 1, None)?;
        }
        let hash = self.chain.seal(kind, batch, &mut self.frame).map_err(io::Error::other)?;
        self.segment.put(&self.frame)?;
        let first = self.chain.advance(batch, hash);
        self.durable.set(&self.segment);
        Ok(first)
    }

    fn end(&mut self) -> io::Result<()> {
        self.write(Kind::End, &Batch::empty())?;
        self.segment.finish()
    }
}

fn next_segment(
    plan: &StreamPlan,
    chain: &mut Chain,
    number: u32,
    predecessor: Option<Predecessor>,
) -> io::Result<OpenSegment> {
    let header = SegmentHeader {
        stream: plan.stream,
        node: plan.node.clone(),
        opened_ms: plan.opened_ms,
        key_epoch: plan.key_epoch,
        number,
        first_frame: chain.next_frame(),
        first_record: chain.next_record(),
        newest_before_ms: chain.newest_ms(),
        previous: chain.previous(),
        predecessor,
    };
    let mac = |hash: &_| chain.key().segment_mac(hash);
    let (segment, hash) = OpenSegment::create(&plan.dir, &header, mac, plan.segment_bytes, plan.sync)?;
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

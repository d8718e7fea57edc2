//! The queue between callers and the writer: one batch that callers fill while the writer flushes the one
//! before.
//!
//! There is nothing to signal per record. A caller leaves its encoded record in the open batch and waits on
//! that batch's [`Ticket`]; the writer takes the whole batch, writes it as one frame and completes the ticket
//! once.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::sync::{Notify, oneshot};

use crate::frame::{self, CONTEXTS_LIMIT, ENTRY_LEN};
use crate::record::Record;
use crate::record::codec::Parts;
use crate::stream::{Position, StreamId};

/// Records on their way into one frame.
pub(crate) struct Batch {
    /// What records of the frame share.
    pub(crate) contexts: Contexts,
    /// The records' part of the frame's table, ready to be written.
    pub(crate) table: Vec<u8>,
    /// The records, one after the other.
    pub(crate) records: Vec<u8>,
    pub(crate) count: u32,
    pub(crate) oldest_ms: i64,
    pub(crate) newest_ms: i64,
    /// Somebody asks whether it can be written, whatever it holds.
    probed: bool,
    /// Who asks for a new stream behind this batch.
    streams: Vec<StreamRequest>,
    ticket: Arc<Ticket>,
}

impl Batch {
    pub(crate) fn empty() -> Self {
        Self {
            contexts: Contexts::default(),
            table: Vec::new(),
            records: Vec::new(),
            count: 0,
            oldest_ms: i64::MAX,
            newest_ms: i64::MIN,
            probed: false,
            streams: Vec::new(),
            ticket: Arc::default(),
        }
    }

    /// Tells whether somebody waits for the batch to be written.
    pub(crate) fn is_awaited(&self) -> bool {
        self.count > 0 || self.probed
    }

    /// Returns who asks for a new stream behind this batch, in the order of asking.
    pub(crate) fn take_stream_requests(&mut self) -> Vec<StreamRequest> {
        std::mem::take(&mut self.streams)
    }

    /// Tells the batch's callers what became of it.
    pub(crate) fn complete(&self, outcome: Outcome) {
        self.ticket.complete(outcome);
    }

    /// Empties the batch for reuse, keeping its memory.
    pub(crate) fn recycle(&mut self) {
        self.contexts.clear();
        self.table.clear();
        self.records.clear();
        (self.count, self.oldest_ms, self.newest_ms) = (0, i64::MAX, i64::MIN);
        self.probed = false;
        self.ticket = Arc::default();
    }

    /// Returns how long the frame would be with those records in it; none if it cannot take them.
    fn length_with(&self, records: &[Encoded]) -> Option<usize> {
        // Of one caller there is one context in all of them, mostly the one before.
        let (mut new, mut more) = (0, 0);
        for record in records {
            if self.contexts.find(&record.context).is_none() {
                new += 1;
                more += ENTRY_LEN + record.context.len();
            }
        }
        let more = more + records.iter().map(|record| ENTRY_LEN + record.own.len()).sum::<usize>();
        (self.contexts.len() + new <= CONTEXTS_LIMIT).then(|| frame::length(self) + more)
    }

    /// Takes a record; [`Batch::length_with`] has seen to it that there is room.
    fn push(&mut self, record: &Encoded) {
        let context =
            self.contexts.find(&record.context).unwrap_or_else(|| self.contexts.add(&record.context));
        self.table.extend_from_slice(&frame::with_context(record.entry, context as u8));
        self.records.extend_from_slice(&record.own);
        self.count += 1;
        self.oldest_ms = self.oldest_ms.min(record.time_ms);
        self.newest_ms = self.newest_ms.max(record.time_ms);
    }
}

impl Drop for Batch {
    /// Callers of a batch that nobody will write any more must not wait for ever.
    fn drop(&mut self) {
        self.ticket.complete(Err(Failure::Closed));
    }
}

/// The contexts of a batch's records, each once.
#[derive(Default)]
pub(crate) struct Contexts {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Contexts {
    /// Returns how many there are: [`CONTEXTS_LIMIT`] at most.
    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    /// Returns all of them, one after the other.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Returns each of them.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &[u8]> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts.zip(&self.ends).map(|(start, &end)| &self.bytes[start..end])
    }

    fn find(&self, context: &[u8]) -> Option<usize> {
        self.iter().position(|known| known == context)
    }

    fn add(&mut self, context: &[u8]) -> usize {
        self.bytes.extend_from_slice(context);
        self.ends.push(self.bytes.len());
        self.ends.len() - 1
    }

    fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
    }
}

/// A record ready for the queue: encoded and hashed by its caller.
pub(crate) struct Encoded {
    pub(crate) context: Vec<u8>,
    pub(crate) own: Vec<u8>,
    pub(crate) entry: [u8; ENTRY_LEN],
    pub(crate) time_ms: i64,
}

impl Encoded {
    /// What the record takes of a frame in which nobody shares its context, but for entries in the table.
    pub(crate) fn length(&self) -> usize {
        self.context.len() + self.own.len()
    }
}

/// What records take of a frame at most, with their entries in the table.
pub(crate) fn length(records: &[Encoded]) -> usize {
    records.iter().map(|record| 2 * ENTRY_LEN + record.length()).sum()
}

impl From<&Record> for Encoded {
    fn from(record: &Record) -> Self {
        let Parts { context, own } = record.encode_parts();
        Self { entry: frame::entry(&own), context, own, time_ms: record.event_time_ms }
    }
}

/// Somebody who asks for a new stream.
pub(crate) struct StreamRequest {
    pub(crate) now_ms: i64,
    tell: oneshot::Sender<Result<StreamId, Failure>>,
}

impl StreamRequest {
    /// Tells the new stream, or why there is none.
    pub(crate) fn answer(self, begun: Result<StreamId, Failure>) {
        // Nobody listens if the caller stopped waiting; the stream is begun all the same.
        let _ = self.tell.send(begun);
    }
}

/// What became of a batch: the position of its first record, or why it was not written.
pub(crate) type Outcome = Result<Position, Failure>;

#[derive(Clone, Debug)]
pub(crate) enum Failure {
    Unavailable(Arc<io::Error>),
    Closed,
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Unavailable(Arc::new(error))
    }
}

/// How much one batch may hold.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    pub(crate) records: u32,
    /// Length of the frame.
    pub(crate) bytes: usize,
}

/// The open batch, and who waits for it.
pub(crate) struct Queue {
    state: Mutex<State>,
    /// Wakes the writer.
    arrived: Condvar,
    /// Wakes callers that found the batch full.
    taken: Notify,
    bounds: Bounds,
    /// How long a batch waits for others of as many callers as there are.
    gather: Duration,
}

struct State {
    batch: Batch,
    closed: bool,
    /// How many records the writer waits for; none while it works.
    awaited: Option<u32>,
    /// How many records the batch before had.
    before: u32,
}

/// With fewer callers than these at a time nobody waits for others.
const FEW: u32 = 4;

/// What the queue says to a record.
pub(crate) enum Offer {
    /// It is in the batch; await what becomes of it.
    Taken(Waiting),
    /// The batch is full; come again after [`Queue::taken`].
    Full,
    /// The journal is closed.
    Closed,
}

impl Queue {
    pub(crate) fn new(bounds: Bounds, gather: Duration) -> Self {
        let state = State { batch: Batch::empty(), closed: false, awaited: None, before: 0 };
        Self { state: Mutex::new(state), arrived: Condvar::new(), taken: Notify::new(), bounds, gather }
    }

    /// Puts records into the open batch: all of them, or none.
    pub(crate) fn offer(&self, records: &[Encoded]) -> Offer {
        let mut state = self.lock();
        if state.closed {
            return Offer::Closed;
        }
        let batch = &mut state.batch;
        // An empty batch takes what belongs together, however many those are.
        let room = self.bounds.records.saturating_sub(batch.count) as usize;
        let too_many = batch.count > 0 && records.len() > room;
        let fits = batch.length_with(records).is_some_and(|length| length <= self.bounds.bytes);
        if too_many || !fits {
            // What there is must not wait for more.
            self.wake(state);
            return Offer::Full;
        }
        let index = batch.count;
        for record in records {
            batch.push(record);
        }
        Offer::Taken(self.joined(state, index))
    }

    /// Asks that the open batch be written even if it stays empty; none once the queue is closed.
    pub(crate) fn probe(&self) -> Option<Waiting> {
        let mut state = self.lock();
        if state.closed {
            return None;
        }
        state.batch.probed = true;
        Some(self.joined(state, 0))
    }

    /// Asks for a new stream behind the open batch: what was offered before belongs to the present one. None
    /// once the queue is closed; the answer fails if the writer is gone.
    pub(crate) fn begin_stream(&self, now_ms: i64) -> Option<oneshot::Receiver<Result<StreamId, Failure>>> {
        let mut state = self.lock();
        if state.closed {
            return None;
        }
        let (tell, begun) = oneshot::channel();
        state.batch.streams.push(StreamRequest { now_ms, tell });
        self.wake(state);
        Some(begun)
    }

    /// Wakes the writer for the open batch, if it is what the writer waits for, and makes the wait for it.
    fn joined(&self, state: MutexGuard<'_, State>, index: u32) -> Waiting {
        let ticket = Arc::clone(&state.batch.ticket);
        if state.batch.probed || state.awaited.is_some_and(|awaited| state.batch.count >= awaited) {
            self.wake(state);
        }
        Waiting { ticket, index, slot: None }
    }

    fn wake(&self, mut state: MutexGuard<'_, State>) {
        if state.awaited.take().is_some() {
            drop(state);
            self.arrived.notify_one();
        }
    }

    /// Resolves when the writer next takes a batch. Make the future first, then offer, then await it.
    pub(crate) fn taken(&self) -> impl Future<Output = ()> {
        self.taken.notified()
    }

    /// Waits for records, a probe or a request for a stream, and takes the batch, leaving `spare` to be filled;
    /// none once the queue is closed and empty.
    ///
    /// Where several callers append at a time, the batch waits a little for those who were just answered: a frame for
    /// all of them costs the disk and the processor little more than one for half of them. It does not wait for more
    /// records than there are callers, so that nobody waits for nobody.
    pub(crate) fn take(&self, spare: Batch) -> Option<Batch> {
        let mut state = self.lock();
        // Those who wait now were not in the batch before.
        let callers = state.before + state.batch.count;
        while !state.batch.is_awaited() && state.batch.streams.is_empty() {
            if state.closed {
                return None;
            }
            state.awaited = Some(1);
            state = self.arrived.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        let wanted = callers.min(self.bounds.records);
        let is_gathering = |state: &mut State| {
            state.batch.count < wanted && state.awaited.is_some() && !state.closed && !state.batch.probed
        };
        if wanted >= FEW && !self.gather.is_zero() && state.batch.streams.is_empty() {
            state.awaited = Some(wanted);
            let gathered = self.arrived.wait_timeout_while(state, self.gather, is_gathering);
            state = gathered.unwrap_or_else(PoisonError::into_inner).0;
        }
        state.awaited = None;
        state.before = state.batch.count;
        let batch = std::mem::replace(&mut state.batch, spare);
        drop(state);
        self.taken.notify_waiters();
        Some(batch)
    }

    /// Refuses further records; those in the queue are still written.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.arrived.notify_one();
        self.taken.notify_waiters();
    }

    /// Closes the queue and fails what is in it: the writer is gone.
    pub(crate) fn abandon(&self) {
        self.close();
        let left = std::mem::replace(&mut self.lock().batch, Batch::empty());
        drop(left);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A panic while the lock is held cannot leave half a record: a batch only grows by whole ones, count
        // last.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where a batch's outcome appears, for all its callers at once.
#[derive(Default)]
struct Ticket {
    outcome: OnceLock<Outcome>,
    wakers: Mutex<Vec<Waker>>,
}

impl Ticket {
    fn complete(&self, outcome: Outcome) {
        if self.outcome.set(outcome).is_err() {
            return;
        }
        let wakers = std::mem::take(&mut *self.wakers());
        wakers.into_iter().for_each(Waker::wake);
    }

    fn wakers(&self) -> MutexGuard<'_, Vec<Waker>> {
        self.wakers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One caller's wait: resolves to its record's position.
pub(crate) struct Waiting {
    ticket: Arc<Ticket>,
    /// The record's place in its batch.
    index: u32,
    /// The caller's place among the wakers, once it has one.
    slot: Option<usize>,
}

impl Future for Waiting {
    type Output = Result<Position, Failure>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        if this.ticket.outcome.get().is_none() {
            let mut wakers = this.ticket.wakers();
            // Completion sets the outcome before it takes the wakers: looking again under the lock misses
            // nothing.
            if this.ticket.outcome.get().is_none() {
                let slot = *this.slot.get_or_insert(wakers.len());
                if let Some(waker) = wakers.get_mut(slot) {
                    waker.clone_from(context.waker());
                } else {
                    wakers.push(context.waker().clone());
                }
                return Poll::Pending;
            }
        }
        match this.ticket.outcome.get() {
            Some(Ok(first)) => {
                Poll::Ready(Ok(Position { record: first.record + u64::from(this.index), ..*first }))
            }
            Some(Err(failure)) => Poll::Ready(Err(failure.clone())),
            None => Poll::Pending,
        }
    }
}

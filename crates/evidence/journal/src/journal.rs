//! The journal as its writer sees it: open, append, go on in a new stream, close.

use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use strongroom_secret::Key256;
use strongroom_store::Db;
use tokio::sync::{oneshot, watch};

use crate::error::JournalError;
use crate::frame::{ENTRY_LEN, FRAME_LIMIT, OVERHEAD, PADDING_LIMIT};
use crate::keeper::{Keeper, KeeperOptions, Kept};
use crate::queue::{self, Bounds, Encoded, Failure, Offer, Queue, Waiting};
use crate::reader::{Live, Reader};
use crate::record::{RECORD_LIMIT, Record};
use crate::recovery::{self, OpenNote};
use crate::segment::{self, NODE_LIMIT, SEGMENT_LIMIT};
use crate::storage::{Chain, Files, ONLY_CHAIN, Rows, Storage, Taken, Taking};
use crate::stream::{Position, StreamId};
use crate::writer::{Beginning, Durable, Plan, Writer};

/// When a record counts as written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Durability {
    /// On the disk: survives a power cut.
    #[default]
    Sync,
    /// In the kernel: survives the end of the process, not of the machine.
    Written,
}

/// Longest time that a frame may wait for more records.
const LONGEST_GATHER: Duration = Duration::from_millis(100);

/// How long an append waits for a store to take it. What is in memory is too old to act on by then.
const STORE_PATIENCE: Duration = Duration::from_secs(5);

/// How a journal is written.
#[derive(Clone, Debug)]
pub struct JournalOptions {
    /// When an append is acknowledged.
    pub durability: Durability,
    /// Size of a segment, preallocated: 4 KiB to 64 MiB. No record can be larger than this less about 700
    /// bytes.
    pub segment_bytes: u64,
    /// Most records in one frame, and so waiting to be written: at least 1.
    pub queue_records: u32,
    /// Most bytes in one frame, and so waiting to be written: 4 KiB to 2 MiB.
    pub queue_bytes: usize,
    /// How long a frame waits, where several callers append at a time, for those of them who are not in it yet; at most
    /// 100 ms. It waits for no more of them than there were just before. Zero: not at all; none:
    /// as long as pays, 200 µs where frames are flushed and 50 µs where they are written only.
    pub gather: Option<Duration>,
    /// How long an append waits for room in the queue before it fails as [`JournalError::Busy`].
    pub longest_wait: Duration,
    /// Which epoch of the journal's subkey the given key is; written down so that [`verify`](crate::verify())
    /// can ask for it after the seal was rotated.
    pub key_epoch: u32,
    /// Whether [`Journal::begin_stream`] may be called. It needs the journal's key for as long as the journal
    /// is open; without it whoever reads this process's memory can forge what comes, and nothing that was.
    pub begins_streams: bool,
}

impl Default for JournalOptions {
    fn default() -> Self {
        Self {
            durability: Durability::Sync,
            segment_bytes: 16 << 20,
            queue_records: 4096,
            queue_bytes: 1 << 20,
            gather: None,
            longest_wait: Duration::from_secs(2),
            key_epoch: 1,
            begins_streams: false,
        }
    }
}

impl JournalOptions {
    fn check(&self) -> Result<(), JournalError> {
        let refuse = |option, rule| Err(JournalError::Option { option, rule });
        if !(4096..=SEGMENT_LIMIT).contains(&self.segment_bytes) {
            return refuse("segment_bytes", "from 4096 to 67108864");
        }
        if self.queue_records == 0 {
            return refuse("queue_records", "at least 1");
        }
        if !(4096..=FRAME_LIMIT).contains(&self.queue_bytes) {
            return refuse("queue_bytes", "from 4096 to 2097152");
        }
        if self.gather.is_some_and(|gather| gather > LONGEST_GATHER) {
            return refuse("gather", "at most 100 milliseconds");
        }
        Ok(())
    }

    fn gather(&self) -> Duration {
        // A flush costs what many calls cost; a write costs little more than waking who writes.
        let pays = match self.durability {
            Durability::Sync => 200,
            Durability::Written => 50,
        };
        self.gather.unwrap_or(Duration::from_micros(pays))
    }

    /// What one frame may hold: a frame never spans segments.
    fn bounds(&self) -> Bounds {
        let segment = self.segment_bytes as usize - segment::HEADER_LEN;
        Bounds {
            records: self.queue_records,
            bytes: self.queue_bytes.min(FRAME_LIMIT).min(segment) - PADDING_LIMIT,
        }
    }
}

/// A journal just opened, and what was found on the way.
pub struct Opened {
    /// The journal, on a new stream.
    pub journal: Journal,
    /// What the end of the stream before looked like, if there is something to say. Damage does not keep the
    /// journal from opening: the evidence stays as it is, for [`verify`](crate::verify()).
    pub notes: Vec<OpenNote>,
}

/// What became of closing a server off.
pub enum ClosedOff {
    /// Its journal lies elsewhere.
    Unknown,
    /// It has started again, and goes on.
    IsBack,
    /// It records nothing more; all that it has recorded is here.
    Closed(Reader),
}

/// The writing end of a journal. One process writes a journal at a time.
///
/// Dropping it flushes and ends the stream, waiting for the disk; [`Journal::close`] does so without blocking
/// the caller's thread.
pub struct Journal {
    queue: Arc<Queue>,
    /// What this journal writes.
    chain: Chain,
    /// Where it lies, with whatever else lies there.
    places: Vec<Arc<dyn Storage>>,
    /// The same, if that is a store.
    store: Option<Rows>,
    durable: Arc<Durable>,
    record_limit: usize,
    /// What one frame takes of records that belong together, with their table entries.
    records_limit: usize,
    longest_wait: Duration,
    begins_streams: bool,
    writer: Mutex<Option<WriterThread>>,
    lost: Option<watch::Receiver<bool>>,
    /// Held until the writer has ended.
    _hold: Box<dyn Send + Sync>,
}

struct WriterThread {
    thread: JoinHandle<()>,
    ended: oneshot::Receiver<Result<(), Failure>>,
}

impl Journal {
    /// Opens the journal in `dir`, making it if need be: recovers the stream before and begins a new one.
    ///
    /// `key` is the seal's journal subkey of `options.key_epoch`; `node` names this server (1 to 64 bytes);
    /// `now_ms` is domain time, milliseconds since 1970 UTC. Blocks on the disk.
    pub fn open(
        dir: &Path,
        options: &JournalOptions,
        key: &Key256,
        node: &str,
        now_ms: i64,
    ) -> Result<Opened, JournalError> {
        let storage: Arc<dyn Storage> = Arc::new(Files::new(dir));
        let chain = Chain { name: ONLY_CHAIN.into(), storage: Arc::clone(&storage) };
        Self::open_chain(chain, vec![storage], options, key, node, now_ms)
    }

    /// Opens the journal of the server of that name (1 to 64 bytes) in a store, beside those of the others on it: recovers
    /// its stream before and begins a new one. The store has the tables of [`MIGRATIONS`](crate::MIGRATIONS), and is
    /// PostgreSQL. Whoever wrote this journal before cannot any more.
    ///
    /// Frames are on the store's disk when an append is acknowledged, whatever `options` say of durability. Blocks on the
    /// store.
    pub fn open_in_store(
        db: &Db,
        server: &str,
        options: &JournalOptions,
        key: &Key256,
        now_ms: i64,
    ) -> Result<Opened, JournalError> {
        let name = Path::new("the journals in the store");
        let all = Rows::open(db).map_err(JournalError::io("open", name))?;
        let chain = Chain { name: server.into(), storage: Arc::new(all.of(server)) };
        let options = &JournalOptions { durability: Durability::Sync, ..options.clone() };
        let mut opened = Self::open_chain(chain, vec![Arc::new(all.clone())], options, key, server, now_ms)?;
        opened.journal.store = Some(all);
        Ok(opened)
    }

    /// Keeps the server that writes a stream, in a journal that lies where this one does, from recording anything more: it
    /// is gone, and what it left is to be taken over. Blocks on the store.
    pub fn close_off(&self, stream: StreamId) -> Result<ClosedOff, JournalError> {
        let Some(store) = &self.store else { return Ok(ClosedOff::Unknown) };
        let found = store.close_off(stream).map_err(JournalError::io("take over", &store.name()))?;
        Ok(match found {
            None => ClosedOff::Unknown,
            Some((_, false)) => ClosedOff::IsBack,
            Some((chain, true)) => ClosedOff::Closed(self.reader().of_chain(&chain.name)),
        })
    }

    /// Where the journal of another server lies, if this one lies in a store.
    pub(crate) fn other_chain(&self, name: &str) -> Option<Arc<dyn Storage>> {
        let store = self.store.as_ref().filter(|_| *self.chain.name != *name)?;
        Some(Arc::new(store.of(name)))
    }

    /// Resolves when somebody else has taken this journal: nothing more can be written. Never where that cannot happen.
    pub async fn lost(&self) {
        if let Some(lost) = &self.lost
            && lost.clone().wait_for(|lost| *lost).await.is_ok()
        {
            return;
        }
        // The writer has ended, or a lock keeps others out.
        std::future::pending::<()>().await;
    }

    /// Takes a chain and begins a new stream of it.
    fn open_chain(
        chain: Chain,
        places: Vec<Arc<dyn Storage>>,
        options: &JournalOptions,
        key: &Key256,
        node: &str,
        now_ms: i64,
    ) -> Result<Opened, JournalError> {
        options.check()?;
        if node.is_empty() || node.len() > NODE_LIMIT {
            return Err(JournalError::Option { option: "node", rule: "1 to 64 bytes long" });
        }
        let (storage, name) = (&*chain.storage, chain.storage.name());
        let taking =
            Taking { segment_bytes: options.segment_bytes, sync: options.durability == Durability::Sync };
        let Taken { appender, hold, lost } = storage.take(&taking).map_err(|error| match error.kind() {
            io::ErrorKind::WouldBlock => JournalError::InUse { path: name.clone() },
            _ => JournalError::io("open", &name)(error),
        })?;
        let before = recovery::recover(storage, now_ms)?;
        let kept = options.begins_streams.then(|| {
            let mut kept = Box::<Key256>::default();
            kept.expose_mut().copy_from_slice(key.expose());
            kept
        });
        let &JournalOptions { key_epoch, durability, .. } = options;
        let plan = Plan { node: node.to_owned(), key: kept, key_epoch, durability };
        let writer = Beginning::after(before.last, now_ms)
            .and_then(|at| Writer::begin(plan, appender, key, at, before.predecessor, before.newest_ms))
            .map_err(JournalError::io("begin a stream in", &name))?;
        let bounds = options.bounds();
        let durable = writer.durable();
        let queue = Arc::new(Queue::new(bounds, options.gather()));
        let journal = Self {
            writer: Mutex::new(Some(
                start(writer, Arc::clone(&queue)).map_err(JournalError::io("write", &name))?,
            )),
            queue,
            chain,
            places,
            store: None,
            durable,
            record_limit: RECORD_LIMIT.min(bounds.bytes - OVERHEAD - 2 * ENTRY_LEN),
            records_limit: bounds.bytes - OVERHEAD,
            longest_wait: options.longest_wait,
            begins_streams: options.begins_streams,
            lost,
            _hold: hold,
        };
        Ok(Opened { journal, notes: before.notes })
    }

    /// Returns the stream that this journal writes now.
    pub fn stream(&self) -> StreamId {
        self.durable.end().stream
    }

    /// Ends the stream and goes on in a new one, as a restart would, and returns it. `now_ms` is domain time,
    /// milliseconds since 1970 UTC, and may be earlier than any before: the new stream sorts last all the same.
    ///
    /// Appends go on meanwhile. What is in the queue when this is called goes to the stream before; what is
    /// appended once it has resolved goes to the new one. A caller that stops waiting gets its stream begun
    /// all the same.
    ///
    /// Fails as [`JournalError::Option`] unless the journal was opened with
    /// [`begins_streams`](JournalOptions::begins_streams), and as [`JournalError::Unavailable`] if the disk does not take it: the stream then goes on, or, if
    /// its end was written and no more, the next append begins the new one.
    pub async fn begin_stream(&self, now_ms: i64) -> Result<StreamId, JournalError> {
        if !self.begins_streams {
            return Err(JournalError::Option {
                option: "begins_streams",
                rule: "set when the journal is opened",
            });
        }
        let begun = self.queue.begin_stream(now_ms).ok_or(JournalError::Closed)?;
        // A writer that ends without a word has panicked.
        Ok(begun.await.map_err(|_| JournalError::Closed)??)
    }

    /// Appends a record. Resolves to its position when its frame is as durable as the options ask.
    ///
    /// The record is encoded and hashed on the caller's thread, then joins the batch that the writer takes
    /// next. When the queue is full the caller waits for room, within bounds. Must run in a tokio runtime
    /// with its timer enabled. A caller that stops waiting leaves its record in the journal, unless it was
    /// still waiting for room.
    pub async fn append(&self, record: &Record) -> Result<Position, JournalError> {
        let encoded = Encoded::from(record);
        self.append_encoded(std::slice::from_ref(&encoded)).await
    }

    /// Appends records that belong to one call, as [`append`](Self::append) does: one frame takes them all, so that
    /// none is there without the others. Resolves to the position of the first; the others follow it.
    pub async fn append_together(&self, first: &Record, others: &[Record]) -> Result<Position, JournalError> {
        let encoded: Vec<_> = std::iter::once(first).chain(others).map(Encoded::from).collect();
        self.append_encoded(&encoded).await
    }

    async fn append_encoded(&self, records: &[Encoded]) -> Result<Position, JournalError> {
        let largest = records.iter().map(Encoded::length).max().unwrap_or_default();
        let sizes = [(largest, self.record_limit), (queue::length(records), self.records_limit)];
        if let Some((bytes, limit)) = sizes.into_iter().find(|(bytes, limit)| bytes > limit) {
            return Err(JournalError::RecordTooLarge { bytes, limit });
        }
        let waiting = match self.queue.offer(records) {
            Offer::Taken(waiting) => waiting,
            Offer::Full => self.wait_for_room(records).await?,
            Offer::Closed => return Err(JournalError::Closed),
        };
        self.written(waiting).await
    }

    /// Waits until a frame is written. A store that does not answer is not waited for without end: what it has been sent may
    /// be written all the same.
    async fn written(&self, waiting: Waiting) -> Result<Position, JournalError> {
        if self.store.is_none() {
            return Ok(waiting.await?);
        }
        match tokio::time::timeout(STORE_PATIENCE, waiting).await {
            Ok(written) => Ok(written?),
            Err(late) => Err(JournalError::Unavailable { source: Arc::new(io::Error::other(late)) }),
        }
    }

    /// Finds out whether the journal can be written, without a record: writes an empty frame, or shares the
    /// frame of the records that wait, and resolves once it is as durable as the options ask.
    ///
    /// For a program that was told [`JournalError::Unavailable`] and asks from time to time whether to take
    /// calls again. Each probe leaves a frame of 156 bytes where nothing else is written.
    pub async fn probe(&self) -> Result<(), JournalError> {
        let waiting = self.queue.probe().ok_or(JournalError::Closed)?;
        self.written(waiting).await.map(drop)
    }

    /// Returns a reader that shows each record from the moment its append is acknowledged, and whatever others write in
    /// the same place.
    pub fn reader(&self) -> Reader {
        let live = Live {
            chain: Arc::clone(&self.chain.name),
            durable: Arc::clone(&self.durable),
            is_alone: self.lost.is_none() && self.places.len() == 1,
        };
        Reader::of(self.places.clone(), Some(live))
    }

    /// Has readers show the journals in `db` too: those of servers of an installation that was restored from a store that
    /// they shared. Nobody writes them any more.
    pub fn beside_those_in(mut self, db: &Db) -> Result<Self, JournalError> {
        let rows =
            Rows::open(db).map_err(JournalError::io("open", Path::new("the journals in the store")))?;
        if !rows.chains().map_err(JournalError::io("list", &rows.name()))?.is_empty() {
            self.places.push(Arc::new(rows));
        }
        Ok(self)
    }

    /// Returns a reader of what this journal writes, and has written before, alone.
    pub fn own_reader(&self) -> Reader {
        self.reader().of_chain(&self.chain.name)
    }

    /// Returns what keeps this journal: signs checkpoints, compresses what is closed, drops what is old. One for each
    /// journal. `now_ms` is domain time, milliseconds since 1970 UTC. Blocks on the disk.
    pub fn keeper(&self, options: KeeperOptions, now_ms: i64) -> Result<Keeper, JournalError> {
        let kept = Kept {
            storage: Arc::clone(&self.chain.storage),
            reader: self.own_reader(),
            durable: Some(Arc::clone(&self.durable)),
        };
        Keeper::open(kept, options, now_ms)
    }

    /// Refuses further appends, writes what waits and ends the stream.
    ///
    /// Fails if the last of it could not be written; the stream then ends as after a crash. Closing again
    /// does nothing.
    pub async fn close(&self) -> Result<(), JournalError> {
        let writer = self.take_writer();
        self.queue.close();
        let Some(writer) = writer else { return Ok(()) };
        // A thread that ends without a word has panicked.
        let ended = writer.ended.await.map_err(|_| JournalError::Closed)?;
        Ok(ended?)
    }

    async fn wait_for_room(&self, records: &[Encoded]) -> Result<Waiting, JournalError> {
        let offered = async {
            loop {
                let taken = self.queue.taken();
                match self.queue.offer(records) {
                    Offer::Taken(waiting) => return Ok(waiting),
                    Offer::Full => taken.await,
                    Offer::Closed => return Err(JournalError::Closed),
                }
            }
        };
        tokio::time::timeout(self.longest_wait, offered).await.map_err(|_| JournalError::Busy)?
    }

    fn take_writer(&self) -> Option<WriterThread> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        self.queue.close();
        if let Some(writer) = self.take_writer() {
            // The thread reports its own errors; a panic of it has been shown already.
            let _ = writer.thread.join();
        }
    }
}

impl From<Failure> for JournalError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Unavailable(source) => Self::Unavailable { source },
            Failure::Closed => Self::Closed,
        }
    }
}

fn start(writer: Writer, queue: Arc<Queue>) -> io::Result<WriterThread> {
    let (tell, ended) = oneshot::channel();
    let thread = thread::Builder::new().name("journal".to_owned()).spawn(move || {
        // Nobody listens if the journal was dropped rather than closed.
        let _ = tell.send(writer.run(&queue));
    })?;
    Ok(WriterThread { thread, ended })
}

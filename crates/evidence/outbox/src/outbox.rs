//! Drafts in the store, records in the journal.

mod adopting;

use std::collections::{BTreeSet, HashSet, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use strongroom_crypto::hex;
use strongroom_identity::RecordDraft;
use strongroom_journal::{Journal, JournalError, Position, Reader, Record, StreamId};
use strongroom_store::{Db, Engine, Posted, RowMac, StoreError, Value};

use adopting::Claimed;

/// How many drafts are taken out of the store at once. As many at the most are looked for in the journal at
/// the next start, and found there.
const BATCH: usize = 64;

/// Drafts read from the store at once.
const PAGE: u32 = 256;

/// Records that wait in memory while the journal cannot be written. Those beyond are found as drafts at the
/// next start.
const MOST_LATE: usize = 4_096;

/// Drafts that are noted as recorded while they cannot be taken out.
const MOST_NOTED: usize = 4_096;

/// What a draft's MAC is made for.
const TABLE: &str = "outbox";

/// Bytes of a place in the journal, which follows the MAC that a draft begins with: a stream's name and a record's number.
const PLACE: usize = 32 + 8;

/// Why the outbox cannot be emptied into the journal.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OutboxError {
    /// The drafts cannot be read or taken out.
    #[error("the outbox cannot be read")]
    Store(#[from] StoreError),
    /// The records cannot be looked up or written.
    #[error("what a crash left in the outbox cannot be recorded")]
    Journal(#[from] JournalError),
}

/// The drafts that have become records, or shall.
pub struct Outbox {
    pub(crate) db: Db,
    mac: RowMac,
    pub(crate) journal: Arc<Journal>,
    /// Where the next record will be, or later.
    place: Mutex<Place>,
    delivered: Mutex<Vec<[u8; 16]>>,
    /// Records of changes that happened while the journal could not be written.
    late: Mutex<VecDeque<Late>>,
    /// Held by whoever writes those.
    catching_up: tokio::sync::Mutex<()>,
    /// Drafts that are being made this server's own. Where the store did not say whether they are, they wait here.
    claims: tokio::sync::Mutex<Vec<Claimed>>,
    /// The last record could not be written; the next that can be ends this.
    failing: AtomicBool,
}

/// A place in the journal: all records of a stream from one number on, and the streams that follow.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    stream: StreamId,
    record: u64,
}

/// A record that could not be written, as far as is known.
struct Late {
    /// If it was written all the same, it is here or later.
    place: Place,
    record: Record,
}

/// A draft that was read back.
struct Draft {
    /// As it was found.
    posted: Posted,
    /// Its record is here or later, if there is one.
    place: Place,
    record: Record,
}

impl Outbox {
    /// The outbox in `db`, its drafts sealed under `mac`, their records going to `journal`.
    pub fn new(db: Db, mac: RowMac, journal: Arc<Journal>) -> Self {
        let place = Mutex::new(Place { stream: journal.stream(), record: 0 });
        let failing = AtomicBool::new(false);
        Self {
            db,
            mac,
            journal,
            place,
            delivered: Mutex::default(),
            late: Mutex::default(),
            catching_up: tokio::sync::Mutex::default(),
            claims: tokio::sync::Mutex::default(),
            failing,
        }
    }

    /// Reads what is recorded.
    pub fn reader(&self) -> Reader {
        self.journal.reader()
    }

    /// The draft of a record: its encoding after a MAC, for it waits where others may be able to write.
    pub fn draft(&self, record: &Record) -> RecordDraft {
        let (event_id, encoded) = (record.event_id.0, record.encode());
        let place = lock(&self.place).to_bytes();
        let columns =
            [("id", &event_id.into()), ("place", &place.into()), ("record", &Value::from(&encoded))];
        let mut bytes = self.mac.seal(TABLE, &columns);
        bytes.extend(place);
        bytes.extend(encoded);
        RecordDraft { event_id, bytes, mark: None }
    }

    /// Appends a record. That of a change (`changed`), whose draft is committed, is kept for later if it
    /// cannot be appended now; after a crash its draft is there.
    pub async fn record(&self, record: Record, changed: bool) -> Result<(), JournalError> {
        self.record_for_all(&record, &[], changed).await
    }

    /// Appends a record, and with it those that other accounts get of the same call. They have no drafts: what a
    /// crash cuts off before the append is recorded in the caller's account alone.
    pub async fn record_for_all(
        &self,
        record: &Record,
        others: &[Record],
        changed: bool,
    ) -> Result<(), JournalError> {
        self.append(record, others, changed).await?;
        if self.failing.swap(false, Ordering::Relaxed) {
            // Boxed, as what waits for the store below: few calls have to carry it.
            Box::pin(self.catch_up()).await;
        }
        Ok(())
    }

    async fn append(&self, record: &Record, others: &[Record], changed: bool) -> Result<(), JournalError> {
        let place = *lock(&self.place);
        match self.journal.append_together(record, others).await {
            Ok(first) => {
                let behind = others.len() as u64;
                self.advance(Position { record: first.record + behind, ..first });
            }
            Err(error) => {
                if changed {
                    self.keep_for_later(place, std::iter::once(record).chain(others).cloned());
                }
                // Not before: whoever sees it writes what is kept by then.
                self.failing.store(true, Ordering::Relaxed);
                return Err(error);
            }
        }
        if changed {
            self.delivered(record.event_id.0).await;
        }
        Ok(())
    }

    /// Keeps records that are in the journal at `place` or later, if they are there already.
    fn keep_for_later(&self, place: Place, records: impl Iterator<Item = Record>) {
        let mut late = lock(&self.late);
        let room = MOST_LATE.saturating_sub(late.len());
        late.extend(records.take(room).map(|record| Late { place, record }));
    }

    /// Appends what could not be appended before, in its order.
    async fn catch_up(&self) {
        let _alone = self.catching_up.lock().await;
        let (count, known) = match self.written_all_the_same().await {
            Ok(looked_for) => looked_for,
            Err(error) => {
                tracing::warn!(%error, "records of changes are still to be written");
                self.failing.store(true, Ordering::Relaxed);
                return;
            }
        };
        // What is kept from now on was not looked for.
        for _ in 0..count {
            let Some(late) = lock(&self.late).pop_front() else { return };
            let id = late.record.event_id.0;
            if !known.contains(&id) {
                match self.journal.append(&late.record).await {
                    Ok(position) => self.advance(position),
                    Err(error) => {
                        tracing::warn!(%error, "records of changes are still to be written");
                        lock(&self.late).push_front(late);
                        self.failing.store(true, Ordering::Relaxed);
                        return;
                    }
                }
            }
            self.delivered(id).await;
        }
    }

    /// How many records are late, and those of them that are in the journal: where a store did not answer any more, it may
    /// have written them.
    async fn written_all_the_same(&self) -> Result<(usize, HashSet<[u8; 16]>), JournalError> {
        let (count, wanted, earliest) = {
            let late = lock(&self.late);
            let ids: HashSet<_> = late.iter().map(|late| late.record.event_id.0).collect();
            (late.len(), ids, late.iter().map(|late| late.place).min())
        };
        let Some(earliest) = earliest else { return Ok((0, HashSet::new())) };
        let reader = self.journal.own_reader();
        let known = blocking(move || recorded_of(wanted, &reader, earliest)).await?;
        Ok((count, known))
    }

    /// Whether records can be written, as far as the last one tells.
    pub fn is_ready(&self) -> bool {
        !self.failing.load(Ordering::Relaxed)
    }

    /// Finds out, after a failure, whether records can be written again, and writes those that are late.
    pub async fn probe(&self) {
        if self.journal.probe().await.is_ok() {
            self.failing.store(false, Ordering::Relaxed);
            self.catch_up().await;
        }
    }

    /// Makes records of the drafts that are left from before, and answers how many. To be called before
    /// anything is served. What other servers on the same store have posted is theirs.
    pub async fn replay(&self) -> Result<usize, OutboxError> {
        let own: BTreeSet<_> = self.journal.own_reader().streams()?.into_iter().collect();
        // Nobody else posts into an embedded store: what is in it is this server's, whatever has become of its journal.
        let is_own = |stream: StreamId| self.db.engine() == Engine::Sqlite || own.contains(&stream);
        let (mut replayed, mut after) = (0, None);
        loop {
            let posted = self.db.posted(after, PAGE).await?;
            let Some(last) = posted.last() else { return Ok(replayed) };
            after = Some(last.id);
            let drafts = posted.iter().filter_map(|draft| self.read_or_tell(draft));
            replayed += self.replay_page(drafts.filter(|draft| is_own(draft.place.stream)).collect()).await?;
        }
    }

    /// The draft as it was made. One that was not made under this seal makes no record, and stays to be looked at.
    fn read_or_tell(&self, posted: &Posted) -> Option<Draft> {
        let draft = self.read_back(posted);
        if draft.is_none() {
            tracing::error!(id = hex::encode(&posted.id), "a draft in the outbox was altered or forged");
        }
        draft
    }

    async fn replay_page(&self, drafts: Vec<Draft>) -> Result<usize, OutboxError> {
        let Some(earliest) = drafts.iter().map(|draft| draft.place).min() else { return Ok(0) };
        let wanted = drafts.iter().map(|draft| draft.record.event_id.0).collect();
        let known = recorded_of(wanted, &self.journal.own_reader(), earliest)?;
        self.make_records(drafts, &known).await
    }

    /// Whether a draft was made under this seal, so that it can become a record.
    pub fn is_own(&self, draft: &Posted) -> bool {
        self.read_back(draft).is_some()
    }

    /// The draft as it was made here; `None` if it was not.
    fn read_back(&self, draft: &Posted) -> Option<Draft> {
        let (mac, rest) = draft.message.split_at_checked(RowMac::length_of(&draft.message)?)?;
        let (place, encoded) = rest.split_at_checked(PLACE)?;
        let columns =
            [("id", &draft.id.into()), ("place", &Value::from(place)), ("record", &Value::from(encoded))];
        self.mac.verify(TABLE, &hex::encode(&draft.id), &columns, mac).ok()?;
        let (place, record) = (Place::from_bytes(place)?, Record::decode(encoded).ok()?);
        Some(Draft { posted: draft.clone(), place, record })
    }

    /// The streams whose drafts wait.
    pub(crate) async fn streams_with_drafts(&self) -> Result<BTreeSet<StreamId>, OutboxError> {
        let (mut streams, mut after) = (BTreeSet::new(), None);
        loop {
            let posted = self.db.posted(after, PAGE).await?;
            let Some(last) = posted.last() else { return Ok(streams) };
            after = Some(last.id);
            streams.extend(posted.iter().filter_map(|draft| Some(self.read_back(draft)?.place.stream)));
        }
    }

    /// Writes down that this server is there.
    pub async fn beat(&self) -> Result<(), OutboxError> {
        Ok(self.db.outbox_beat(&self.journal.stream().to_string()).await?)
    }

    /// Notes that a draft has become a record, and takes noted ones out of the store when there are enough.
    async fn delivered(&self, id: [u8; 16]) {
        let full = {
            let mut delivered = lock(&self.delivered);
            delivered.push(id);
            // Those that could not be taken out before are tried again with the next batch.
            delivered.len().is_multiple_of(BATCH)
        };
        if full {
            Box::pin(self.empty()).await;
        }
    }

    /// Takes the noted drafts out of the store. Where that fails they stay noted, up to a bound; what stays in the store
    /// all the same is found in the journal at the next start.
    pub async fn empty(&self) {
        let ids = std::mem::take(&mut *lock(&self.delivered));
        if let Err(error) = self.db.take_delivered(&ids).await {
            let mut delivered = lock(&self.delivered);
            let room = MOST_NOTED.saturating_sub(delivered.len());
            delivered.extend(ids.iter().take(room));
            tracing::warn!(%error, waiting = delivered.len(), "recorded drafts stay in the outbox for now");
        }
    }

    /// Begins a new stream of the journal, which the records from now on go to.
    pub async fn begin_stream(&self, now_ms: i64) -> Result<StreamId, JournalError> {
        let stream = self.journal.begin_stream(now_ms).await?;
        *lock(&self.place) = Place { stream, record: 0 };
        Ok(stream)
    }

    /// Forgets what waits, after the store has been emptied: what it held of drafts went with it.
    pub fn start_over(&self) {
        lock(&self.delivered).clear();
        lock(&self.late).clear();
    }

    fn advance(&self, written: Position) {
        let next = Place { stream: written.stream, record: written.record + 1 };
        let mut place = lock(&self.place);
        *place = next.max(*place);
    }
}

impl Place {
    fn to_bytes(self) -> [u8; PLACE] {
        let mut bytes = [0; PLACE];
        let (stream, record) = bytes.split_at_mut(32);
        stream.copy_from_slice(self.stream.to_string().as_bytes());
        record.copy_from_slice(&self.record.to_be_bytes());
        bytes
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (stream, record) = bytes.split_at_checked(32)?;
        let stream = str::from_utf8(stream).ok()?.parse().ok()?;
        Some(Self { stream, record: u64::from_be_bytes(record.try_into().ok()?) })
    }
}

/// Those of the wanted events that are recorded at a place or later. Reads no further than to the last of them, and holds
/// no more than it was asked for.
fn recorded_of(
    mut wanted: HashSet<[u8; 16]>,
    reader: &Reader,
    place: Place,
) -> Result<HashSet<[u8; 16]>, JournalError> {
    let reader = reader.clone().since(place.stream);
    let after = place.record.checked_sub(1).map(|record| Position { stream: place.stream, record });
    let mut found = HashSet::with_capacity(wanted.len());
    for record in reader.records(after)? {
        let id = match record {
            Ok((_, record)) => record.event_id.0,
            // What is damaged is `audit verify`'s to name; here it only is no record of a draft.
            Err(JournalError::Damaged { .. }) => continue,
            // What could not be read may be the record that is looked for.
            Err(error) => return Err(error),
        };
        if wanted.remove(&id) {
            found.insert(id);
        }
        if wanted.is_empty() {
            break;
        }
    }
    Ok(found)
}

/// Does what blocks on the disk, or on the store.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, JournalError> + Send + 'static,
) -> Result<T, JournalError> {
    tokio::task::spawn_blocking(work).await.map_err(|_| JournalError::Closed)?
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

//! A journal, a store, and an effect that writes down what it was given.

use std::fs;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use strongroom_deriving::{Batch, Effect, Follower, Needs};
use strongroom_journal::{EventId, Journal, JournalOptions, Reader, Record};
use strongroom_seal::{Purpose, Root};
use strongroom_secret::Key256;
use strongroom_store::{Db, Migration, OpenOptions, Statement, StoreError, Tx};
use strongroom_testkit::TestDatabase;
use tokio::sync::Notify;

pub(crate) const NOW_MS: i64 = 1_700_000_000_000;

const TABLES: &[Migration] = &[Migration {
    component: "test",
    version: 1,
    name: "names",
    sql: "CREATE TABLE names (name TEXT NOT NULL, PRIMARY KEY (name));",
}];
/// Fails where a name is there already.
const ADD: Statement = Statement::new("INSERT INTO names (name) VALUES ($1)");
const LIST: Statement = Statement::new("SELECT name FROM names ORDER BY name");

/// Where a commit stops.
#[derive(Default)]
pub(crate) struct Stop {
    /// Commits before the one that stops, and whether it hangs there or fails.
    after: AtomicUsize,
    pub(crate) reached: Notify,
}

/// Writes down the names of events.
pub(crate) struct Names {
    stop: Option<(Arc<Stop>, How)>,
    needs: Needs,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum How {
    Hangs,
    Fails,
}

impl Names {
    pub(crate) fn new() -> Self {
        Self { stop: None, needs: Needs::Facts }
    }

    pub(crate) fn of_everything() -> Self {
        Self { needs: Needs::Everything, ..Self::new() }
    }

    /// The commit behind so many stops, with what it wrote not committed.
    pub(crate) fn stopping(after: usize, how: How) -> (Self, Arc<Stop>) {
        let stop = Arc::new(Stop { after: AtomicUsize::new(after), reached: Notify::new() });
        (Self { stop: Some((stop.clone(), how)), ..Self::new() }, stop)
    }
}

#[async_trait]
impl Effect for Names {
    type Prepared = Vec<String>;

    fn name(&self) -> &'static str {
        "names"
    }

    fn needs(&self) -> Needs {
        self.needs
    }

    fn prepare(&self, batch: Batch) -> Vec<String> {
        assert!(batch.records.iter().all(|(position, _)| position.stream == batch.stream));
        batch.records.into_iter().map(|(_, record)| record.event_name).collect()
    }

    async fn commit(&self, tx: &mut Tx<'_>, prepared: &Vec<String>) -> Result<(), StoreError> {
        for name in prepared {
            tx.execute(ADD, &[name.into()]).await?;
        }
        if let Some((stop, how)) = &self.stop
            && stop
                .after
                .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1))
                .is_err()
        {
            stop.reached.notify_one();
            if *how == How::Fails {
                return Err(StoreError::RowCount { found: 0 });
            }
            std::future::pending::<()>().await;
        }
        Ok(())
    }
}

pub(crate) async fn open(database: &TestDatabase) -> Db {
    let db = Db::open(database.url(), &OpenOptions::default()).await.unwrap();
    db.migrate(&[strongroom_deriving::MIGRATIONS, strongroom_journal::MIGRATIONS, TABLES]).await.unwrap();
    db
}

/// What was derived, in the order of names.
pub(crate) async fn derived(db: &Db) -> Vec<String> {
    db.query(LIST, &[]).await.unwrap().iter().map(|row| row.text("name").unwrap()).collect()
}

/// The seal.
pub(crate) fn root() -> Root {
    Root::from_key(Key256::new([7; 32])).unwrap()
}

fn journal_key(root: &Root) -> Arc<Key256> {
    root.current_subkey(Purpose::JournalMac).unwrap().1
}

/// Opens the journal, as a start of a server does: in a new stream. Segments are small.
pub(crate) fn start(folder: &Path) -> Journal {
    start_under(folder, &root())
}

/// The same of a server with another seal.
pub(crate) fn start_under(folder: &Path, root: &Root) -> Journal {
    let options = JournalOptions { segment_bytes: 4096, queue_bytes: 4096, ..JournalOptions::default() };
    Journal::open(folder, &options, &journal_key(root), "node", NOW_MS).unwrap().journal
}

/// The first segment of a stream, in the order in which they were begun.
pub(crate) fn segment(folder: &Path, stream: usize) -> PathBuf {
    let mut found: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    found.retain(|path| path.join("000001.seg").exists());
    found.sort();
    found[stream].join("000001.seg")
}

/// Writes into a segment in place: the journal has it open.
pub(crate) fn write_at(segment: &Path, bytes: &[u8], at: usize) {
    let file = fs::OpenOptions::new().write(true).open(segment).unwrap();
    file.write_all_at(bytes, at as u64).unwrap();
}

/// Changes a byte of the last frame of the first segment, or changes it back.
pub(crate) fn alter_last_frame(folder: &Path) {
    let segment = segment(folder, 0);
    let bytes = fs::read(&segment).unwrap();
    let at = bytes.windows(4).rposition(|window| window == b"SRJF").unwrap() + 150;
    write_at(&segment, &[bytes[at] ^ 1], at);
}

/// Opens the journal of the server of that name in a store that servers share.
pub(crate) fn start_in_store(db: &Db, name: &str) -> Journal {
    start_in_store_under(db, name, &root())
}

/// The same of a server with another seal.
pub(crate) fn start_in_store_under(db: &Db, name: &str, root: &Root) -> Journal {
    let options = JournalOptions::default();
    Journal::open_in_store(db, name, &options, &journal_key(root), NOW_MS).unwrap().journal
}

/// Appends records of those names.
pub(crate) async fn append(journal: &Journal, names: &[String]) {
    for name in names {
        let event_id =
            EventId(std::array::from_fn(|at| name.as_bytes().get(at).copied().unwrap_or_default()));
        let record = Record {
            event_id,
            event_time_ms: NOW_MS,
            event_name: name.clone(),
            user_agent: Some("a".repeat(100)),
            ..Record::default()
        };
        journal.append(&record).await.unwrap();
    }
}

pub(crate) fn names(of: &str, count: usize) -> Vec<String> {
    (0..count).map(|number| format!("{of}{number:04}")).collect()
}

/// Keeps what batches are proved by.
#[derive(Clone, Default)]
pub(crate) struct Batches(Arc<Mutex<Vec<Option<Vec<u8>>>>>);

impl Batches {
    pub(crate) fn proofs(&self) -> Vec<Option<Vec<u8>>> {
        self.0.lock().unwrap().clone()
    }
}

#[async_trait]
impl Effect for Batches {
    type Prepared = ();

    fn name(&self) -> &'static str {
        "batches"
    }

    fn prepare(&self, batch: Batch) {
        self.0.lock().unwrap().push(batch.proof);
    }

    async fn commit(&self, _: &mut Tx<'_>, (): &()) -> Result<(), StoreError> {
        Ok(())
    }
}

pub(crate) fn follower_of<E: Effect>(db: &Db, journal: &Reader, effect: E) -> Follower<E> {
    Follower::new(db.clone(), journal.clone(), Arc::new(effect), &root())
}

pub(crate) fn follower(db: &Db, journal: &Reader, effect: Names) -> Follower<Names> {
    follower_of(db, journal, effect)
}

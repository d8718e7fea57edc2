//! A store in which something is sealed, and servers on it.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use strongroom_resealing::{
    Aim, Binding, BoxError, Kept, KeptStep, Parts, Resealing, ResealingError, SealedColumn, Servers,
};
use strongroom_runtime::{Clocks, ManualTime, TimeSource as _};
use strongroom_seal::{Epoch, Purpose, Root, Sealer};
use strongroom_store::{Db, Migration, OpenOptions, Sealing, Statement, Value};
use strongroom_testkit::TestDatabase;
use tempfile::TempDir;

const TABLES: &[Migration] = &[Migration {
    component: "vault",
    version: 1,
    name: "things",
    sql: "
CREATE TABLE things (id TEXT PRIMARY KEY, secret BYTEA NOT NULL, mac BYTEA NOT NULL);
CREATE TABLE documents (id TEXT PRIMARY KEY, sealed BYTEA NOT NULL);",
}];

pub(crate) const COLUMNS: &[SealedColumn] = &[SealedColumn {
    table: "things",
    column: "secret",
    purpose: Purpose::Secrets,
    bound_to: |row| Binding::from(row.text("id").map(|id| id.as_bytes().to_vec())),
}];

const ADD: Statement = Statement::new(
    "INSERT INTO things (id, secret, mac) VALUES ($1, $2, $3) \
     ON CONFLICT (id) DO UPDATE SET secret = excluded.secret, mac = excluded.mac",
);
const LIST: Statement = Statement::new("SELECT id, secret, mac FROM things ORDER BY id");
const ADD_DOCUMENT: Statement = Statement::new("INSERT INTO documents (id, sealed) VALUES ($1, $2)");
const LIST_DOCUMENTS: Statement = Statement::new("SELECT id, sealed FROM documents ORDER BY id");
const PUT_DOCUMENT: Statement =
    Statement::new("UPDATE documents SET sealed = $2 WHERE id = $1 AND sealed = $3");

/// Things that are there from the beginning.
pub(crate) const THINGS: usize = 250;

/// A moment of real time at which servers start.
pub(crate) const NOW_MS: i64 = 1_800_000_000_000;

/// What only its service can seal afresh: here, one document a step.
struct Documents {
    db: Db,
    root: Root,
}

#[async_trait]
impl Kept for Documents {
    fn name(&self) -> &'static str {
        "documents"
    }

    async fn step(&self, aim: Aim, after: Option<&str>) -> Result<KeptStep, BoxError> {
        let sealer = Sealer::new(&self.root, Purpose::Secrets);
        let mut step = KeptStep::default();
        for row in self.db.query(LIST_DOCUMENTS, &[]).await? {
            let (id, sealed) = (row.text("id")?, row.blob("sealed")?);
            if after.is_some_and(|after| *id <= *after) {
                continue;
            }
            step.looked = 1;
            let opened = sealer.open(id.as_bytes(), &sealed);
            if opened.is_err() {
                step.refused.push(id.clone());
            } else if aim == Aim::Reseal
                && let Some(new) = sealer.reseal(id.as_bytes(), &sealed)?
            {
                let values = [Value::from(&id), new.into(), sealed.into()];
                step.resealed = self.db.execute(PUT_DOCUMENT, &values).await?;
            }
            step.next = Some(id);
            break;
        }
        Ok(step)
    }

    async fn needs(&self) -> Result<Vec<(Epoch, Purpose)>, BoxError> {
        Ok(vec![(Epoch::FIRST, Purpose::BackupServiceHalf), (Epoch::FIRST, Purpose::JournalMac)])
    }
}

/// A server: a connection to the store, and a seal's folder of its own.
pub(crate) struct Server {
    pub(crate) db: Db,
    pub(crate) root: Root,
    pub(crate) folder: TempDir,
    pub(crate) time: Arc<ManualTime>,
    pub(crate) servers: Servers,
    pub(crate) resealing: Arc<Resealing>,
}

impl Server {
    /// The first server on a store, which it fills.
    pub(crate) async fn first(database: &TestDatabase) -> Self {
        let db = open(database).await;
        migrate(&db).await;
        let folder = tempfile::tempdir().unwrap();
        let root = Root::create(folder.path()).unwrap();
        db.meta_insert_if_absent("seal.check", root.check_value().as_bytes()).await.unwrap();
        let server = Self::join(db, root, folder, Duration::ZERO).await.unwrap();
        for id in 0..THINGS {
            server.add(&format!("thing-{id:04}")).await;
        }
        for id in ["one", "two", "three"] {
            let sealed =
                Sealer::new(&server.root, Purpose::Secrets).seal(id.as_bytes(), b"document").unwrap();
            server.db.execute(ADD_DOCUMENT, &[id.into(), sealed.into()]).await.unwrap();
        }
        server
    }

    /// Another one, with a copy of the seal.
    pub(crate) async fn beside(&self, database: &TestDatabase) -> Self {
        let folder = tempfile::tempdir().unwrap();
        copy_seal(self.folder.path(), folder.path());
        Self::start(database, folder).await.unwrap()
    }

    /// The same again, after it was killed.
    pub(crate) async fn again(self, database: &TestDatabase) -> Self {
        let now_ms = self.time.now_ms();
        let Self { db, folder, .. } = self;
        db.close().await.unwrap();
        let again = Self::start(database, folder).await.unwrap();
        again.time.set(now_ms);
        again
    }

    /// The same, for which older root keys go only after such a time.
    pub(crate) async fn with_grace(self, grace: Duration) -> Self {
        let Self { db, root, folder, .. } = self;
        Self::join(db, root, folder, grace).await.unwrap()
    }

    pub(crate) async fn start(database: &TestDatabase, folder: TempDir) -> Result<Self, ResealingError> {
        let db = open(database).await;
        let root = Root::open(folder.path()).unwrap();
        Self::join(db, root, folder, Duration::ZERO).await
    }

    async fn join(db: Db, root: Root, folder: TempDir, grace: Duration) -> Result<Self, ResealingError> {
        // Its name stays, as its folder does.
        let name = folder.path().file_name().unwrap().to_str().unwrap();
        let servers = Servers::join(&db, &root, Some(name)).await?;
        let time = Arc::new(ManualTime::at(NOW_MS));
        let parts = Parts {
            db: db.clone(),
            root: root.clone(),
            clocks: Clocks::new(time.clone(), 0),
            columns: vec![COLUMNS],
            kept: vec![Arc::new(Documents { db: db.clone(), root: root.clone() })],
            grace,
        };
        let resealing = Arc::new(Resealing::of(parts, servers.clone()));
        Ok(Self { db, root, folder, time, servers, resealing })
    }

    /// Adds a thing, or writes it anew.
    pub(crate) async fn add(&self, id: &str) {
        add_to(&self.db, &self.root, id).await;
    }

    /// Reads everything, as a service would.
    pub(crate) async fn read_all(&self) -> usize {
        let (sealing, sealer) = (Sealing::new(&self.root), Sealer::new(&self.root, Purpose::Secrets));
        let things = self.db.query(LIST, &[]).await.unwrap();
        for row in &things {
            let (id, secret) = (row.text("id").unwrap(), row.blob("secret").unwrap());
            let columns = [("id", &Value::from(&id)), ("secret", &Value::from(&secret))];
            assert!(sealing.mac().fits("things", &columns, &row.blob("mac").unwrap()), "{id}");
            assert_eq!(sealer.open(id.as_bytes(), &secret).unwrap().expose(), b"secret");
        }
        for row in self.db.query(LIST_DOCUMENTS, &[]).await.unwrap() {
            let id = row.text("id").unwrap();
            let opened = sealer.open(id.as_bytes(), &row.blob("sealed").unwrap()).unwrap();
            assert_eq!(opened.expose(), b"document");
        }
        things.len()
    }

    pub(crate) fn epoch(&self) -> u32 {
        self.root.current_epoch().number()
    }

    /// The epochs whose root keys are in the folder.
    pub(crate) fn epochs_on_disk(&self) -> Vec<u32> {
        Root::open(self.folder.path()).unwrap().epochs().into_iter().map(Epoch::number).collect()
    }
}

/// Makes the tables.
pub(crate) async fn migrate(db: &Db) {
    db.migrate(&[TABLES]).await.unwrap();
}

/// Adds a thing, sealed under `root`, or writes it anew.
pub(crate) async fn add_to(db: &Db, root: &Root, id: &str) {
    let sealing = Sealing::new(root);
    let secret = Sealer::new(root, Purpose::Secrets).seal(id.as_bytes(), b"secret").unwrap();
    let (name, secret) = (Value::from(id), Value::from(secret));
    let mac = sealing.mac().seal("things", &[("id", &name), ("secret", &secret)]);
    db.execute(ADD, &[name, secret, mac.into()]).await.unwrap();
}

pub(crate) async fn open(database: &TestDatabase) -> Db {
    Db::open(database.url(), &OpenOptions::default()).await.unwrap()
}

pub(crate) fn copy_seal(from: &Path, to: &Path) {
    for name in ["root.slots", "slot-file.key"] {
        fs::copy(from.join(name), to.join(name)).unwrap();
    }
}

/// Waits for what has to come; a test that waits for ever is ended by whoever runs it.
pub(crate) async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    for _ in 0..2_400 {
        if is_so().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("{what}: not after two minutes");
}

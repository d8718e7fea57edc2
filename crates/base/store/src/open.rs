//! Opening a store.

use std::fs::{self, File, Permissions};
use std::io;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{self, Path};
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{PgPool, SqlitePool};
use tempfile::TempDir;

use crate::db::Pools;
use crate::retry::{Line, Retry};
use crate::{Db, Statement, StoreError};

/// Prepared statements that each connection keeps: more than all services have.
const STATEMENT_CACHE: usize = 512;

/// What PostgreSQL is told at the start of each connection. `SERIALIZABLE` holds for statements outside
/// transactions too, see [`Db::transaction`]. Times are milliseconds.
const POSTGRES_SETTINGS: [(&str, &str); 4] = [
    ("default_transaction_isolation", "serializable"),
    ("statement_timeout", "30000"),
    ("idle_in_transaction_session_timeout", "60000"),
    ("client_min_messages", "warning"),
];

/// What PostgreSQL is told at the start of connections [aside](Db::aside): each statement sees what was committed before
/// it, and waits for whoever has locked what it needs.
const ASIDE_SETTINGS: [(&str, &str); 3] = [
    ("default_transaction_isolation", "read committed"),
    ("statement_timeout", "10000"),
    ("client_min_messages", "warning"),
];

/// Asks PostgreSQL whether it behaves as the dialect needs. The comparison holds only where text sorts by
/// bytes.
const PROBE: Statement = Statement::new(
    "SELECT current_setting('server_encoding') AS encoding, \
     CASE WHEN 'B' < 'a' AND 'Z' < '_' AND '_' < 'a' THEN 'bytes' ELSE 'language' END AS sorts_by, \
     current_setting('synchronous_commit') AS synchronous_commit",
);

/// Bounds of an open store.
#[derive(Clone, Debug)]
pub struct OpenOptions {
    /// Reading connections on SQLite, each a thread.
    pub readers: u32,
    /// Connections to PostgreSQL.
    pub connections: u32,
    /// How long to wait for a free connection before [`StoreError::Unavailable`].
    pub acquire_timeout: Duration,
    /// How long to wait on SQLite for another process that is writing.
    pub busy_timeout: Duration,
}

impl Default for OpenOptions {
    fn default() -> Self {
        Self {
            readers: 4,
            connections: 16,
            acquire_timeout: Duration::from_secs(10),
            busy_timeout: Duration::from_secs(5),
        }
    }
}

impl Db {
    /// Opens the store at `url`: `sqlite://` and a path as it is, or `postgres://...`.
    pub async fn open(url: &str, options: &OpenOptions) -> Result<Self, StoreError> {
        if let Some(path) = url.strip_prefix("sqlite://") {
            Self::open_sqlite(Path::new(path), options).await
        } else if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            Self::open_postgres(url, options).await
        } else {
            Err(StoreError::Setup(
                "a store is sqlite:///path/to/file or postgres://user@host/database".to_owned(),
            ))
        }
    }

    /// Opens the SQLite file at `path`, made if it is not there. The file, and the log and index that SQLite
    /// keeps beside it, are the owner's only (0600); a file that was open to others no longer is.
    ///
    /// A commit is on the disk when it is answered (WAL, `synchronous=FULL`).
    pub async fn open_sqlite(path: &Path, options: &OpenOptions) -> Result<Self, StoreError> {
        let path = path::absolute(path).map_err(unavailable)?;
        make_private(&path).map_err(unavailable)?;
        open_file(&path, options, SqliteSynchronous::Full, None).await
    }

    /// Opens an empty SQLite store that is gone when the last clone is dropped. It is a file in the
    /// directory for temporary files, not in memory, and so behaves as the real one does; only its commits
    /// do not wait for the disk.
    pub async fn open_sqlite_ephemeral(options: &OpenOptions) -> Result<Self, StoreError> {
        let directory =
            tempfile::Builder::new().prefix("strongroom-ephemeral-").tempdir().map_err(unavailable)?;
        let path = directory.path().join("store.db");
        make_private(&path).map_err(unavailable)?;
        open_file(&path, options, SqliteSynchronous::Off, Some(directory)).await
    }

    /// Opens the PostgreSQL database at `url`. It must be in UTF-8, sort text by bytes and flush its commits
    /// ([`StoreError::Setup`] says what to change).
    pub async fn open_postgres(url: &str, options: &OpenOptions) -> Result<Self, StoreError> {
        let connect = url
            .parse::<PgConnectOptions>()
            .map_err(|error| StoreError::Setup(format!("the store's URL cannot be used: {error}")))?
            .application_name("strongroom")
            .statement_cache_capacity(STATEMENT_CACHE)
            .options(POSTGRES_SETTINGS);
        let pool: PgPool = PgPoolOptions::new()
            .max_connections(options.connections)
            .acquire_timeout(options.acquire_timeout)
            .connect_with(connect)
            .await?;
        let db = Self::new(Pools::Postgres(pool));
        probe(&db).await?;
        db.make_own_tables().await?;
        Ok(db)
    }
}

impl Db {
    /// The same database over connections of its own, at most so many: for whoever must not wait for those that the
    /// services use. On PostgreSQL statements that stand alone are `READ COMMITTED` there and may lock rows
    /// (`FOR SHARE`); they are made, and belong, where this is first used. On SQLite it is the same store.
    #[must_use]
    pub fn aside(&self, connections: u32, patience: Duration) -> Self {
        let Pools::Postgres(pool) = self.pools() else { return self.clone() };
        let connect = (*pool.connect_options()).clone();
        let connect = connect.application_name("strongroom journal").options(ASIDE_SETTINGS);
        let options = PgPoolOptions::new()
            .max_connections(connections)
            .acquire_timeout(patience)
            .max_lifetime(None)
            .idle_timeout(None);
        Self::new(Pools::Postgres(options.connect_lazy_with(connect)))
    }
}

async fn open_file(
    path: &Path,
    options: &OpenOptions,
    synchronous: SqliteSynchronous,
    ephemeral: Option<TempDir>,
) -> Result<Db, StoreError> {
    let connect = SqliteConnectOptions::new()
        .filename(path)
        .busy_timeout(options.busy_timeout)
        .statement_cache_capacity(STATEMENT_CACHE)
        .foreign_keys(true)
        // What a forged file could call from its schema is not run.
        .pragma("trusted_schema", "OFF")
        // Sorting spills nothing into files of its own.
        .pragma("temp_store", "MEMORY");
    let write = connect
        .clone()
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(synchronous)
        // What is deleted or overwritten is not left in the file's free space.
        .pragma("secure_delete", "ON")
        .pragma("journal_size_limit", "67108864");
    let read = connect.pragma("query_only", "ON");

    let pool = || {
        SqlitePoolOptions::new()
            .acquire_timeout(options.acquire_timeout)
            // A connection is a thread of ours: it neither goes stale nor away.
            .test_before_acquire(false)
            .idle_timeout(None)
            .max_lifetime(None)
    };
    let writer = open_writer(&pool().max_connections(1), &write).await?;
    let readers = pool().max_connections(options.readers).connect_lazy_with(read);
    let busy_timeout = options.busy_timeout;
    let db = Db::new(Pools::Sqlite { writer, readers, busy_timeout, _ephemeral: ephemeral });
    db.make_own_tables().await?;
    Ok(db)
}

/// Connects the writer. Turning a new file to WAL takes a lock that SQLite does not wait for, so that of
/// two processes that start at once one has to try again.
async fn open_writer(
    pool: &SqlitePoolOptions,
    connect: &SqliteConnectOptions,
) -> Result<SqlitePool, StoreError> {
    let line = Line::default();
    let mut retry = Retry::new(&line);
    loop {
        match pool.clone().connect_with(connect.clone()).await.map_err(StoreError::from) {
            Err(StoreError::Conflict) if retry.again().await => {}
            answer => return answer,
        }
    }
}

/// Makes the file if it is not there, and the owner's only. SQLite gives its log and index the same mode.
fn make_private(path: &Path) -> io::Result<()> {
    let made = File::options().write(true).create_new(true).mode(0o600).open(path);
    match made {
        Ok(_) => {
            // The file's name must survive a power cut as its content does.
            path.parent().map_or(Ok(()), |directory| File::open(directory)?.sync_all())
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            fs::set_permissions(path, Permissions::from_mode(0o600))
        }
        Err(error) => Err(error),
    }
}

async fn probe(db: &Db) -> Result<(), StoreError> {
    let row = db.query_one(PROBE, &[]).await?;
    let encoding = row.text("encoding")?;
    if encoding != "UTF8" {
        return Err(StoreError::Setup(format!(
            "the database is in {encoding}: make it with CREATE DATABASE ... ENCODING 'UTF8'"
        )));
    }
    if row.text("sorts_by")? != "bytes" {
        return Err(StoreError::Setup(
            "the database sorts text by the rules of a language: make it with \
             CREATE DATABASE ... TEMPLATE template0 LOCALE 'C'"
                .to_owned(),
        ));
    }
    if row.text("synchronous_commit")? == "off" {
        return Err(StoreError::Setup(
            "the database acknowledges commits that are not on the disk: set synchronous_commit = on"
                .to_owned(),
        ));
    }
    Ok(())
}

fn unavailable(error: io::Error) -> StoreError {
    StoreError::Unavailable(error.into())
}

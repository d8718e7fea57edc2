//! The store's facade.

use std::sync::Arc;
use std::time::Duration;

use sqlx::{AssertSqlSafe, PgPool, SqlitePool};
use tempfile::TempDir;

use crate::connection::Connection;
use crate::retry::{Line, Retry};
use crate::transaction::at_most_one;
use crate::{Feed, Row, Statement, StoreError, Value};

/// Moves SQLite's write-ahead log into the database file.
const EMPTY_LOG: &str = "PRAGMA wal_checkpoint(TRUNCATE)";

/// Which engine a [`Db`] runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// SQLite, embedded.
    Sqlite,
    /// PostgreSQL, or a database that speaks its protocol and dialect.
    Postgres,
}

/// An open store. Clones are the same store.
///
/// A statement outside a transaction stands alone: it is tried again when it lost against others. On SQLite
/// those that read share the reading connections and never wait for a writer.
#[derive(Clone)]
pub struct Db {
    pools: Arc<Pools>,
    feed: Arc<Feed>,
    line: Arc<Line>,
}

pub(crate) enum Pools {
    Sqlite { writer: SqlitePool, readers: SqlitePool, busy_timeout: Duration, _ephemeral: Option<TempDir> },
    Postgres(PgPool),
}

impl Db {
    pub(crate) fn new(pools: Pools) -> Self {
        let engine = match pools {
            Pools::Sqlite { .. } => Engine::Sqlite,
            Pools::Postgres(_) => Engine::Postgres,
        };
        Self { pools: Arc::new(pools), feed: Arc::new(Feed::new(engine)), line: Arc::default() }
    }

    /// What servers on this store tell each other of changes.
    pub fn feed(&self) -> &Feed {
        &self.feed
    }

    /// Where changes wait that have lost a few times.
    pub(crate) fn line(&self) -> &Line {
        &self.line
    }

    pub(crate) fn pools(&self) -> &Pools {
        &self.pools
    }

    /// The engine it runs on.
    pub fn engine(&self) -> Engine {
        match &*self.pools {
            Pools::Sqlite { .. } => Engine::Sqlite,
            Pools::Postgres(_) => Engine::Postgres,
        }
    }

    /// The value for this engine: the escape hatch for what the dialect cannot say. Each use is counted by
    /// `cargo xtask check`.
    pub fn pick<T>(&self, sqlite: T, postgres: T) -> T {
        match self.engine() {
            Engine::Sqlite => sqlite,
            Engine::Postgres => postgres,
        }
    }

    /// All rows that `statement` answers. It bounds them itself (`LIMIT`).
    pub async fn query(&self, statement: Statement, values: &[Value]) -> Result<Vec<Row>, StoreError> {
        let mut retry = Retry::new(self.line());
        loop {
            let answer = self.connection(statement).await?.query(statement, values).await;
            match answer {
                Err(StoreError::Conflict) if retry.again().await => {}
                answer => return answer,
            }
        }
    }

    /// The row that `statement` answers; [`StoreError::RowCount`] when it is not one.
    pub async fn query_one(&self, statement: Statement, values: &[Value]) -> Result<Row, StoreError> {
        self.query_opt(statement, values).await?.ok_or(StoreError::RowCount { found: 0 })
    }

    /// The row that `statement` answers, if there is one; [`StoreError::RowCount`] when there are more.
    pub async fn query_opt(&self, statement: Statement, values: &[Value]) -> Result<Option<Row>, StoreError> {
        at_most_one(self.query(statement, values).await?)
    }

    /// How many rows `statement` changed.
    pub async fn execute(&self, statement: Statement, values: &[Value]) -> Result<u64, StoreError> {
        let mut retry = Retry::new(self.line());
        loop {
            let answer = self.connection(statement).await?.execute(statement, values).await;
            match answer {
                Err(StoreError::Conflict) if retry.again().await => {}
                answer => return answer,
            }
        }
    }

    /// Waits for the statements under way and closes all connections. On SQLite what the write-ahead log
    /// holds moves into the database file first. Every later statement answers [`StoreError::Unavailable`].
    pub async fn close(&self) -> Result<(), StoreError> {
        match &*self.pools {
            Pools::Sqlite { writer, .. } if writer.is_closed() => Ok(()),
            Pools::Sqlite { writer, readers, .. } => {
                readers.close().await;
                let emptied = match self.writer().await {
                    Ok(mut connection) => connection.run(EMPTY_LOG).await,
                    Err(error) => Err(error),
                };
                writer.close().await;
                emptied
            }
            Pools::Postgres(pool) => {
                pool.close().await;
                Ok(())
            }
        }
    }

    /// Has what was deleted and committed leave SQLite's files now: the write-ahead log, which has the pages of before,
    /// moves into the database file, where they are overwritten, and is emptied. Nobody is waited for: while somebody
    /// still reads what was before (a backup), it leaves with the next call, or when the store is closed. On PostgreSQL
    /// nothing is done: what it keeps, and how long, is its own affair.
    pub async fn empty_log(&self) -> Result<(), StoreError> {
        let Pools::Sqlite { busy_timeout, .. } = &*self.pools else { return Ok(()) };
        let (db, patience) = (self.clone(), busy_timeout.as_millis());
        #[allow(
            clippy::disallowed_methods,
            reason = "it is short and waited for, and a caller who goes away must not leave the writer without its patience"
        )]
        let emptying = tokio::spawn(async move {
            let mut writer = db.writer().await?;
            writer.run("PRAGMA busy_timeout = 0").await?;
            let emptied = writer.run(EMPTY_LOG).await;
            let restored = writer.run(AssertSqlSafe(format!("PRAGMA busy_timeout = {patience}"))).await;
            emptied.and(restored)
        });
        emptying.await.map_err(|error| StoreError::Unavailable(error.into()))?
    }

    /// The connection for a statement that stands alone.
    pub(crate) async fn connection(&self, statement: Statement) -> Result<Connection, StoreError> {
        match &*self.pools {
            Pools::Sqlite { readers, .. } if statement.reads() => {
                Ok(Connection::Sqlite(readers.acquire().await?))
            }
            _ => self.writer().await,
        }
    }

    /// A connection that reads for long: on SQLite it keeps nobody waiting who writes.
    pub(crate) async fn reading(&self) -> Result<Connection, StoreError> {
        Ok(match &*self.pools {
            Pools::Sqlite { readers, .. } => Connection::Sqlite(readers.acquire().await?),
            Pools::Postgres(pool) => Connection::Postgres(pool.acquire().await?),
        })
    }

    /// The connection for a change.
    pub(crate) async fn writer(&self) -> Result<Connection, StoreError> {
        Ok(match &*self.pools {
            Pools::Sqlite { writer, .. } => Connection::Sqlite(writer.acquire().await?),
            Pools::Postgres(pool) => Connection::Postgres(pool.acquire().await?),
        })
    }
}

//! Looking at what was announced on PostgreSQL: the position is a snapshot, and news is what a later snapshot sees
//! and that one did not.

use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgListener, PgPoolOptions, PgRow};
use sqlx::{Executor as _, PgPool};

use super::announcing::FORGET;
use super::{Announced, Found};
use crate::row::EngineRow;
use crate::{Row, Statement, StoreError};

/// Where the server is, and which server it is: transactions of another one, one that was promoted or restored,
/// are numbered anew from some point on, which a snapshot does not show.
pub(super) const BEGIN: Statement = Statement::new(
    "SELECT CAST(pg_current_snapshot() AS TEXT) AS snapshot, \
     CAST(pg_postmaster_start_time() AS TEXT) AS server",
);
/// The same, with what was announced by transactions that `$1` did not see, if there is something. One statement
/// has one snapshot. What bears a number that no transaction has had yet came from another database with a copy.
pub(super) const LATER: Statement = Statement::new(
    "WITH here AS (SELECT CAST(pg_current_snapshot() AS TEXT) AS snapshot, \
     CAST(pg_postmaster_start_time() AS TEXT) AS server) \
     SELECT here.snapshot, here.server, later.topic, later.key \
     FROM here LEFT JOIN (SELECT number, topic, key FROM store_changes \
     WHERE number >= CAST(CAST(pg_snapshot_xmin(CAST(CAST($1 AS TEXT) AS PG_SNAPSHOT)) AS TEXT) AS BIGINT) \
     AND NOT pg_visible_in_snapshot(CAST(CAST(number AS TEXT) AS XID8), CAST(CAST($1 AS TEXT) AS PG_SNAPSHOT)) \
     AND number < CAST(CAST(pg_snapshot_xmax(pg_current_snapshot()) AS TEXT) AS BIGINT) \
     ORDER BY number LIMIT $2) AS later ON 1 = 1 ORDER BY later.number",
);

/// The channel on which servers wake each other. What is said on it means nothing: what there is to know is in the
/// table.
const CHANNEL: &str = "strongroom_changes";
const WAKE: &str = "SELECT pg_notify('strongroom_changes', '')";

/// How long the server may take for anything here.
const PATIENCE: Duration = Duration::from_secs(2);

/// A connection of its own: looks wait for nobody who uses the pool. Its transactions are not serializable, so
/// that a look never stands in the way of a change.
const SETTINGS: [(&str, &str); 3] = [
    ("default_transaction_isolation", "read committed"),
    ("statement_timeout", "2000"),
    ("client_min_messages", "warning"),
];

/// Who looks at a PostgreSQL database.
pub(super) struct Sight {
    pool: PgPool,
    listener: Option<PgListener>,
    position: Option<Position>,
}

#[derive(Clone, PartialEq, Eq)]
struct Position {
    server: String,
    snapshot: String,
}

impl Sight {
    /// Looks where `connect` leads. Connects with the first look.
    pub(super) fn new(connect: PgConnectOptions) -> Self {
        let connect = connect.application_name("strongroom feed").options(SETTINGS);
        let pool = PgPoolOptions::new()
            .max_connections(1)
            .acquire_timeout(PATIENCE)
            .max_lifetime(None)
            .idle_timeout(None)
            .connect_lazy_with(connect);
        Self { pool, listener: None, position: None }
    }

    /// What has been announced since the look before; at most `most`. After a failure the position is lost, and with
    /// it what is in memory: a server that crashed may give numbers again that it has given to transactions before.
    pub(super) async fn look(&mut self, most: u32) -> Result<Found, StoreError> {
        let found = within(PATIENCE, self.try_look(most)).await;
        if found.is_err() {
            self.lose();
        }
        found
    }

    async fn try_look(&mut self, most: u32) -> Result<Found, StoreError> {
        let listener = match &mut self.listener {
            Some(listener) => listener,
            none => none.insert(listen(&self.pool).await?),
        };
        let Some(before) = self.position.take() else {
            let rows = query(listener, sqlx::query(BEGIN.sql())).await?;
            self.position = rows.first().map(Position::read).transpose()?;
            return Ok(Found::Anything);
        };
        let later = sqlx::query(LATER.sql()).bind(before.snapshot.clone()).bind(i64::from(most) + 1);
        let rows = query(listener, later).await?;
        let here = rows.first().ok_or(StoreError::RowCount { found: 0 }).and_then(Position::read)?;
        let is_another = here.server != before.server;
        self.position = Some(here);
        if is_another || rows.len() > most as usize {
            return Ok(Found::Anything);
        }
        let mut changes = Vec::with_capacity(rows.len());
        for row in &rows {
            if let (Some(topic), Some(key)) = (row.opt_text("topic")?, row.opt_text("key")?) {
                changes.push(Announced { topic, key });
            }
        }
        Ok(Found::Changes(changes))
    }

    /// Waits until another server wakes this one, or the connection is lost, but no longer than `most`.
    pub(super) async fn wait(&mut self, most: Duration) {
        let Some(listener) = &mut self.listener else { return tokio::time::sleep(most).await };
        match tokio::time::timeout(most, listener.try_recv()).await {
            Ok(Ok(Some(_))) => while listener.next_buffered().is_some() {},
            Ok(Ok(None) | Err(_)) => self.lose(),
            Err(_) => {}
        }
    }

    /// Wakes the other servers. If that does not succeed they look all the same, a little later.
    pub(super) async fn wake_others(&mut self) {
        let Some(listener) = &mut self.listener else { return };
        let woken = tokio::time::timeout(PATIENCE, listener.execute(WAKE)).await;
        if !matches!(woken, Ok(Ok(_))) {
            self.lose();
        }
    }

    /// Takes out what was announced by transactions before that number.
    pub(super) async fn forget(&mut self, before: i64) -> Result<(), StoreError> {
        let Some(listener) = &mut self.listener else { return Ok(()) };
        let forgetting = listener.execute(sqlx::query(FORGET.sql()).bind(before));
        let forgotten = within(PATIENCE, async { Ok(forgetting.await.map(drop)?) }).await;
        if forgotten.is_err() {
            self.lose();
        }
        forgotten
    }

    /// The transactions before it have ended, and what they announced has been seen.
    pub(super) fn horizon(&self) -> Option<i64> {
        self.position.as_ref().and_then(|position| position.snapshot.split(':').next()?.parse().ok())
    }

    pub(super) fn lose(&mut self) {
        self.listener = None;
        self.position = None;
    }
}

impl Position {
    fn read(row: &Row) -> Result<Self, StoreError> {
        Ok(Self { server: row.text("server")?, snapshot: row.text("snapshot")? })
    }
}

async fn listen(pool: &PgPool) -> Result<PgListener, StoreError> {
    let mut listener = PgListener::connect_with(pool).await?;
    // A lost connection is to be noticed, not mended in silence.
    listener.eager_reconnect(false);
    listener.listen(CHANNEL).await?;
    Ok(listener)
}

async fn query(
    listener: &mut PgListener,
    query: sqlx::query::Query<'_, sqlx::Postgres, sqlx::postgres::PgArguments>,
) -> Result<Vec<Row>, StoreError> {
    let rows: Vec<PgRow> = listener.fetch_all(query).await?;
    Ok(rows.into_iter().map(|row| Row(EngineRow::Postgres(row))).collect())
}

async fn within<T>(
    time: Duration,
    work: impl Future<Output = Result<T, StoreError>>,
) -> Result<T, StoreError> {
    tokio::time::timeout(time, work).await.unwrap_or_else(|late| Err(StoreError::Unavailable(late.into())))
}

//! Saying what changes, in the transaction that changes it.

use crate::{Db, Engine, Statement, StoreError, Topic, Tx};

/// Announcements. `number` is the transaction's on PostgreSQL, and counts up on SQLite, whose transactions are
/// serial.
pub(crate) const TABLE: &str = "
CREATE TABLE store_changes (
    number BIGINT NOT NULL,
    topic TEXT NOT NULL,
    key TEXT NOT NULL,
    PRIMARY KEY (number, topic, key)
)";

/// The topic of an announcement that is about everything.
pub(super) const EVERYTHING: &str = "";

const ANNOUNCE_ON_SQLITE: Statement = Statement::new(
    "INSERT INTO store_changes (number, topic, key) \
     SELECT COALESCE(MAX(number), 0) + 1, $1, $2 FROM store_changes",
);
const ANNOUNCE_ON_POSTGRES: Statement = Statement::new(
    "INSERT INTO store_changes (number, topic, key) \
     VALUES (CAST(CAST(pg_current_xact_id() AS TEXT) AS BIGINT), $1, $2) \
     ON CONFLICT (number, topic, key) DO NOTHING",
);
pub(super) const FORGET: Statement = Statement::new("DELETE FROM store_changes WHERE number < $1");

/// Statements that both engines take.
pub(crate) const STATEMENTS: &[Statement] = &[FORGET];
/// Those of SQLite.
const STATEMENTS_ON_SQLITE: &[Statement] = &[ANNOUNCE_ON_SQLITE, super::sqlite::NEWEST, super::sqlite::LATER];
/// Those of PostgreSQL.
const STATEMENTS_ON_POSTGRES: &[Statement] =
    &[ANNOUNCE_ON_POSTGRES, super::postgres::BEGIN, super::postgres::LATER];

impl Db {
    /// Statements that only this engine knows, for the test that shows them to it.
    pub fn statements_of_engine(&self) -> &'static [Statement] {
        self.pick(STATEMENTS_ON_SQLITE, STATEMENTS_ON_POSTGRES)
    }
}

impl Tx<'_> {
    /// Tells all servers on this store, this one included, that what has this key has changed: if, and as soon as,
    /// the transaction is committed.
    pub async fn announce(&mut self, topic: Topic, key: &str) -> Result<(), StoreError> {
        self.say(topic.name(), key).await
    }

    /// Tells them that anything may have changed.
    pub(crate) async fn announce_everything(&mut self) -> Result<(), StoreError> {
        self.say(EVERYTHING, "").await
    }

    async fn say(&mut self, topic: &str, key: &str) -> Result<(), StoreError> {
        let statement = match self.engine() {
            Engine::Sqlite => ANNOUNCE_ON_SQLITE,
            Engine::Postgres => ANNOUNCE_ON_POSTGRES,
        };
        self.execute(statement, &[topic.into(), key.into()]).await?;
        self.has_announced();
        Ok(())
    }
}

//! A handful of named values that belong to the installation as a whole, such as the seal's check value.

use crate::{Db, Statement, StoreError, Tx};

const GET: Statement = Statement::new("SELECT value FROM meta WHERE name = $1");
const SET: Statement = Statement::new(
    "INSERT INTO meta (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
);
const INSERT_IF_ABSENT: Statement =
    Statement::new("INSERT INTO meta (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING");

const LIST: Statement =
    Statement::new("SELECT name, value FROM meta WHERE name >= $1 AND name < $2 ORDER BY name LIMIT 1000");
const REMOVE: Statement = Statement::new("DELETE FROM meta WHERE name = $1");

/// The store's own statements.
pub(crate) const STATEMENTS: &[Statement] = &[GET, SET, INSERT_IF_ABSENT, LIST, REMOVE];

/// The table exists as soon as a store is open, before any migration: the seal is checked before anything
/// else is touched.
impl Db {
    /// The value of that name.
    pub async fn meta_get(&self, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.query_opt(GET, &[name.into()]).await?.map(|row| row.blob("value")).transpose()
    }

    /// The names that begin with `prefix`, and their values; at most a thousand.
    pub async fn meta_list(&self, prefix: &str) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
        let rows = self.query(LIST, &[prefix.into(), format!("{prefix}\u{10FFFF}").into()]).await?;
        rows.iter().map(|row| Ok((row.text("name")?, row.blob("value")?))).collect()
    }

    /// Takes a name and its value away.
    pub async fn meta_remove(&self, name: &str) -> Result<(), StoreError> {
        self.execute(REMOVE, &[name.into()]).await.map(drop)
    }

    /// Gives the name this value.
    pub async fn meta_set(&self, name: &str, value: &[u8]) -> Result<(), StoreError> {
        self.execute(SET, &[name.into(), value.into()]).await.map(drop)
    }

    /// Gives the name this value unless it has one, and answers the value that now stands: of several
    /// servers that start at once, all get the first one's.
    pub async fn meta_insert_if_absent(&self, name: &str, value: &[u8]) -> Result<Vec<u8>, StoreError> {
        if self.execute(INSERT_IF_ABSENT, &[name.into(), value.into()]).await? == 1 {
            return Ok(value.to_vec());
        }
        self.query_one(GET, &[name.into()]).await?.blob("value")
    }
}

impl Tx<'_> {
    /// The value of that name, as the transaction sees it.
    pub async fn meta_get(&mut self, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.query_opt(GET, &[name.into()]).await?.map(|row| row.blob("value")).transpose()
    }

    /// Gives the name this value, or takes it away, together with the transaction's other changes.
    pub async fn meta_put(&mut self, name: &str, value: Option<&[u8]>) -> Result<(), StoreError> {
        match value {
            Some(value) => self.execute(SET, &[name.into(), value.into()]).await.map(drop),
            None => self.execute(REMOVE, &[name.into()]).await.map(drop),
        }
    }
}

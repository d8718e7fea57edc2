//! The outbox: messages that are committed together with the change they speak of, and delivered elsewhere
//! afterwards. A message whose change did not happen was never there; one whose delivery was cut short is
//! still there at the next start.

use crate::{Db, Statement, StoreError, Tx};

const POST: Statement = Statement::new("INSERT INTO outbox (id, message) VALUES ($1, $2)");
const WAITING: Statement =
    Statement::new("SELECT id, message FROM outbox WHERE id > $1 ORDER BY id LIMIT $2");
const DELIVERED: Statement = Statement::new("DELETE FROM outbox WHERE id = $1");

/// The outbox's statements.
pub(crate) const STATEMENTS: &[Statement] = &[POST, WAITING, DELIVERED];

/// The outbox's table.
pub(crate) const TABLE: &str = "CREATE TABLE outbox (id BYTEA PRIMARY KEY, message BYTEA NOT NULL)";

/// A message in the outbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Posted {
    /// Which message; the poster's choice, unique among those that wait.
    pub id: [u8; 16],
    /// What it says.
    pub message: Vec<u8>,
}

impl Tx<'_> {
    /// Posts a message: it is there if, and as soon as, the transaction is committed.
    pub async fn post(&mut self, id: &[u8; 16], message: &[u8]) -> Result<(), StoreError> {
        self.execute(POST, &[id.into(), message.into()]).await.map(drop)
    }
}

impl Db {
    /// At most `most` of the messages that wait, in the order of their ids, those after `after`.
    pub async fn posted(&self, after: Option<[u8; 16]>, most: u32) -> Result<Vec<Posted>, StoreError> {
        let after = after.map_or_else(Vec::new, |id| id.to_vec());
        let rows = self.query(WAITING, &[after.into(), most.into()]).await?;
        rows.iter().map(|row| Ok(Posted { id: row.array("id")?, message: row.blob("message")? })).collect()
    }

    /// Takes delivered messages out. Those that were never posted are passed over.
    pub async fn take_delivered(&self, ids: &[[u8; 16]]) -> Result<(), StoreError> {
        self.transaction(|tx| {
            Box::pin(async move {
                for id in ids {
                    tx.execute(DELIVERED, &[id.into()]).await?;
                }
                Ok(())
            })
        })
        .await
    }
}

//! The outbox: messages that are committed together with the change they speak of, and delivered elsewhere
//! afterwards. A message whose change did not happen was never there; one whose delivery was cut short is
//! still there at the next start.
//!
//! Of several servers on one store each delivers what it has posted. Each writes down from time to time that it is
//! there, by a name of its own choice: one that does not for long is gone, and another delivers for it.

use std::collections::{HashMap, HashSet};

use crate::{Db, Statement, StoreError, Tx};

const POST: Statement = Statement::new("INSERT INTO outbox (id, message) VALUES ($1, $2)");
const WAITING: Statement =
    Statement::new("SELECT id, message FROM outbox WHERE id > $1 ORDER BY id LIMIT $2");
const DELIVERED: Statement = Statement::new("DELETE FROM outbox WHERE id = $1");
const CLAIM: Statement =
    Statement::new("UPDATE outbox SET message = $3 WHERE id = $1 AND (message = $2 OR message = $3)");

const BEAT: Statement = Statement::new(
    "INSERT INTO outbox_writers (writer, beat) VALUES ($1, 1) \
     ON CONFLICT (writer) DO UPDATE SET beat = outbox_writers.beat + 1",
);
const WRITERS: Statement = Statement::new("SELECT writer, beat FROM outbox_writers ORDER BY writer LIMIT $1");
const TAKE_OVER: Statement =
    Statement::new("UPDATE outbox_writers SET beat = beat + 1 WHERE writer = $1 AND beat = $2");
const TAKE_OVER_UNKNOWN: Statement = Statement::new(
    "INSERT INTO outbox_writers (writer, beat) VALUES ($1, 1) ON CONFLICT (writer) DO NOTHING",
);
const FORGET_WRITER: Statement = Statement::new("DELETE FROM outbox_writers WHERE writer = $1 AND beat = $2");

/// Writers that are looked at. There is one for each server, and one for each of its starts until it is forgotten.
const MOST_WRITERS: u32 = 10_000;

/// The outbox's statements.
pub(crate) const STATEMENTS: &[Statement] =
    &[POST, WAITING, DELIVERED, CLAIM, BEAT, WRITERS, TAKE_OVER, TAKE_OVER_UNKNOWN, FORGET_WRITER];

/// The outbox's table.
pub(crate) const TABLE: &str = "CREATE TABLE outbox (id BYTEA PRIMARY KEY, message BYTEA NOT NULL)";

/// The table of those who deliver.
pub(crate) const WRITERS_TABLE: &str =
    "CREATE TABLE outbox_writers (writer TEXT PRIMARY KEY, beat BIGINT NOT NULL)";

/// A message in the outbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Posted {
    /// Which message; the poster's choice, unique among those that wait.
    pub id: [u8; 16],
    /// What it says.
    pub message: Vec<u8>,
}

/// A message that somebody makes his own before he delivers it.
#[derive(Clone, Debug)]
pub struct Claim {
    /// The message as it was found.
    pub found: Posted,
    /// What it says from then on. Nobody else writes the same bytes.
    pub claimed: Vec<u8>,
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

    /// Claims messages, all that are still as they were found, and answers which. Of several who claim one, one has it.
    /// Where it is not known whether a claim was written, the same is claimed again.
    pub async fn claim_posted(&self, claims: &[Claim]) -> Result<HashSet<[u8; 16]>, StoreError> {
        self.transaction(|tx| {
            Box::pin(async move {
                let mut claimed = HashSet::with_capacity(claims.len());
                for Claim { found: Posted { id, message }, claimed: changed } in claims {
                    if tx.execute(CLAIM, &[id.into(), message.into(), changed.into()]).await? == 1 {
                        claimed.insert(*id);
                    }
                }
                Ok(claimed)
            })
        })
        .await
    }

    /// Writes down that `writer` is there.
    pub async fn outbox_beat(&self, writer: &str) -> Result<(), StoreError> {
        self.execute(BEAT, &[writer.into()]).await.map(drop)
    }

    /// How often each writer has written down that it is there.
    pub async fn outbox_writers(&self) -> Result<HashMap<String, i64>, StoreError> {
        let rows = self.query(WRITERS, &[MOST_WRITERS.into()]).await?;
        rows.iter().map(|row| Ok((row.text("writer")?, row.i64("beat")?))).collect()
    }

    /// Takes over what a writer has not delivered, if it has written nothing since `beat` was seen of it, and nobody else
    /// has taken over. Answers whether the caller has.
    pub async fn outbox_take_over(&self, writer: &str, beat: Option<i64>) -> Result<bool, StoreError> {
        let changed = match beat {
            Some(beat) => self.execute(TAKE_OVER, &[writer.into(), beat.into()]).await?,
            None => self.execute(TAKE_OVER_UNKNOWN, &[writer.into()]).await?,
        };
        Ok(changed == 1)
    }

    /// Forgets a writer that has left nothing, unless it has written since `beat` was seen of it.
    pub async fn outbox_forget_writer(&self, writer: &str, beat: i64) -> Result<(), StoreError> {
        self.execute(FORGET_WRITER, &[writer.into(), beat.into()]).await.map(drop)
    }
}

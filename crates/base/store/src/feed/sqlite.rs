//! Looking at what was announced on SQLite: transactions are serial, so that a number says where one has got to.

use super::{Announced, Found};
use crate::{Db, Statement, StoreError};

pub(super) const NEWEST: Statement =
    Statement::new("SELECT COALESCE(MAX(number), 0) AS number FROM store_changes");
pub(super) const LATER: Statement =
    Statement::new("SELECT number, topic, key FROM store_changes WHERE number > $1 ORDER BY number LIMIT $2");

/// Who looks at an SQLite file.
pub(super) struct Sight {
    position: Option<i64>,
}

impl Sight {
    pub(super) const fn new() -> Self {
        Self { position: None }
    }

    /// What has been announced since the look before; at most `most`.
    pub(super) async fn look(&mut self, db: &Db, most: u32) -> Result<Found, StoreError> {
        let Some(position) = self.position else {
            self.position = Some(db.query_one(NEWEST, &[]).await?.i64("number")?);
            return Ok(Found::Anything);
        };
        let rows = db.query(LATER, &[position.into(), (most.saturating_add(1)).into()]).await?;
        if rows.len() > most as usize {
            self.position = None;
            return Box::pin(self.look(db, most)).await;
        }
        let mut changes = Vec::with_capacity(rows.len());
        for row in &rows {
            self.position = Some(row.i64("number")?);
            changes.push(Announced { topic: row.text("topic")?, key: row.text("key")? });
        }
        Ok(Found::Changes(changes))
    }

    /// What is before it has been seen. Forgotten is less than that, so that numbers go on from the last.
    pub(super) fn horizon(&self) -> Option<i64> {
        self.position
    }

    pub(super) fn lose(&mut self) {
        self.position = None;
    }
}

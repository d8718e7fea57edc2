//! Events opened for who reads them.

use std::collections::HashMap;
use std::sync::Arc;

use strongroom_secret::Key256;

use crate::Logs;
use crate::arriving::{SealedIn, is_short_work};
use crate::domain::group::Group;
use crate::domain::id::Id;
use crate::error::Refusal;
use crate::repo::events::EventRow;

/// An event that was opened.
#[derive(Debug)]
pub(crate) struct Opened {
    /// Its row, without what was sealed.
    pub(crate) row: EventRow,
    pub(crate) text: String,
}

/// Opens the events of a group for one call: each data key is asked for once.
pub(crate) struct Opener<'l> {
    logs: &'l Logs,
    group: &'l Group,
    keys: HashMap<i64, Arc<Key256>>,
}

impl<'l> Opener<'l> {
    pub(crate) fn new(logs: &'l Logs, group: &'l Group) -> Self {
        Self { logs, group, keys: HashMap::new() }
    }

    /// Events with their texts, in their order; many are opened where other calls do not wait for the end.
    pub(crate) async fn open_all(&mut self, rows: Vec<EventRow>) -> Result<Vec<Opened>, Refusal> {
        let is_short_work = is_short_work(rows.len(), rows.iter().map(|row| row.bytes).sum());
        let mut sealed = Vec::with_capacity(rows.len());
        for row in rows {
            sealed.push((self.key(row.data_key).await?, row));
        }
        let group = self.group.id;
        let open = move || sealed.into_iter().map(|(key, row)| Opened::of(group, &key, row)).collect();
        if is_short_work {
            return open();
        }
        tokio::task::spawn_blocking(open).await.map_err(|error| Refusal::Internal(error.into()))?
    }

    async fn key(&mut self, number: i64) -> Result<Arc<Key256>, Refusal> {
        if let Some(key) = self.keys.get(&number) {
            return Ok(key.clone());
        }
        let key = self.logs.keys.open(&self.group.name, self.group.id, number).await?;
        self.keys.insert(number, key.clone());
        Ok(key)
    }
}

impl Opened {
    fn of(group: Id, key: &Key256, mut row: EventRow) -> Result<Self, Refusal> {
        let place = SealedIn { group, stream: row.stream, ingested_ms: row.ingested_ms };
        let opened = place.open(key, row.place.at_ms, &std::mem::take(&mut row.sealed))?;
        let text = String::from_utf8(opened.expose().clone())
            .map_err(|_| Refusal::Internal("the text of an event is no text".into()))?;
        Ok(Self { row, text })
    }
}

//! Events opened for who reads them.

use std::collections::HashMap;
use std::sync::Arc;

use strongroom_secret::Key256;

use crate::Logs;
use crate::arriving::SealedIn;
use crate::domain::group::Group;
use crate::error::Refusal;
use crate::repo::events::EventRow;

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

    /// The text of an event.
    pub(crate) async fn open(&mut self, event: &EventRow) -> Result<String, Refusal> {
        let key = if let Some(key) = self.keys.get(&event.data_key) {
            key.clone()
        } else {
            let key = self.logs.keys.open(&self.group.name, self.group.id, event.data_key).await?;
            self.keys.insert(event.data_key, key.clone());
            key
        };
        let place = SealedIn { group: self.group.id, stream: event.stream, ingested_ms: event.ingested_ms };
        let opened = place.open(&key, event.place.at_ms, &event.sealed)?;
        String::from_utf8(opened.expose().clone())
            .map_err(|_| Refusal::Internal("the text of an event is no text".into()))
    }
}

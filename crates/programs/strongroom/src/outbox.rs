//! From the store's outbox to the journal: the records of changes whose own record did not get there.
//!
//! A change to state commits together with the draft of its record. The record proper follows within
//! moments, and the draft is then taken out again, many at a time. After a crash in between, the draft is
//! what is left, and becomes the record.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use anyhow::{Context as _, Result};
use strongroom_journal::{Journal, Record};
use strongroom_store::{Db, Posted};

/// How many drafts are taken out of the store at once. As many at the most are looked for in the journal at
/// the next start, and found there.
const BATCH: usize = 64;

/// Drafts read from the store at once.
const PAGE: u32 = 256;

/// How much earlier than its draft a record may be dated: the machine's clock may be set back between two
/// starts. Milliseconds.
const SLACK_MS: i64 = 60 * 60 * 1000;

/// The drafts that have become records, or shall.
pub(crate) struct Outbox {
    db: Db,
    delivered: Mutex<Vec<[u8; 16]>>,
}

impl Outbox {
    pub(crate) fn new(db: Db) -> Self {
        Self { db, delivered: Mutex::default() }
    }

    /// Makes records of the drafts that are left from before, and answers how many. To be called before
    /// anything is served.
    pub(crate) async fn replay(&self, journal: &Journal) -> Result<usize> {
        let mut replayed = 0;
        loop {
            let drafts = self.db.posted(None, PAGE).await.context("reading the outbox")?;
            if drafts.is_empty() {
                return Ok(replayed);
            }
            replayed += self.replay_page(journal, &drafts).await?;
        }
    }

    async fn replay_page(&self, journal: &Journal, drafts: &[Posted]) -> Result<usize> {
        let records: Vec<_> = drafts
            .iter()
            .map(|draft| Record::decode(&draft.message).context("a draft in the outbox is no record"))
            .collect::<Result<_>>()?;
        let oldest = records.iter().map(|record| record.event_time_ms).min().unwrap_or(i64::MAX);
        let known = recorded_since(journal, oldest.saturating_sub(SLACK_MS))?;
        let mut replayed = 0;
        for record in records.iter().filter(|record| !known.contains(&record.event_id.0)) {
            journal.append(record).await.context("recording what a crash left in the outbox")?;
            replayed += 1;
        }
        let ids: Vec<_> = drafts.iter().map(|draft| draft.id).collect();
        self.db.take_delivered(&ids).await.context("emptying the outbox")?;
        Ok(replayed)
    }

    /// Notes that a draft has become a record, and takes noted ones out of the store when there are enough.
    pub(crate) async fn delivered(&self, id: [u8; 16]) {
        let full = {
            let mut delivered = self.delivered.lock().unwrap_or_else(PoisonError::into_inner);
            delivered.push(id);
            delivered.len() >= BATCH
        };
        if full {
            self.empty().await;
        }
    }

    /// Takes the noted drafts out of the store. Those that stay are found in the journal at the next start.
    pub(crate) async fn empty(&self) {
        let ids = std::mem::take(&mut *self.delivered.lock().unwrap_or_else(PoisonError::into_inner));
        if let Err(error) = self.db.take_delivered(&ids).await {
            tracing::warn!(%error, "recorded drafts stay in the outbox");
        }
    }
}

/// The ids of the events recorded at or after a moment.
fn recorded_since(journal: &Journal, since_ms: i64) -> Result<HashSet<[u8; 16]>> {
    let mut known = HashSet::new();
    for record in journal.reader().records_newest_first(None)? {
        // What is damaged is `audit verify`'s to name; here it only is no record of a draft.
        let Ok((_, record)) = record else { continue };
        if record.event_time_ms < since_ms {
            break;
        }
        known.insert(record.event_id.0);
    }
    Ok(known)
}

//! From the store's outbox to the journal: the records of changes whose own record did not get there.
//!
//! A change to state commits together with the draft of its record. The record proper follows within
//! moments, and the draft is then taken out again, many at a time. After a crash in between, the draft is
//! what is left, and becomes the record.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use anyhow::{Context as _, Result};
use strongroom_crypto::hex;
use strongroom_identity::RecordDraft;
use strongroom_journal::{Journal, Record};
use strongroom_store::{Db, Posted, RowMac, Value};

/// How many drafts are taken out of the store at once. As many at the most are looked for in the journal at
/// the next start, and found there.
const BATCH: usize = 64;

/// Drafts read from the store at once.
const PAGE: u32 = 256;

/// How much earlier than its draft a record may be dated: the machine's clock may be set back between two
/// starts. Milliseconds.
const SLACK_MS: i64 = 60 * 60 * 1000;

/// What a draft's MAC is made for.
const TABLE: &str = "outbox";

/// Bytes of a MAC, which a draft begins with.
const MAC: usize = 33;

/// The drafts that have become records, or shall.
pub(crate) struct Outbox {
    db: Db,
    mac: RowMac,
    delivered: Mutex<Vec<[u8; 16]>>,
}

impl Outbox {
    pub(crate) fn new(db: Db, mac: RowMac) -> Self {
        Self { db, mac, delivered: Mutex::default() }
    }

    /// The draft of a record: its encoding after a MAC, for it waits where others may be able to write.
    pub(crate) fn draft(&self, record: &Record) -> RecordDraft {
        let (event_id, encoded) = (record.event_id.0, record.encode());
        let mut bytes = self.mac.seal(TABLE, &[("id", &event_id.into()), ("record", &Value::from(&encoded))]);
        bytes.extend(encoded);
        RecordDraft { event_id, bytes }
    }

    /// The record of a draft that was made here; `None` if the draft was not.
    fn record(&self, draft: &Posted) -> Option<Record> {
        let (mac, encoded) = draft.message.split_at_checked(MAC)?;
        let columns = [("id", &draft.id.into()), ("record", &Value::from(encoded))];
        self.mac.verify(TABLE, &hex::encode(&draft.id), &columns, mac).ok()?;
        Record::decode(encoded).ok()
    }

    /// Makes records of the drafts that are left from before, and answers how many. To be called before
    /// anything is served.
    pub(crate) async fn replay(&self, journal: &Journal) -> Result<usize> {
        let (mut replayed, mut after) = (0, None);
        loop {
            let drafts = self.db.posted(after, PAGE).await.context("reading the outbox")?;
            let Some(last) = drafts.last() else { return Ok(replayed) };
            after = Some(last.id);
            replayed += self.replay_page(journal, &drafts).await?;
        }
    }

    async fn replay_page(&self, journal: &Journal, drafts: &[Posted]) -> Result<usize> {
        let mut records = Vec::with_capacity(drafts.len());
        for draft in drafts {
            // One that was not made here makes no record, and stays to be looked at.
            if let Some(record) = self.record(draft) {
                records.push(record);
            } else {
                tracing::error!(id = hex::encode(&draft.id), "a draft in the outbox was altered or forged");
            }
        }
        let oldest = records.iter().map(|record| record.event_time_ms).min().unwrap_or(i64::MAX);
        let known = recorded_since(journal, oldest.saturating_sub(SLACK_MS))?;
        let mut replayed = 0;
        for record in records.iter().filter(|record| !known.contains(&record.event_id.0)) {
            journal.append(record).await.context("recording what a crash left in the outbox")?;
            replayed += 1;
        }
        let ids: Vec<_> = records.iter().map(|record| record.event_id.0).collect();
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

#[cfg(test)]
mod tests {
    use strongroom_journal::{EventId, JournalOptions};
    use strongroom_secret::Key256;
    use strongroom_store::{OpenOptions, StoreError};
    use tempfile::TempDir;

    use super::*;

    const NOW_MS: i64 = 1_700_000_000_000;

    fn record(id: u8) -> Record {
        let name = format!("Change{id}");
        Record { event_id: EventId([id; 16]), event_time_ms: NOW_MS, event_name: name, ..Record::default() }
    }

    fn outbox(db: &Db) -> Outbox {
        Outbox::new(db.clone(), RowMac::new(&Key256::new([9; 32])))
    }

    async fn post(db: &Db, record: &Record) {
        post_draft(db, &outbox(db).draft(record)).await;
    }

    async fn post_draft(db: &Db, draft: &RecordDraft) {
        let posted =
            db.transaction(|tx| Box::pin(async move { tx.post(&draft.event_id, &draft.bytes).await }));
        posted.await.map_err(|error: StoreError| error).unwrap();
    }

    fn names(journal: &Journal) -> Vec<String> {
        let records = journal.reader().records(None).unwrap();
        records.map(|record| record.unwrap().1.event_name).collect()
    }

    #[tokio::test]
    async fn a_change_whose_record_was_cut_off_is_recorded_at_the_next_start_and_once() {
        let folder = TempDir::new().unwrap();
        let db = Db::open_sqlite_ephemeral(&OpenOptions::default()).await.unwrap();
        let open = || {
            let (options, key) = (JournalOptions::default(), Key256::new([7; 32]));
            Journal::open(folder.path(), &options, &key, "node", NOW_MS).unwrap().journal
        };

        // Before the crash: one change recorded, its draft not taken out yet; one change not recorded.
        let journal = open();
        for change in [record(1), record(2)] {
            post(&db, &change).await;
        }
        journal.append(&record(1)).await.unwrap();
        drop(journal);

        for (start, replayed) in [1, 0].into_iter().enumerate() {
            let journal = open();
            let outbox = outbox(&db);
            assert_eq!(outbox.replay(&journal).await.unwrap(), replayed, "start {start}");
            assert_eq!(names(&journal), ["Change1", "Change2"], "start {start}");
            assert_eq!(db.posted(None, 10).await.unwrap(), []);
        }
    }

    #[tokio::test]
    async fn a_draft_that_was_altered_or_forged_becomes_no_record() {
        let folder = TempDir::new().unwrap();
        let db = Db::open_sqlite_ephemeral(&OpenOptions::default()).await.unwrap();
        let genuine = outbox(&db).draft(&record(1));
        for (at, byte) in genuine.bytes.iter().enumerate() {
            let mut altered = RecordDraft { event_id: [at as u8; 16], ..genuine.clone() };
            altered.bytes[at] = byte ^ 1;
            post_draft(&db, &altered).await;
        }
        post_draft(&db, &RecordDraft { event_id: [250; 16], ..genuine.clone() }).await;
        post_draft(&db, &RecordDraft { event_id: [251; 16], bytes: record(251).encode() }).await;
        let planted = db.posted(None, 1000).await.unwrap().len();

        let (options, key) = (JournalOptions::default(), Key256::new([7; 32]));
        let journal = Journal::open(folder.path(), &options, &key, "node", NOW_MS).unwrap().journal;
        assert_eq!(outbox(&db).replay(&journal).await.unwrap(), 0);
        assert_eq!(names(&journal), [""; 0]);
        assert_eq!(db.posted(None, 1000).await.unwrap().len(), planted);
    }

    #[tokio::test]
    async fn drafts_that_became_records_are_taken_out_many_at_a_time() {
        let db = Db::open_sqlite_ephemeral(&OpenOptions::default()).await.unwrap();
        let outbox = outbox(&db);
        for id in 0..=BATCH as u8 {
            post(&db, &record(id)).await;
        }
        for id in 0..BATCH as u8 - 1 {
            outbox.delivered([id; 16]).await;
        }
        assert_eq!(db.posted(None, 100).await.unwrap().len(), BATCH + 1);
        outbox.delivered([BATCH as u8 - 1; 16]).await;
        assert_eq!(db.posted(None, 100).await.unwrap().len(), 1);
        outbox.delivered([BATCH as u8; 16]).await;
        outbox.empty().await;
        assert_eq!(db.posted(None, 100).await.unwrap(), []);
    }
}

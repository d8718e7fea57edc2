//! What a crash leaves between a change and its record.

#![allow(clippy::unwrap_used, reason = "tests")]

mod others;
mod passed_on;

use std::path::Path;
use std::sync::Arc;

use strongroom_identity::RecordDraft;
use strongroom_journal::{EventId, Journal, JournalError, JournalOptions, Record, StreamId, Trust, verify};
use strongroom_outbox::{Outbox, OutboxError};
use strongroom_seal::Root;
use strongroom_secret::Key256;
use strongroom_store::{Db, Migration, OpenOptions, RowMac, Statement, StoreError};
use tempfile::TempDir;

const NOW_MS: i64 = 1_700_000_000_000;

/// Drafts that are taken out of the store at once.
const BATCH: u8 = 64;

/// What refers to a draft keeps it, and all that are taken out with it, from going.
const HOLDS: &[Migration] = &[Migration {
    component: "holds",
    version: 1,
    name: "holds",
    sql: "CREATE TABLE holds (id BYTEA NOT NULL REFERENCES outbox (id))",
}];
const HOLD: Statement = Statement::new("INSERT INTO holds (id) VALUES ($1)");
const LET_GO: Statement = Statement::new("DELETE FROM holds");

fn key() -> Key256 {
    Key256::new([7; 32])
}

fn record(id: u8) -> Record {
    let name = format!("Change{id}");
    Record { event_id: EventId([id; 16]), event_time_ms: NOW_MS, event_name: name, ..Record::default() }
}

async fn store() -> Db {
    Db::open_sqlite_ephemeral(&OpenOptions::default()).await.unwrap()
}

/// The outbox as a program that has just started has it.
fn start(folder: &Path, db: &Db) -> Outbox {
    start_with(folder, db, &JournalOptions::default())
}

fn start_with(folder: &Path, db: &Db, options: &JournalOptions) -> Outbox {
    let options = JournalOptions { begins_streams: true, ..options.clone() };
    let journal = Journal::open(folder, &options, &key(), "node", NOW_MS).unwrap().journal;
    Outbox::new(db.clone(), RowMac::new(&Root::from_key(Key256::new([9; 32])).unwrap()), Arc::new(journal))
}

/// The outbox of the server of that name, whose journal is in the store.
fn start_in_store(name: &str, db: &Db) -> Outbox {
    let opened = Journal::open_in_store(db, name, &JournalOptions::default(), &key(), NOW_MS).unwrap();
    let mac = RowMac::new(&Root::from_key(Key256::new([9; 32])).unwrap());
    Outbox::new(db.clone(), mac, Arc::new(opened.journal))
}

/// Commits a draft, as a change does with it.
async fn post(db: &Db, draft: &RecordDraft) {
    let posted = db.transaction(|tx| Box::pin(async move { tx.post(&draft.event_id, &draft.bytes).await }));
    posted.await.map_err(|error: StoreError| error).unwrap();
}

fn names(outbox: &Outbox) -> Vec<String> {
    let records = outbox.reader().records(None).unwrap();
    records.map(|record| record.unwrap().1.event_name).collect()
}

async fn waiting(db: &Db) -> usize {
    db.posted(None, 1000).await.unwrap().len()
}

#[tokio::test]
async fn a_change_whose_record_was_cut_off_is_recorded_at_the_next_start_and_once() {
    let (folder, db) = (TempDir::new().unwrap(), store().await);
    // Before the crash: one change recorded, its draft not taken out yet; one change not recorded.
    let outbox = start(folder.path(), &db);
    for change in [record(1), record(2)] {
        post(&db, &outbox.draft(&change)).await;
    }
    outbox.record(record(1), false).await.unwrap();
    drop(outbox);

    for (start_number, replayed) in [1, 0].into_iter().enumerate() {
        let outbox = start(folder.path(), &db);
        assert_eq!(outbox.replay().await.unwrap(), replayed, "start {start_number}");
        assert_eq!(names(&outbox), ["Change1", "Change2"], "start {start_number}");
        assert_eq!(waiting(&db).await, 0);
    }
}

#[tokio::test]
async fn what_other_accounts_get_of_a_call_stands_beside_its_record() {
    let (folder, db) = (TempDir::new().unwrap(), store().await);
    let outbox = start(folder.path(), &db);
    post(&db, &outbox.draft(&record(1))).await;
    outbox.record_for_all(&record(1), &[record(2)], true).await.unwrap();
    // The place of a draft that is made now is behind both.
    post(&db, &outbox.draft(&record(3))).await;
    drop(outbox);
    let outbox = start(folder.path(), &db);
    assert_eq!(outbox.replay().await.unwrap(), 1);
    assert_eq!(names(&outbox), ["Change1", "Change2", "Change3"]);
    assert_eq!(waiting(&db).await, 0);
}

#[tokio::test]
async fn records_of_any_date_in_between_do_not_hide_the_one_of_a_draft() {
    let (folder, db) = (TempDir::new().unwrap(), store().await);
    let outbox = start(folder.path(), &db);
    outbox.record(record(1), false).await.unwrap();
    post(&db, &outbox.draft(&record(2))).await;
    outbox.record(record(2), false).await.unwrap();
    // What becomes due is recorded with the date it was due at, which may be long past.
    outbox.record(Record { event_time_ms: 1, ..record(3) }, false).await.unwrap();
    drop(outbox);

    let outbox = start(folder.path(), &db);
    assert_eq!(outbox.replay().await.unwrap(), 0);
    assert_eq!(names(&outbox), ["Change1", "Change2", "Change3"]);
}

#[tokio::test]
async fn a_draft_that_was_altered_or_forged_becomes_no_record() {
    let (folder, db) = (TempDir::new().unwrap(), store().await);
    let outbox = start(folder.path(), &db);
    let genuine = outbox.draft(&record(1));
    for (at, byte) in genuine.bytes.iter().enumerate() {
        let mut altered = RecordDraft { event_id: [at as u8; 16], ..genuine.clone() };
        altered.bytes[at] = byte ^ 1;
        post(&db, &altered).await;
    }
    post(&db, &RecordDraft { event_id: [250; 16], ..genuine.clone() }).await;
    post(&db, &RecordDraft { event_id: [251; 16], bytes: record(251).encode(), mark: None }).await;
    let planted = waiting(&db).await;

    assert_eq!(outbox.replay().await.unwrap(), 0);
    assert_eq!(names(&outbox), [""; 0]);
    assert_eq!(waiting(&db).await, planted);
}

#[tokio::test]
async fn drafts_that_became_records_are_taken_out_many_at_a_time() {
    let (folder, db) = (TempDir::new().unwrap(), store().await);
    let outbox = start(folder.path(), &db);
    for id in 0..=BATCH {
        post(&db, &outbox.draft(&record(id))).await;
    }
    for id in 0..BATCH - 1 {
        outbox.record(record(id), true).await.unwrap();
    }
    assert_eq!(waiting(&db).await, usize::from(BATCH) + 1);
    outbox.record(record(BATCH - 1), true).await.unwrap();
    assert_eq!(waiting(&db).await, 1);
    outbox.record(record(BATCH), true).await.unwrap();
    outbox.empty().await;
    assert_eq!(waiting(&db).await, 0);
}

#[tokio::test]
async fn drafts_that_could_not_be_taken_out_are_with_the_next_ones() {
    let (folder, db) = (TempDir::new().unwrap(), store().await);
    let outbox = start(folder.path(), &db);
    for id in 0..2 * BATCH {
        post(&db, &outbox.draft(&record(id))).await;
    }
    db.migrate(&[HOLDS]).await.unwrap();
    db.execute(HOLD, &[record(0).event_id.0.into()]).await.unwrap();
    for id in 0..BATCH {
        outbox.record(record(id), true).await.unwrap();
    }
    assert_eq!(waiting(&db).await, usize::from(2 * BATCH));
    db.execute(LET_GO, &[]).await.unwrap();
    for id in BATCH..2 * BATCH {
        outbox.record(record(id), true).await.unwrap();
    }
    assert_eq!(waiting(&db).await, 0);
}

/// A journal of three segments, of which nobody can read the second, and the store with one draft that is recorded in the
/// first.
async fn with_an_unreadable_segment(folder: &Path, db: &Db) -> JournalOptions {
    let options = JournalOptions { segment_bytes: 4096, ..JournalOptions::default() };
    let outbox = start_with(folder, db, &options);
    post(db, &outbox.draft(&record(1))).await;
    let mut id = 1;
    let segment = |stream: StreamId, number| folder.join(format!("{stream}/00000{number}.seg"));
    let stream = *outbox.reader().streams().unwrap().last().unwrap();
    while !segment(stream, 3).exists() {
        outbox.record(record(id), false).await.unwrap();
        id += 1;
    }
    drop(outbox);
    std::fs::remove_file(segment(stream, 2)).unwrap();
    std::fs::create_dir(segment(stream, 2)).unwrap();
    options
}

#[tokio::test]
async fn the_journal_is_read_no_further_than_to_the_last_draft_that_is_recorded() {
    let (folder, db) = (TempDir::new().unwrap(), store().await);
    let options = with_an_unreadable_segment(folder.path(), &db).await;
    let outbox = start_with(folder.path(), &db, &options);
    assert_eq!(outbox.replay().await.unwrap(), 0);
    assert_eq!(waiting(&db).await, 0);
}

#[tokio::test]
async fn a_draft_that_may_be_recorded_where_the_disk_does_not_read_is_not_recorded_again() {
    let (folder, db) = (TempDir::new().unwrap(), store().await);
    let outbox = start(folder.path(), &db);
    // Made before anything was recorded.
    let draft = outbox.draft(&record(200));
    drop(outbox);
    let options = with_an_unreadable_segment(folder.path(), &db).await;
    post(&db, &draft).await;
    let outbox = start_with(folder.path(), &db, &options);
    let refused = outbox.replay().await.unwrap_err();
    assert!(matches!(refused, OutboxError::Journal(JournalError::Io { .. })), "{refused}");
    assert_eq!(waiting(&db).await, 2);
}

#[tokio::test]
async fn a_new_beginning_is_a_new_stream_of_the_same_journal() {
    let (folder, db) = (TempDir::new().unwrap(), store().await);
    let outbox = start(folder.path(), &db);
    outbox.record(record(1), false).await.unwrap();
    let stream = outbox.begin_stream(NOW_MS - 1_000_000).await.unwrap();
    db.clear(&[]).await.unwrap();
    outbox.start_over();
    post(&db, &outbox.draft(&record(2))).await;
    outbox.record(record(2), true).await.unwrap();
    assert_eq!(names(&outbox), ["Change1", "Change2"]);
    let history = outbox.reader().since(stream);
    let shown: Vec<_> = history.records(None).unwrap().map(|record| record.unwrap().1.event_name).collect();
    assert_eq!(shown, ["Change2"]);
    drop(outbox);

    let outbox = start(folder.path(), &db);
    assert_eq!(outbox.replay().await.unwrap(), 0);
    let report = verify(folder.path(), &Trust::seal(|_| Some(key()), |_| None), |_| ()).unwrap();
    assert!(report.is_intact(), "{:?}", report.findings);
}

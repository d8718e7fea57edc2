//! Journals that are rows of a store, of several servers.

use std::time::Duration;

use strongroom_journal::{
    FindingKind, Journal, JournalError, JournalOptions, Keeper, KeeperOptions, MIGRATIONS, Reader,
    STATEMENTS, STATEMENTS_OF_POSTGRES, SegmentId, StoreReport, Trust, export_from_store, move_into_store,
    verify, verify_store,
};
use strongroom_store::{Db, Migration, OpenOptions, Statement, Value};
use strongroom_testkit::{TestDatabase, on_both_engines};

use crate::fixture::{NOW, append, checkpoint_key, close, event_id, key, public_key, record, runtime, seal};

/// A store, and a runtime in which its connections live.
struct Store {
    runtime: tokio::runtime::Runtime,
    db: Db,
    _database: TestDatabase,
}

impl Store {
    fn new() -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let database = TestDatabase::postgres();
        let db = runtime.block_on(async {
            let db = Db::open(database.url(), &OpenOptions::default()).await.unwrap();
            db.migrate(&[MIGRATIONS]).await.unwrap();
            db
        });
        Self { runtime, db, _database: database }
    }

    fn open(&self, server: &str) -> Journal {
        self.open_with(server, &options(16 << 10))
    }

    fn open_with(&self, server: &str, options: &JournalOptions) -> Journal {
        let opened = Journal::open_in_store(&self.db, server, options, &key(), NOW).unwrap();
        assert_eq!(opened.notes, []);
        opened.journal
    }

    fn reader(&self) -> Reader {
        Reader::open_store(&self.db).unwrap()
    }

    fn verify(&self) -> StoreReport {
        verify_store(&self.db, &seal(), |_| {}).unwrap()
    }

    fn intact(&self) -> Vec<FindingKind> {
        let report = self.verify();
        let found = report.journals.into_iter().flat_map(|(_, report)| {
            assert!(report.is_intact(), "{}", report.first_break().unwrap());
            report.findings
        });
        found.map(|finding| finding.kind).collect()
    }

    fn execute(&self, statement: Statement, values: &[Value]) -> u64 {
        self.runtime.block_on(self.db.execute(statement, values)).unwrap()
    }
}

pub(crate) fn options(segment_bytes: u64) -> JournalOptions {
    JournalOptions { segment_bytes, queue_bytes: 8 << 10, begins_streams: true, ..JournalOptions::default() }
}

pub(crate) fn keeper(journal: &Journal) -> Keeper {
    let options = KeeperOptions { key: checkpoint_key(1), keys_before: Vec::new(), copies: Vec::new() };
    journal.keeper(options, NOW).unwrap()
}

fn numbers(reader: &Reader) -> Vec<u64> {
    let records = reader.records(None).unwrap().map(|read| read.unwrap().1.event_id);
    records.map(|id| u64::from_be_bytes(id.0[8..].try_into().unwrap())).collect()
}

/// Ends a journal as a kill does: nothing is written any more.
fn kill(journal: Journal) {
    std::mem::forget(journal);
}

on_both_engines! {
    every_statement_is_known,
}

async fn every_statement_is_known(database: &TestDatabase) {
    let db = Db::open(database.url(), &OpenOptions::default()).await.unwrap();
    db.migrate(&[MIGRATIONS]).await.unwrap();
    db.check_statements(STATEMENTS).await.unwrap();
    if database.sqlite_file().is_none() {
        db.check_statements(STATEMENTS_OF_POSTGRES).await.unwrap();
    }
}

#[test]
fn what_is_acknowledged_is_there_for_all_and_after_a_kill() {
    let store = Store::new();
    let (one, two) = (store.open("one"), store.open("two"));
    append(&one, 0..40);
    append(&two, 100..110);
    append(&one, 40..50);
    for reader in [store.reader(), one.reader(), two.reader()] {
        assert_eq!(reader.chains().unwrap(), ["one", "two"]);
        assert_eq!(numbers(&reader.clone().of_chain("one")), (0..50).collect::<Vec<_>>());
        assert_eq!(numbers(&reader.of_chain("two")), (100..110).collect::<Vec<_>>());
    }
    assert_eq!(numbers(&one.own_reader()).len(), 50);
    kill(one);
    let again = store.open("one");
    append(&again, 50..51);
    assert_eq!(numbers(&again.own_reader()), (0..51).collect::<Vec<_>>());
    close(again);
    close(two);
    assert_eq!(store.intact(), [FindingKind::NotClosed]);
}

#[test]
fn segments_follow_each_other_and_records_are_read_from_any_place() {
    let store = Store::new();
    let journal = store.open("one");
    append(&journal, 0..200);
    let reader = store.reader();
    let segments = reader.segments().unwrap();
    assert!(segments.len() > 3, "{}", segments.len());
    assert_eq!(segments.iter().filter(|listed| !listed.is_closed).count(), 1);
    let all: Vec<_> = reader.records(None).unwrap().map(Result::unwrap).collect();
    for (index, (position, _)) in all.iter().enumerate().step_by(17) {
        let rest: Vec<_> = reader.records(Some(*position)).unwrap().map(Result::unwrap).collect();
        assert_eq!(rest, all[index + 1..]);
        let before = reader.records_newest_first(Some(*position)).unwrap().count();
        assert_eq!(before, index);
    }
    let newest: Vec<_> = reader.records_newest_first(None).unwrap().map(Result::unwrap).collect();
    assert_eq!(newest, all.into_iter().rev().collect::<Vec<_>>());
    close(journal);
    assert_eq!(store.intact(), []);
}

#[test]
fn records_of_several_servers_are_merged_by_their_times() {
    let store = Store::new();
    let (one, two) = (store.open("one"), store.open("two"));
    for number in 0..20 {
        append(if number % 3 == 0 { &one } else { &two }, number..number + 1);
    }
    let newest = store.reader().records_newest_first(None).unwrap();
    let newest: Vec<_> = newest.map(|read| read.unwrap().1.event_id).collect();
    assert_eq!(newest, (0..20).rev().map(event_id).collect::<Vec<_>>());
    let since = store.reader().records_since(NOW + 15).unwrap().map(|read| read.unwrap().1);
    let since: Vec<_> = since.filter(|record| record.event_time_ms >= NOW + 15).collect();
    assert_eq!(since, (15..20).rev().map(record).collect::<Vec<_>>());
}

#[test]
fn where_all_chains_end_is_known_at_once() {
    let store = Store::new();
    let reader = store.reader();
    assert_eq!(reader.ends().unwrap(), None, "nobody has a journal");
    let (one, two) = (store.open("one"), store.open("two"));
    append(&two, 0..200);
    append(&one, 200..203);
    let by_frames = |name: &str| {
        let last = reader.clone().of_chain(name).frames(None).unwrap().last().unwrap().unwrap();
        let id = SegmentId { stream: last.stream(), number: last.segment() };
        (id, last.offset() + last.length() as u64)
    };
    let before = [by_frames("one"), by_frames("two")];
    assert!(before[1].0.number > 3);
    assert_eq!(reader.ends().unwrap().unwrap(), before);
    // Also for whoever writes one of them, and of one alone.
    assert_eq!(one.reader().ends().unwrap().unwrap(), before);
    for (at, name) in ["one", "two"].into_iter().enumerate() {
        assert_eq!(reader.clone().of_chain(name).ends().unwrap().unwrap(), before[at..=at]);
    }
    append(&one, 203..204);
    let after = reader.ends().unwrap().unwrap();
    assert_eq!(after, [by_frames("one"), before[1]]);
    assert_ne!(after, before);
    // Packed or not, it is the same place.
    let mut keeper_of_two = keeper(&two);
    while keeper_of_two.compress_next().unwrap().is_some() {}
    assert_eq!(reader.ends().unwrap().unwrap(), after);
    // A server that has written nothing yet.
    store
        .execute(Statement::new("INSERT INTO journal_chains (chain, fence) VALUES ($1, 1)"), &["new".into()]);
    assert_eq!(reader.ends().unwrap(), None);
    assert_eq!(reader.clone().of_chain("new").ends().unwrap(), None);
    assert_eq!(reader.of_chain("unknown").ends().unwrap(), None);
    close(one);
    close(two);
}

#[test]
fn who_has_lost_his_journal_writes_nothing_more() {
    let store = Store::new();
    let first = store.open("one");
    append(&first, 0..3);
    let mut keeper_of_first = keeper(&first);
    let second = store.open("one");
    append(&second, 3..5);
    let refused = runtime().block_on(first.append(&record(9))).unwrap_err();
    let JournalError::Unavailable { source } = &refused else { panic!("{refused:?}") };
    assert!(source.to_string().contains("another process writes this server's journal"), "{source}");
    runtime().block_on(async { tokio::time::timeout(Duration::from_secs(10), first.lost()).await.unwrap() });
    assert!(keeper_of_first.checkpoint(NOW).is_err());
    runtime().block_on(first.close()).unwrap_err();
    assert_eq!(numbers(&second.own_reader()), (0..5).collect::<Vec<_>>());
    close(second);
    assert_eq!(store.intact(), [FindingKind::NotClosed]);
}

const END_CONNECTIONS: Statement = Statement::new(
    "SELECT CASE WHEN pg_terminate_backend(pid) THEN 1 ELSE 0 END AS ended FROM pg_stat_activity \
     WHERE application_name = 'strongroom journal' AND datname = current_database()",
);

#[test]
fn connections_that_are_lost_lose_and_repeat_nothing() {
    let store = Store::new();
    let journal = store.open("one");
    for round in 0..5 {
        append(&journal, round * 10..round * 10 + 10);
        let ended = store.runtime.block_on(store.db.query(END_CONNECTIONS, &[])).unwrap();
        assert!(!ended.is_empty());
    }
    append(&journal, 50..51);
    assert_eq!(numbers(&journal.own_reader()), (0..51).collect::<Vec<_>>());
    close(journal);
    assert_eq!(store.intact(), []);
}

#[test]
fn packed_segments_are_the_same_and_take_less() {
    let store = Store::new();
    let journal = store.open("one");
    append(&journal, 0..300);
    let before: Vec<_> = store.reader().records(None).unwrap().map(Result::unwrap).collect();
    let mut keeper = keeper(&journal);
    let mut packed = 0;
    while let Some(compressed) = keeper.compress_next().unwrap() {
        assert!(compressed.compressed_bytes < compressed.bytes / 2, "{compressed:?}");
        packed += 1;
    }
    assert_eq!(packed, store.reader().segments().unwrap().len() - 1);
    let reader = store.reader();
    assert_eq!(reader.records(None).unwrap().map(Result::unwrap).collect::<Vec<_>>(), before);
    for (index, (position, _)) in before.iter().enumerate().step_by(23) {
        let rest = reader.records(Some(*position)).unwrap().map(Result::unwrap).count();
        assert_eq!(rest, before.len() - index - 1);
    }
    append(&journal, 300..310);
    close(journal);
    assert_eq!(store.intact(), []);
}

#[test]
fn checkpoints_are_signed_and_what_they_saw_is_missed() {
    let store = Store::new();
    let journal = store.open("one");
    let mut keeper_of_one = keeper(&journal);
    append(&journal, 0..10);
    let first = keeper_of_one.checkpoint(NOW).unwrap().unwrap();
    assert_eq!(keeper_of_one.checkpoint(NOW).unwrap(), None);
    append(&journal, 10..20);
    let second = keeper_of_one.checkpoint(NOW + 1).unwrap().unwrap();
    assert_eq!((second.number, second.previous), (2, first.hash()));
    kill(journal);
    assert_eq!(store.intact(), []);
    let report = store.verify();
    assert_eq!(report.journals[0].1.newest_checkpoint, Some((2, NOW + 1)));
    // Somebody cuts the last frames off.
    let cut = Statement::new(
        "DELETE FROM journal_pieces WHERE position IN \
         (SELECT position FROM journal_pieces ORDER BY position DESC LIMIT $1)",
    );
    assert_eq!(store.execute(cut, &[3.into()]), 3);
    let report = store.verify();
    let kinds: Vec<_> = report.journals[0].1.findings.iter().map(|finding| &finding.kind).collect();
    let missing = FindingKind::EndMissing { checkpoint: 2, frames: 20, records: 20 };
    assert!(kinds.contains(&&missing), "{kinds:?}");
    let again = store.open("one");
    assert!(keeper(&again).missing_end().unwrap().is_some());
    close(again);
    // And all that there is of the server.
    for all in [
        Statement::new("DELETE FROM journal_pieces"),
        Statement::new("DELETE FROM journal_checkpoints"),
        Statement::new("DELETE FROM journal_chains"),
    ] {
        store.execute(all, &[]);
    }
    let kept = seal().with_anchors(vec![second]);
    let report = verify_store(&store.db, &kept, |_| {}).unwrap();
    assert!(!report.is_intact());
    assert_eq!(report.of_none, [(2, NOW + 1)]);
}

#[test]
fn altered_and_missing_rows_are_found() {
    let store = Store::new();
    let journal = store.open("one");
    append(&journal, 0..20);
    close(journal);
    let alter = Statement::new(
        "UPDATE journal_pieces SET bytes = SET_BYTE(bytes, CAST($1 AS INTEGER), 1) WHERE first_record = 7 AND position > 0",
    );
    assert_eq!(store.execute(alter, &[200.into()]), 1);
    let report = store.verify();
    let found = report.journals[0].1.first_break().unwrap();
    assert_eq!((found.frame, found.record), (Some(7), Some(7)), "{found}");
    let remove = Statement::new("DELETE FROM journal_pieces WHERE first_record = 7 AND position > 0");
    assert_eq!(store.execute(remove, &[]), 1);
    let report = store.verify();
    assert!(!report.is_intact());
    let read = store.reader().records(None).unwrap().filter_map(Result::ok).count();
    assert_eq!(read, 19);
}

#[test]
fn what_is_old_goes_behind_a_checkpoint() {
    let store = Store::new();
    let journal = store.open("one");
    append(&journal, 0..300);
    let mut keeper_of_one = keeper(&journal);
    let before = store.reader().segments().unwrap().len();
    let retired = keeper_of_one.retire(NOW, NOW + 150, None).unwrap().unwrap();
    assert!(retired.segments > 1);
    let left = store.reader().segments().unwrap();
    assert_eq!(left.len() as u64, before as u64 - retired.segments);
    assert_eq!(left[0].id, retired.begins.segment);
    close(journal);
    assert_eq!(store.intact(), []);
    let again = store.open("one");
    append(&again, 300..301);
    close(again);
    assert_eq!(store.intact(), []);
}

#[test]
fn a_journal_in_a_folder_moves_into_the_store_and_out_again() {
    let (store, folder) = (Store::new(), crate::fixture::directory());
    let at = folder.path().join("journal");
    let journal = Journal::open(&at, &options(4096), &key(), "node", NOW).unwrap().journal;
    append(&journal, 0..100);
    let mut keeper_of_it = keeper(&journal);
    keeper_of_it.checkpoint(NOW).unwrap().unwrap();
    while keeper_of_it.compress_next().unwrap().is_some() {}
    append(&journal, 100..110);
    let kept = keeper_of_it.checkpoint(NOW + 1).unwrap().unwrap();
    // Its server was killed.
    let image = folder.path().join("image");
    crate::fixture::copy(&at, &image);
    close(journal);
    let before: Vec<_> = Reader::open(&image).unwrap().records(None).unwrap().map(Result::unwrap).collect();
    // A move that was cut off before the folder got its other name is done again.
    let again = folder.path().join("again");
    crate::fixture::copy(&image, &again);
    for from in [&image, &again] {
        let moved = move_into_store(from, &store.db, "one", NOW).unwrap().unwrap();
        assert_eq!((moved.checkpoints, moved.notes.len()), (2, 0));
        assert!(moved.folder.is_dir() && !from.exists());
        assert!(move_into_store(from, &store.db, "one", NOW).unwrap().is_none());
        let there: Vec<_> = store.reader().records(None).unwrap().map(Result::unwrap).collect();
        assert_eq!(there, before);
    }
    let journal = store.open("one");
    append(&journal, 110..120);
    let third = keeper(&journal).checkpoint(NOW + 2).unwrap().unwrap();
    assert_eq!((third.number, third.previous), (3, kept.hash()));
    close(journal);
    assert_eq!(store.intact(), [FindingKind::NotClosed]);
    // Another's does not go where this one is.
    let other = folder.path().join("other");
    let journal = Journal::open(&other, &options(4096), &key(), "node", NOW).unwrap().journal;
    append(&journal, 0..1);
    keeper(&journal).checkpoint(NOW).unwrap();
    close(journal);
    move_into_store(&other, &store.db, "one", NOW).unwrap_err();
    assert!(other.is_dir());
    // Out again: a stranger verifies it.
    let out = folder.path().join("out");
    let servers = export_from_store(&store.db, &out);
    assert_eq!(servers.unwrap(), ["one"]);
    let stranger = Trust::public_keys(vec![public_key(1)]).with_anchors(vec![third]);
    let report = verify(&out.join("one"), &stranger, |_| {}).unwrap();
    assert!(report.is_intact() && report.is_signed, "{:?}", report.findings);
    export_from_store(&store.db, &out).unwrap_err();
}

#[test]
fn what_cannot_be_written_is_refused_and_written_when_it_can_be() {
    let store = Store::new();
    let journal = store.open("one");
    append(&journal, 0..3);
    let away = Statement::new("UPDATE journal_chains SET chain = 'elsewhere' WHERE chain = $1");
    let back = Statement::new("UPDATE journal_chains SET chain = 'one' WHERE chain = $1");
    assert_eq!(store.execute(away, &["one".into()]), 1);
    runtime().block_on(journal.append(&record(3))).unwrap_err();
    assert_eq!(store.execute(back, &["elsewhere".into()]), 1);
    append(&journal, 4..6);
    assert_eq!(numbers(&journal.own_reader()), [0, 1, 2, 4, 5]);
    close(journal);
    assert_eq!(store.intact(), []);
}

#[test]
fn what_servers_left_that_are_gone_goes_when_its_time_is_up() {
    let store = Store::new();
    let (gone, here) = (store.open("gone"), store.open("here"));
    append(&gone, 0..200);
    keeper(&gone).checkpoint(NOW).unwrap();
    append(&gone, 200..210);
    kill(gone);
    append(&here, 300..301);
    let before = store.reader().of_chain("gone").segments().unwrap();
    let options = || KeeperOptions { key: checkpoint_key(1), keys_before: Vec::new(), copies: Vec::new() };
    let retire = |older: i64| here.retire_gone("gone", options(), NOW + 500, older, None).unwrap();
    // It may be there yet.
    assert_eq!(retire(NOW + 100), None);
    let retired = retire(NOW + 400).unwrap();
    assert_eq!(retired.segments, before.len() as u64 - 1);
    assert_eq!(store.reader().of_chain("gone").segments().unwrap().len(), 1);
    assert_eq!(retire(NOW + 400), None);
    // No signature says anything of what its server did not sign.
    let report = store.verify().journals.swap_remove(0).1;
    assert!(report.is_intact(), "{}", report.first_break().unwrap());
    assert_eq!(here.retire_gone("here", options(), NOW + 500, NOW + 400, None).unwrap(), None);
    // It comes back all the same.
    let again = store.open("gone");
    append(&again, 400..401);
    keeper(&again).checkpoint(NOW).unwrap().unwrap();
    close(again);
    close(here);
    store.intact();
}

#[test]
fn a_kept_checkpoint_is_not_old_because_another_server_began_later() {
    let store = Store::new();
    let long_running = store.open("long running");
    append(&long_running, 0..3);
    let other = store.open("other");
    let mut keeper_of_other = keeper(&other);
    for number in 0..300 {
        append(&other, number..number + 1);
        if number % 60 == 0 {
            keeper_of_other.checkpoint(NOW + number as i64).unwrap().unwrap();
        }
    }
    // What it began with goes: it begins in a stream that is later than that of the other.
    assert!(keeper_of_other.retire(NOW + 1000, NOW + 290, None).unwrap().is_some());
    append(&long_running, 3..4);
    let kept = keeper(&long_running).checkpoint(NOW + 1000).unwrap().unwrap();
    close(long_running);
    close(other);
    let trust = seal().with_anchors(vec![kept]);
    assert!(verify_store(&store.db, &trust, |_| {}).unwrap().is_intact());
    for all in [
        Statement::new(
            "DELETE FROM journal_pieces WHERE stream IN \
             (SELECT stream FROM journal_pieces WHERE chain = 'long running')",
        ),
        Statement::new("DELETE FROM journal_checkpoints WHERE chain = 'long running'"),
        Statement::new("DELETE FROM journal_chains WHERE chain = 'long running'"),
    ] {
        store.execute(all, &[]);
    }
    let report = verify_store(&store.db, &trust, |_| {}).unwrap();
    assert_eq!(report.of_none, [(1, NOW + 1000)]);
}

#[test]
fn a_kept_checkpoint_of_what_was_dropped_is_not_missed() {
    let store = Store::new();
    let journal = store.open("one");
    append(&journal, 0..100);
    let kept = keeper(&journal).checkpoint(NOW).unwrap().unwrap();
    close(journal);
    let again =
        Journal::open_in_store(&store.db, "one", &options(16 << 10), &key(), NOW + 500).unwrap().journal;
    append(&again, 600..700);
    let mut keeper_of_it = keeper(&again);
    assert!(keeper_of_it.retire(NOW + 1000, NOW + 600, None).unwrap().is_some());
    close(again);
    // As when it stood in a stretch of its own.
    let old = Statement::new("DELETE FROM journal_checkpoints WHERE place < 2");
    assert_eq!(store.execute(old, &[]), 1);
    let trust = seal().with_anchors(vec![kept]);
    let report = verify_store(&store.db, &trust, |_| {}).unwrap();
    assert_eq!(report.of_none, []);
}

#[test]
fn a_move_that_is_cut_off_among_the_checkpoints_goes_on_where_it_was() {
    let (store, folder) = (Store::new(), crate::fixture::directory());
    let at = folder.path().join("journal");
    let journal = Journal::open(&at, &options(16 << 10), &key(), "node", NOW).unwrap().journal;
    let mut keeper_of_it = keeper(&journal);
    for number in 0..300 {
        append(&journal, number..number + 1);
        keeper_of_it.checkpoint(NOW + number as i64).unwrap().unwrap();
    }
    close(journal);
    let refusing = |version, sql| Migration { component: "refusing", version, name: "one", sql };
    let refuses = refusing(1, "ALTER TABLE journal_checkpoints ADD CONSTRAINT refused CHECK (place <> 290)");
    store.runtime.block_on(store.db.migrate(&[MIGRATIONS, &[refuses]])).unwrap();
    move_into_store(&at, &store.db, "one", NOW).unwrap_err();
    let count = Statement::new("SELECT COUNT(*) AS count FROM journal_checkpoints");
    let there = || store.runtime.block_on(store.db.query(count, &[])).unwrap()[0].i64("count").unwrap();
    assert!((1..290).contains(&there()), "{}", there());
    let takes = refusing(2, "ALTER TABLE journal_checkpoints DROP CONSTRAINT refused");
    store.runtime.block_on(store.db.migrate(&[MIGRATIONS, &[refuses, takes]])).unwrap();
    // A folder of an earlier move is left where it is.
    std::fs::create_dir_all(folder.path().join("journal.moved/of-before")).unwrap();
    let moved = move_into_store(&at, &store.db, "one", NOW).unwrap().unwrap();
    assert_eq!((moved.checkpoints, there()), (300, 300));
    assert!(folder.path().join("journal.moved/of-before").is_dir() && moved.folder.is_dir());
    store.intact();
}

#[test]
fn a_row_that_claims_a_place_beyond_a_segment_is_neither_packed_nor_exported() {
    let (store, folder) = (Store::new(), crate::fixture::directory());
    let journal = store.open("one");
    append(&journal, 0..200);
    let mut keeper_of_it = keeper(&journal);
    let forged = Statement::new(
        "INSERT INTO journal_pieces (stream, segment, position, length, packing, bytes) \
         SELECT stream, segment, 1099511627776, 1, 0, bytes FROM journal_pieces WHERE position = 0 \
         AND segment = (SELECT MIN(segment) FROM journal_pieces)",
    );
    assert_eq!(store.execute(forged, &[]), 1);
    while keeper_of_it.compress_next().unwrap().is_some() {}
    close(journal);
    export_from_store(&store.db, &folder.path().join("out")).unwrap_err();
}

#[test]
fn an_export_stays_in_its_folder() {
    let (store, folder) = (Store::new(), crate::fixture::directory());
    close(store.open("../beside"));
    export_from_store(&store.db, &folder.path().join("out")).unwrap_err();
    assert!(!folder.path().join("beside").exists());
}

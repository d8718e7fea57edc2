//! The history of several servers on one store.

use strongroom_history::{Attribute, Continuation, Filter, History};
use strongroom_journal::{Journal, JournalOptions, MIGRATIONS, Reader, Record};
use strongroom_secret::Key256;
use strongroom_store::{Db, OpenOptions};
use strongroom_testkit::TestDatabase;

use crate::fixture::{NOW, Place, append, everything, keeper, key, record};

struct Store {
    _runtime: tokio::runtime::Runtime,
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
        Self { _runtime: runtime, db, _database: database }
    }

    fn open(&self, server: &str) -> Journal {
        let options = JournalOptions { segment_bytes: 4096, queue_bytes: 4096, ..JournalOptions::default() };
        Journal::open_in_store(&self.db, server, &options, &Key256::new([7; 32]), NOW).unwrap().journal
    }
}

/// Every third record is of another event.
fn told(number: u64) -> Record {
    let event_name = if number.is_multiple_of(3) { "Encrypt" } else { "Decrypt" };
    Record { event_name: event_name.into(), ..record(number) }
}

/// Everything that a filter finds, page by page, and how many pages there were. Each page goes on by what it says as text.
fn pages(history: &History, filter: &Filter, size: usize) -> Vec<Record> {
    let (mut records, mut from) = (Vec::new(), None);
    loop {
        let page = history.lookup(filter, size, from.as_ref()).unwrap();
        assert!(page.records.len() <= size);
        records.extend(page.records.into_iter().map(|(_, record)| record));
        let Some(next) = page.next else { return records };
        from = Some(Continuation::decode(&next.encode()).unwrap());
    }
}

fn expected(numbers: impl DoubleEndedIterator<Item = u64>) -> Vec<Record> {
    numbers.rev().map(told).collect()
}

#[test]
fn what_any_of_them_recorded_is_found_newest_first() {
    let (store, place) = (Store::new(), Place::new());
    let servers = [store.open("one"), store.open("two"), store.open("three")];
    let history = place.history(servers[0].reader());
    let encrypts = Filter { attribute: Some((Attribute::EventName, "Encrypt".into())), ..everything() };
    for number in 0..60 {
        append(&servers[(number % 7 % 3) as usize], [told(number)]);
        if number == 30 {
            history.catch_up().unwrap();
        }
    }
    for caught_up in [false, true] {
        if caught_up {
            history.catch_up().unwrap();
        }
        for size in [1, 7, 50, 100] {
            assert_eq!(pages(&history, &everything(), size), expected(0..60), "{size}");
            assert_eq!(pages(&history, &encrypts, size), expected((0..60).filter(|n| n % 3 == 0)), "{size}");
        }
    }
    let progress = history.progress();
    assert!(progress.indexed > 3 && progress.waiting == 0, "{progress:?}");
    // Another process, that has none of the indexes; one at a time is read little of.
    let other = Place::new();
    let afresh = other.history(Reader::open_store(&store.db).unwrap()).with_read_limit(1);
    assert_eq!(pages(&afresh, &encrypts, 5), expected((0..60).filter(|n| n % 3 == 0)));
    // And one that finds them.
    let found = History::new(servers[1].reader(), place.index(), &key());
    found.catch_up().unwrap();
    assert_eq!(pages(&found, &everything(), 13), expected(0..60));
    assert_eq!(found.progress().indexed, progress.indexed);
}

#[test]
fn no_server_is_left_out_of_later_pages_however_many_there_are() {
    let (store, place) = (Store::new(), Place::new());
    for number in 0..70 {
        let journal = store.open(&format!("server-{number}"));
        append(&journal, [told(number)]);
    }
    let history = place.history(Reader::open_store(&store.db).unwrap());
    assert_eq!(pages(&history, &everything(), 40), expected(0..70));
}

#[test]
fn a_page_does_not_show_what_came_after_the_first_one() {
    let (store, place) = (Store::new(), Place::new());
    let (one, two) = (store.open("one"), store.open("two"));
    for number in 0..10 {
        append(if number % 2 == 0 { &one } else { &two }, [told(number)]);
    }
    let history = place.history(one.reader());
    let first = history.lookup(&everything(), 3, None).unwrap();
    append(&two, [told(10)]);
    let three = store.open("three");
    append(&three, [told(11)]);
    let second = history.lookup(&everything(), 50, first.next.as_ref()).unwrap();
    let seen = first.records.into_iter().chain(second.records).map(|(_, record)| record).collect::<Vec<_>>();
    assert_eq!(seen, expected(0..10));
    assert_eq!(pages(&history, &everything(), 50), expected(0..12));
}

#[test]
fn indexes_go_with_what_they_are_of() {
    let (store, place) = (Store::new(), Place::new());
    let (one, two) = (store.open("one"), store.open("two"));
    append(&one, (0..60).map(told));
    append(&two, (60..120).map(told));
    let history = place.history(one.reader());
    history.catch_up().unwrap();
    let before = place.index_files().len();
    let retired = keeper(&one).retire(NOW, NOW + 40_000, None).unwrap().unwrap();
    history.catch_up().unwrap();
    assert_eq!(place.index_files().len() as u64, before as u64 - retired.segments);
    assert_eq!(pages(&history, &everything(), 50).len() as u64, 120 - retired.begins.record);
}

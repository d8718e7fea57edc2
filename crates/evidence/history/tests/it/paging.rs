//! Pages: newest first, each record once, and no more read than need be.

use strongroom_history::{Attribute, Filter};
use strongroom_journal::Record;

use crate::fixture::{
    NOW, Place, append, close, event_id, everything, ids, pages, record, resource, runtime, scan,
};

#[test]
fn pages_neither_repeat_nor_miss_while_the_journal_grows_and_is_indexed() {
    let place = Place::new();
    let journal = place.open();
    let history = place.history(journal.reader());
    append(&journal, (0..60).map(record));
    let (mut seen, mut from) = (Vec::new(), None);
    for number in 60.. {
        let page = history.lookup(&everything(), 4, from.as_ref()).unwrap();
        seen.extend(page.records.iter().map(|(_, record)| record.event_id));
        from = page.next;
        if from.is_none() {
            break;
        }
        append(&journal, [record(number)]);
        if number % 3 == 0 {
            history.catch_up().unwrap();
        }
    }
    assert_eq!(seen, (0..60).rev().map(event_id).collect::<Vec<_>>());
}

#[test]
fn a_record_is_found_as_soon_as_it_is_acknowledged() {
    let place = Place::new();
    let journal = place.open();
    let history = place.history(journal.reader());
    let decrypts = Filter { attribute: Some((Attribute::EventName, "Decrypt".into())), ..everything() };
    for number in 0..60 {
        append(&journal, [record(number)]);
        if number % 7 == 0 {
            history.catch_up().unwrap();
        }
        for filter in [&everything(), &decrypts] {
            let page = history.lookup(filter, 1, None).unwrap();
            assert_eq!(page.records[0].1.event_id, event_id(number));
        }
    }
}

#[test]
fn both_ends_of_a_range_are_the_seconds_that_events_show() {
    let place = Place::new();
    let journal = place.open();
    let history = place.history(journal.reader());
    let at = |number: u64, ms: i64| Record { event_time_ms: NOW + ms, ..record(number) };
    append(&journal, [at(0, -1), at(1, 0), at(2, 999), at(3, 1000)]);
    let range = |start: i64, end: i64| Filter { start_ms: Some(start), end_ms: Some(end), ..everything() };
    for indexed in [false, true] {
        if indexed {
            history.catch_up().unwrap();
        }
        for ((start, end), found) in
            [((0, 0), vec![2, 1]), ((0, 999), vec![2, 1]), ((1, 1000), vec![3]), ((-1000, -1), vec![0])]
        {
            let found: Vec<_> = found.into_iter().map(event_id).collect();
            assert_eq!(ids(&history, &range(NOW + start, NOW + end), 9), found, "{start} to {end}");
        }
        assert_eq!(ids(&history, &range(i64::MIN, i64::MAX), 9).len(), 4);
    }
}

#[test]
fn what_is_rare_takes_one_short_read_with_an_index_and_many_without() {
    let place = Place::new();
    let journal = place.open();
    append(&journal, [Record { resources: Some(vec![resource("arn:rare")]), ..record(0) }]);
    append(&journal, (1..600).map(record));
    close(journal);
    let history = place.at_rest().with_read_limit(40_000);
    let rare = Filter { attribute: Some((Attribute::ResourceName, "arn:rare".into())), ..everything() };
    let old = Filter { end_ms: Some(NOW), ..everything() };
    let none = Filter { attribute: Some((Attribute::EventName, "Encrypt".into())), ..everything() };
    for filter in [&rare, &old, &none] {
        let pages = pages(&history, filter, 50);
        assert!(pages.len() > 3, "{} pages", pages.len());
        assert!(pages.iter().all(|page| page.damaged == 0));
    }
    history.catch_up().unwrap();
    assert!(history.progress().indexed > 40);
    let unlimited = history.clone().with_read_limit(u64::MAX);
    for filter in [&rare, &old, &none] {
        assert_eq!(pages(&unlimited, filter, 50).len(), 1);
        assert_eq!(ids(&history, filter, 50), scan(&crate::fixture::reader(&place), filter));
    }
}

#[test]
fn a_history_starts_over_where_it_is_told_to() {
    let place = Place::new();
    let journal = place.open();
    append(&journal, (0..40).map(record));
    let history = place.history(journal.reader());
    history.catch_up().unwrap();
    assert!(!place.index_files().is_empty());
    let token = history.lookup(&everything(), 3, None).unwrap().next.unwrap();
    let stream = runtime().block_on(journal.begin_stream(NOW)).unwrap();
    assert_eq!(ids(&history, &everything(), 50).len(), 40);
    history.start_over(journal.reader().since(stream));
    assert_eq!(ids(&history, &everything(), 5), []);
    // A page from before the beginning is the end.
    let page = history.lookup(&everything(), 3, Some(&token)).unwrap();
    assert!(page.records.is_empty() && page.next.is_none());
    append(&journal, (40..45).map(record));
    for _ in 0..2 {
        assert_eq!(ids(&history, &everything(), 2), (40..45).rev().map(event_id).collect::<Vec<_>>());
        history.catch_up().unwrap();
    }
    // What is never shown again needs no index.
    assert!(place.index_files().iter().all(|file| file.starts_with(place.index().join(stream.to_string()))));
}

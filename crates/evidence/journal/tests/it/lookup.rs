//! Lookups: filters, pages, continuations.

use std::fs::OpenOptions;
use std::os::unix::fs::FileExt;
use std::path::Path;

use proptest::prelude::*;
use strongroom_journal::{
    Attribute, Continuation, EventId, Filter, Identity, IdentityKind, JournalError, Reader, Record, Resource,
};

use crate::fixture::{
    NOW, append, append_together, close, directory, event_id, frames, open, options, record, runtime,
    segment, streams,
};

fn filter() -> Filter {
    Filter { account: "111122223333".into(), region: "us-east-1".into(), ..Filter::default() }
}

/// All pages of a lookup, as event ids. Continuations go through their text.
fn all(reader: &Reader, filter: &Filter, size: usize) -> Vec<EventId> {
    let mut ids = Vec::new();
    let mut from = None;
    loop {
        let page = reader.lookup(filter, size, from.as_ref()).unwrap();
        assert!(page.records.len() <= size);
        assert_eq!(page.damaged, 0);
        ids.extend(page.records.iter().map(|(_, record)| record.event_id));
        match page.next {
            Some(next) => from = Some(Continuation::decode(&next.encode()).unwrap()),
            None => return ids,
        }
    }
}

#[test]
fn pages_of_any_size_show_everything_once_newest_first() {
    let dir = directory();
    for from in [0, 40, 80] {
        let journal = open(dir.path(), &options(8 << 10));
        append_together(&journal, from..from + 20);
        append(&journal, from + 20..from + 40);
        close(journal);
    }
    let reader = Reader::open(dir.path()).unwrap();
    let expected: Vec<_> = (0..120).rev().map(event_id).collect();
    for size in [1, 2, 7, 50, 119, 120, 121, 1000] {
        assert_eq!(all(&reader, &filter(), size), expected, "pages of {size}");
    }
    // Reading next to nothing at a time changes the pages, not what they hold.
    let hasty = reader.with_scan_limit(1);
    assert_eq!(all(&hasty, &filter(), 50), expected);
    let rare = Filter { attribute: Some((Attribute::EventId, event_id(3).to_string())), ..filter() };
    assert_eq!(hasty.lookup(&rare, 50, None).unwrap().records, []);
    assert_eq!(all(&hasty, &rare, 50), [event_id(3)]);
}

#[test]
fn a_journal_that_grows_does_not_disturb_the_pages() {
    let dir = directory();
    let journal = open(dir.path(), &options(8 << 10));
    append(&journal, 0..30);
    let reader = journal.reader();
    let mut from = None;
    let mut ids = Vec::new();
    for next in 30.. {
        let page = reader.lookup(&filter(), 1, from.as_ref()).unwrap();
        ids.extend(page.records.iter().map(|(_, record)| record.event_id));
        from = page.next;
        if from.is_none() {
            break;
        }
        append(&journal, next..next + 1);
    }
    assert_eq!(ids, (0..30).rev().map(event_id).collect::<Vec<_>>());
    let newest = reader.lookup(&filter(), 1, None).unwrap();
    assert!(newest.records[0].1.event_id.0 > event_id(30).0);
}

#[test]
fn an_acknowledged_record_is_found_at_once() {
    let dir = directory();
    let journal = open(dir.path(), &options(16 << 10));
    let reader = journal.reader();
    runtime().block_on(async {
        for number in 0..100 {
            journal.append(&record(number)).await.unwrap();
            let wanted =
                Filter { attribute: Some((Attribute::EventId, event_id(number).to_string())), ..filter() };
            let page = reader.lookup(&wanted, 50, None).unwrap();
            assert_eq!(page.records.len(), 1);
        }
    });
}

#[test]
fn each_condition_selects() {
    let dir = directory();
    let journal = open(dir.path(), &options(64 << 10));
    let resource =
        |kind: &str, arn: &str| Resource { kind: Some(kind.into()), arn: arn.into(), ..Resource::default() };
    let odd = Record {
        event_name: "CreateAlias".into(),
        event_source: "sts.amazonaws.com".into(),
        read_only: false,
        identity: Identity {
            kind: Some(IdentityKind::AssumedRole),
            principal_id: Some("AROA:session".into()),
            access_key_id: Some("ASIAODD".into()),
            ..Identity::default()
        },
        resources: Some(vec![resource("AWS::KMS::Key", "arn:key"), resource("AWS::KMS::Alias", "arn:alias")]),
        ..record(1)
    };
    let others = [
        record(0),
        Record { account_id: "999988887777".into(), ..odd.clone() },
        Record { aws_region: "eu-west-1".into(), ..odd.clone() },
        odd.clone(),
        record(4),
        Record { management: false, ..record(5) },
    ];
    runtime().block_on(async {
        for record in &others {
            journal.append(record).await.unwrap();
        }
    });
    let reader = journal.reader();
    for (attribute, value) in [
        (Attribute::EventId, event_id(1).to_string()),
        (Attribute::EventName, "CreateAlias".into()),
        (Attribute::ReadOnly, "false".into()),
        (Attribute::Username, "session".into()),
        (Attribute::ResourceType, "AWS::KMS::Alias".into()),
        (Attribute::ResourceName, "arn:key".into()),
        (Attribute::EventSource, "sts.amazonaws.com".into()),
        (Attribute::AccessKeyId, "ASIAODD".into()),
    ] {
        let wanted = Filter { attribute: Some((attribute, value.clone())), ..filter() };
        let page = reader.lookup(&wanted, 50, None).unwrap();
        let found: Vec<_> = page.records.iter().map(|(_, record)| record).collect();
        assert_eq!(found, [&odd], "{attribute:?}");
        // Values are compared exactly.
        let wanted = Filter { attribute: Some((attribute, format!("{value}x"))), ..filter() };
        assert_eq!(reader.lookup(&wanted, 50, None).unwrap().records, [], "{attribute:?}");
    }
    assert_eq!(all(&reader, &filter(), 50), [5, 4, 1, 0].map(event_id));
    assert_eq!(all(&reader, &Filter { management_only: true, ..filter() }, 50), [4, 1, 0].map(event_id));
    let between = |start: Option<i64>, end: Option<i64>| Filter {
        start_ms: start.map(|ms| NOW + ms),
        end_ms: end.map(|ms| NOW + ms),
        ..filter()
    };
    assert_eq!(all(&reader, &between(Some(1), Some(4)), 50), [4, 1].map(event_id));
    assert_eq!(all(&reader, &between(Some(2), None), 50), [5, 4].map(event_id));
    assert_eq!(all(&reader, &between(None, Some(0)), 50), [0].map(event_id));
    assert_eq!(all(&reader, &between(Some(4), Some(1)), 50), []);
}

/// Frames, segments and streams outside a time range are passed over; nothing within it is.
#[test]
fn time_ranges_find_the_same_as_reading_everything() {
    let dir = directory();
    let mut times = Vec::new();
    for start in 0..3_u64 {
        let journal = open(dir.path(), &options(8 << 10));
        runtime().block_on(async {
            for index in 0..40 {
                // Mostly forward, sometimes back: appends complete out of order.
                let time = NOW + (start * 4000 + index * 100) as i64 - if index % 7 == 3 { 350 } else { 0 };
                let number = start * 40 + index;
                journal.append(&Record { event_time_ms: time, ..record(number) }).await.unwrap();
                times.push((time, event_id(number)));
            }
        });
        close(journal);
    }
    let reader = Reader::open(dir.path()).unwrap();
    for (start, end) in
        [(0, 100), (3500, 4500), (4000, 4000), (7600, 8100), (11_000, 20_000), (-5, 50_000), (20_000, 30_000)]
    {
        let (start, end) = (NOW + start, NOW + end);
        let wanted = Filter { start_ms: Some(start), end_ms: Some(end), ..filter() };
        let mut expected: Vec<_> =
            times.iter().filter(|(time, _)| (start..=end).contains(time)).map(|(_, id)| *id).collect();
        expected.reverse();
        assert_eq!(all(&reader, &wanted, 3), expected, "{start} to {end}");
    }
}

#[test]
fn continuations_are_good_for_their_own_filter_only() {
    let dir = directory();
    let journal = open(dir.path(), &options(16 << 10));
    append(&journal, 0..5);
    let reader = journal.reader();
    let next = reader.lookup(&filter(), 2, None).unwrap().next.unwrap();
    for other in [
        Filter { account: "999988887777".into(), ..filter() },
        Filter { region: "eu-west-1".into(), ..filter() },
        Filter { management_only: true, ..filter() },
        Filter { start_ms: Some(0), ..filter() },
        Filter { end_ms: Some(0), ..filter() },
        Filter { attribute: Some((Attribute::EventName, "Decrypt".into())), ..filter() },
    ] {
        let refused = reader.lookup(&other, 2, Some(&next));
        assert!(matches!(refused, Err(JournalError::InvalidContinuation)), "{other:?}");
    }
    assert_eq!(reader.lookup(&filter(), 2, Some(&next)).unwrap().records.len(), 2);
}

#[test]
fn forged_continuations_are_refused() {
    let dir = directory();
    let journal = open(dir.path(), &options(16 << 10));
    append(&journal, 0..5);
    let text = journal.reader().lookup(&filter(), 2, None).unwrap().next.unwrap().encode();
    assert_eq!(text.len(), 90);
    for index in 0..text.len() {
        let mut forged = text.clone().into_bytes();
        forged[index] = if forged[index] == b'0' { b'1' } else { b'0' };
        let forged = String::from_utf8(forged).unwrap();
        assert!(matches!(Continuation::decode(&forged), Err(JournalError::InvalidContinuation)));
    }
    assert!(Continuation::decode(&text.to_uppercase()).is_err());
    assert!(Continuation::decode(&text[..88]).is_err());
}

proptest! {
    #[test]
    fn garbage_is_no_continuation(text in "\\PC{0,100}|[0-9a-f]{90}") {
        prop_assert!(matches!(Continuation::decode(&text), Err(JournalError::InvalidContinuation)));
    }
}

#[test]
fn a_lookup_passes_over_damage_and_says_so() {
    let dir = directory();
    let journal = open(dir.path(), &options(64 << 10));
    append(&journal, 0..10);
    let stream = journal.stream();
    close(journal);
    let all = frames(dir.path());
    let file = OpenOptions::new().write(true).open(segment(dir.path(), stream, 1)).unwrap();
    // One frame's records, another one's header.
    file.write_all_at(b"?", all[3].offset() + 200).unwrap();
    file.write_all_at(b"?", all[6].offset() + 20).unwrap();
    let page = Reader::open(dir.path()).unwrap().lookup(&filter(), 50, None).unwrap();
    let ids: Vec<_> = page.records.iter().map(|(_, record)| record.event_id).collect();
    assert_eq!(ids, [9, 8, 7, 5, 4, 2, 1, 0].map(event_id));
    assert_eq!(page.damaged, 2);
}

/// Three streams of many small segments each; every record is a millisecond younger than the one before.
fn many_segments(dir: &Path) -> (u64, usize) {
    for from in [0, 80, 160] {
        let journal = open(dir, &options(4096));
        append(&journal, from..from + 80);
        close(journal);
    }
    let files: Vec<_> = streams(dir)
        .into_iter()
        .flat_map(|stream| {
            (1..).map(move |number| segment(dir, stream, number)).take_while(|file| file.exists())
        })
        .collect();
    assert!(files.len() > 20);
    (files.iter().map(|file| file.metadata().unwrap().len()).sum(), files.len())
}

/// What a lookup of `size` to a page gives: the records and the damaged places of each page.
fn pages(reader: &Reader, filter: &Filter, size: usize) -> Vec<(Vec<EventId>, u32)> {
    let mut pages = Vec::new();
    let mut from: Option<Continuation> = None;
    loop {
        let page = reader.lookup(filter, size, from.as_ref()).unwrap();
        let ids = page.records.iter().map(|(_, record)| record.event_id).collect();
        pages.push((ids, page.damaged));
        assert!(pages.len() < 1000, "a lookup without end");
        assert!(page.next.is_none() || page.next != from, "no progress");
        from = match page.next {
            Some(next) => Some(Continuation::decode(&next.encode()).unwrap()),
            None => return pages,
        }
    }
}

#[test]
fn what_a_time_range_passes_over_counts_as_read() {
    let dir = directory();
    let (bytes, segments) = many_segments(dir.path());
    let reader = Reader::open(dir.path()).unwrap();
    let oldest = Filter { end_ms: Some(NOW), ..filter() };
    let never = Filter { end_ms: Some(NOW - 1), ..filter() };
    assert_eq!(pages(&reader, &oldest, 50), [(vec![event_id(0)], 0)]);
    for limit in [1, 10_000, 40_000] {
        let reader = reader.clone().with_scan_limit(limit);
        // A page reads a segment more than its limit at most.
        let least = (bytes / (limit + 4096)) as usize;
        for wanted in [&oldest, &never] {
            let pages = pages(&reader, wanted, 50);
            assert!((least..=segments + 1).contains(&pages.len()), "{} pages of {limit}", pages.len());
            let found: Vec<_> = pages.iter().flat_map(|(ids, _)| ids).copied().collect();
            assert_eq!(found, if wanted == &oldest { vec![event_id(0)] } else { vec![] });
        }
        assert_eq!(all(&reader, &filter(), 7), (0..240).rev().map(event_id).collect::<Vec<_>>());
    }
}

#[test]
fn damage_counts_as_read() {
    let dir = directory();
    let (bytes, _) = many_segments(dir.path());
    let whole = frames(dir.path());
    for (name, at) in [("record", 200), ("header", 20)] {
        for frame in &whole {
            let path = segment(dir.path(), frame.stream(), frame.segment());
            let file = OpenOptions::new().write(true).open(path).unwrap();
            file.write_all_at(b"?", frame.offset() + at).unwrap();
        }
        let reader = Reader::open(dir.path()).unwrap().with_scan_limit(10_000);
        let pages = pages(&reader, &filter(), 50);
        assert!(pages.len() as u64 > bytes / (10_000 + 4096) / 2, "{name}: {} pages", pages.len());
        assert!(pages.iter().all(|(ids, _)| ids.is_empty()));
        assert!(pages.iter().all(|(_, damaged)| *damaged < 60), "{name}: {pages:?}");
        assert!(pages.iter().map(|(_, damaged)| damaged).sum::<u32>() >= 20, "{name}");
    }
}

#[test]
fn segments_whose_heads_are_gone_end_a_page_too() {
    let dir = directory();
    let (_, segments) = many_segments(dir.path());
    for stream in streams(dir.path()) {
        for number in (1..).take_while(|&number| segment(dir.path(), stream, number).exists()) {
            std::fs::write(segment(dir.path(), stream, number), [7; 2000]).unwrap();
        }
    }
    let reader = Reader::open(dir.path()).unwrap().with_scan_limit(1);
    let pages = pages(&reader, &filter(), 50);
    assert_eq!(pages.len(), segments);
    assert!(pages.iter().all(|(ids, damaged)| ids.is_empty() && *damaged == 2));
}

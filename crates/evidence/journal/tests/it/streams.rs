//! New streams while the journal is written, and readers that begin at one of them.

use std::path::Path;
use std::sync::Arc;

use strongroom_journal::{Journal, JournalError, JournalOptions, Position, Reader, Record, StreamId};

use crate::fixture::{
    NOW, append, append_together, check, close, copy, directory, event_id, event_ids, frames, intact, open,
    options, record, runtime, segment, streams,
};

fn begin(journal: &Journal, now_ms: i64) -> StreamId {
    runtime().block_on(journal.begin_stream(now_ms)).unwrap()
}

#[test]
fn what_is_appended_before_and_after_goes_to_one_and_the_other_stream() {
    let dir = directory();
    let journal = open(dir.path(), &options(16 << 10));
    let reader = journal.reader();
    let first = journal.stream();
    append(&journal, 0..3);
    let second = begin(&journal, NOW);
    assert_eq!(journal.stream(), second);
    runtime().block_on(async {
        for number in 3..6 {
            let position = journal.append(&record(number)).await.unwrap();
            assert_eq!(position, Position { stream: second, record: number - 3 });
            let newest = reader.records_newest_first(None).unwrap().next().unwrap().unwrap();
            assert_eq!(newest, (position, record(number)), "a reader from before goes on");
        }
    });
    let length = segment(dir.path(), first, 1).metadata().unwrap().len();
    assert!(length < 2 << 10, "the preallocated tail is cut off");
    close(journal);
    assert_eq!(streams(dir.path()), [first, second]);
    assert_eq!(intact(dir.path()), []);
    assert_eq!(event_ids(dir.path()), (0..6).map(event_id).collect::<Vec<_>>());
}

#[test]
fn streams_sort_as_they_were_begun_although_the_clock_goes_back() {
    let dir = directory();
    let journal = open(dir.path(), &options(16 << 10));
    let mut begun = vec![journal.stream()];
    for now_ms in [NOW + 1_000_000, NOW, 0, i64::MIN, i64::MAX, 5] {
        begun.push(begin(&journal, now_ms));
    }
    close(journal);
    let again = open(dir.path(), &options(16 << 10));
    begun.push(again.stream());
    close(again);
    assert!(begun.is_sorted() && begun.iter().all(|stream| stream.to_string().parse() == Ok(*stream)));
    assert_eq!(streams(dir.path()), begun);
    assert_eq!(intact(dir.path()), []);
}

#[test]
fn callers_notice_nothing_of_streams_that_are_begun_meanwhile() {
    const CALLERS: u64 = 16;
    const EACH: u64 = 100;
    const STREAMS: usize = 20;
    let dir = directory();
    let journal = Arc::new(open(dir.path(), &options(16 << 10)));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let mut written = runtime.block_on(async {
        let callers: Vec<_> = (0..CALLERS)
            .map(|caller| {
                let journal = Arc::clone(&journal);
                tokio::spawn(async move {
                    let mut written = Vec::new();
                    for number in caller * EACH..(caller + 1) * EACH {
                        let record = record(number);
                        let before = journal.stream();
                        let position = journal.append(&record).await.unwrap();
                        assert!(position.stream >= before);
                        written.push((position, record));
                    }
                    written
                })
            })
            .collect();
        let reader = journal.reader();
        let mut last = journal.stream();
        let mut seen = 0;
        for back in 0..STREAMS as i64 {
            let stream = journal.begin_stream(NOW - back).await.unwrap();
            assert!(stream > last);
            last = stream;
            let now = reader.records(None).unwrap().map(Result::unwrap).count();
            assert!(now >= seen, "nothing that was seen disappears");
            seen = now;
            // Verification runs beside it as well.
            let report = check(dir.path());
            assert!(report.is_intact(), "{}", report.first_break().unwrap());
        }
        let mut written = Vec::new();
        for caller in callers {
            written.extend(caller.await.unwrap());
        }
        journal.close().await.unwrap();
        written
    });
    written.sort_by_key(|(position, _)| *position);
    let found: Vec<_> =
        Reader::open(dir.path()).unwrap().records(None).unwrap().map(Result::unwrap).collect();
    assert!(found == written, "{} records, {} acknowledged", found.len(), written.len());
    assert_eq!(intact(dir.path()), []);
    assert_eq!(streams(dir.path()).len(), STREAMS + 1);
    assert!(frames(dir.path()).iter().any(|frame| frame.count() > 1), "callers waited together");

    drop(journal);
    let again = open(dir.path(), &options(16 << 10));
    append(&again, 0..1);
    close(again);
    assert_eq!(intact(dir.path()), []);
}

#[test]
fn several_who_ask_at_once_each_get_a_stream() {
    let dir = directory();
    let journal = open(dir.path(), &options(16 << 10));
    let (first, second, third) = runtime().block_on(async {
        tokio::join!(journal.begin_stream(NOW), journal.begin_stream(NOW), journal.begin_stream(NOW))
    });
    let begun = [first.unwrap(), second.unwrap(), third.unwrap()];
    assert!(begun.is_sorted());
    assert_eq!(streams(dir.path())[1..], begun);
    close(journal);
    assert_eq!(intact(dir.path()), []);
}

#[test]
fn a_crash_after_a_new_stream_leaves_an_intact_journal() {
    let dir = directory();
    let journal = open(dir.path(), &options(16 << 10));
    append(&journal, 0..3);
    begin(&journal, NOW - 1);
    append(&journal, 3..6);
    let crashed = directory();
    copy(dir.path(), crashed.path());
    let again = open(crashed.path(), &options(16 << 10));
    append(&again, 6..9);
    begin(&again, NOW - 2);
    append(&again, 9..12);
    close(again);
    assert!(check(crashed.path()).is_intact());
    assert_eq!(streams(crashed.path()).len(), 4);
    assert_eq!(event_ids(crashed.path()), (0..12).map(event_id).collect::<Vec<_>>());
}

#[test]
fn removing_a_stream_that_was_ended_while_running_is_found() {
    let dir = directory();
    let journal = open(dir.path(), &options(16 << 10));
    append(&journal, 0..3);
    let second = begin(&journal, NOW);
    append(&journal, 3..6);
    begin(&journal, NOW);
    close(journal);
    std::fs::remove_dir_all(dir.path().join(second.to_string())).unwrap();
    assert_eq!(check(dir.path()).first_break().unwrap().stream, Some(second));
}

#[test]
fn a_journal_that_does_not_keep_its_key_begins_no_stream() {
    let dir = directory();
    let journal = open(dir.path(), &JournalOptions { begins_streams: false, ..options(16 << 10) });
    let refused = runtime().block_on(journal.begin_stream(NOW));
    assert!(matches!(refused, Err(JournalError::Option { option: "begins_streams", .. })), "{refused:?}");
    append(&journal, 0..1);
    assert_eq!(streams(dir.path()).len(), 1);
}

#[test]
fn a_closed_journal_begins_no_stream() {
    let dir = directory();
    let journal = open(dir.path(), &options(16 << 10));
    runtime().block_on(async {
        // Asked for before the close, it is still begun.
        let (begun, closed) = tokio::join!(biased; journal.begin_stream(NOW), journal.close());
        assert_eq!(begun.unwrap(), journal.stream());
        closed.unwrap();
        assert!(matches!(journal.begin_stream(NOW).await, Err(JournalError::Closed)));
    });
    drop(journal);
    assert_eq!(streams(dir.path()).len(), 2);
    assert_eq!(intact(dir.path()), []);
}

/// A journal of three streams with 30 records each, of which some come in frames of one, some of many.
fn three_streams(dir: &Path) -> (Journal, [StreamId; 3]) {
    let journal = open(dir, &options(4 << 10));
    let mut begun = Vec::new();
    for from in [0, 30, 60] {
        if from > 0 {
            begin(&journal, NOW - from as i64);
        }
        begun.push(journal.stream());
        append(&journal, from..from + 10);
        append_together(&journal, from + 10..from + 30);
    }
    (journal, begun.try_into().unwrap())
}

fn positions(items: impl Iterator<Item = Result<(Position, Record), JournalError>>) -> Vec<Position> {
    items.map(|item| item.unwrap().0).collect()
}

#[test]
fn a_reader_since_a_stream_shows_nothing_before_it() {
    let dir = directory();
    let (journal, [first, second, third]) = three_streams(dir.path());
    for reader in [Reader::open(dir.path()).unwrap(), journal.reader()] {
        let all = positions(reader.records(None).unwrap());
        assert_eq!(all.len(), 90);
        for (since, from) in [(first, 0), (second, 30), (third, 60)] {
            let bounded = reader.clone().since(since);
            let shown = &all[from..];
            let newest: Vec<_> = shown.iter().rev().copied().collect();
            assert!(bounded.streams().unwrap().iter().all(|stream| *stream >= since));
            assert_eq!(positions(bounded.records(None).unwrap()), shown);
            assert_eq!(positions(bounded.records_newest_first(None).unwrap()), newest);
            assert!(bounded.frames(None).unwrap().all(|frame| frame.unwrap().stream() >= since));
            assert!(bounded.frames_newest_first(None).unwrap().all(|frame| frame.unwrap().stream() >= since));
            for (index, &position) in all.iter().enumerate() {
                let after = positions(bounded.records(Some(position)).unwrap());
                assert_eq!(after, all[from.max(index + 1)..]);
                let before = positions(bounded.records_newest_first(Some(position)).unwrap());
                assert_eq!(before.len(), index.saturating_sub(from));
            }
        }
    }
    begin(&journal, NOW);
    let reader = journal.reader().since(journal.stream());
    assert_eq!(reader.records(None).unwrap().count(), 0);
    append(&journal, 90..91);
    assert_eq!(reader.records(None).unwrap().count(), 1);
    close(journal);
    assert_eq!(check(dir.path()).records, 91, "verification still walks everything");
}

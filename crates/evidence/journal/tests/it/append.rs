//! Appending, reading back and closing.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use strongroom_journal::{
    Durability, FindingKind, Journal, JournalError, JournalOptions, Position, Reader, Record, SealedFrame,
    Trust, verify,
};

use crate::fixture::{
    NOW, append, append_together, check, close, directory, event_id, event_ids, frames, full_record, intact,
    key, open, options, record, runtime, segment, streams,
};

#[test]
fn records_come_back_in_order_with_their_positions() {
    let dir = directory();
    let journal = open(dir.path(), &options(16 << 10));
    let stream = journal.stream();
    runtime().block_on(async {
        for number in 0..100 {
            let position = journal.append(&record(number)).await.unwrap();
            assert_eq!(position, Position { stream, record: number });
        }
        let position = journal.append(&full_record()).await.unwrap();
        assert_eq!(position.record, 100);
    });
    close(journal);
    assert_eq!(intact(dir.path()), []);
    let reader = Reader::open(dir.path()).unwrap();
    let mut all: Vec<_> = reader.records(None).unwrap().map(Result::unwrap).collect();
    let expected: Vec<_> = (0..100)
        .map(record)
        .chain([full_record()])
        .zip(0..)
        .map(|(record, number)| (Position { stream, record: number }, record))
        .collect();
    assert_eq!(all, expected);
    let newest: Vec<_> = reader.records_newest_first(None).unwrap().map(Result::unwrap).collect();
    all.reverse();
    assert_eq!(newest, all);
    assert!(segment(dir.path(), stream, 3).exists(), "the records fill several segments");
    let report = check(dir.path());
    assert_eq!((report.streams, report.records), (1, 101));
}

#[test]
fn reading_begins_at_any_position() {
    let dir = directory();
    for from in [0, 40] {
        let journal = open(dir.path(), &options(8 << 10));
        append_together(&journal, from..from + 20);
        append(&journal, from + 20..from + 40);
        close(journal);
    }
    let reader = Reader::open(dir.path()).unwrap();
    let all: Vec<Position> = reader.records(None).unwrap().map(|item| item.unwrap().0).collect();
    assert_eq!(all.len(), 80);
    for (index, &position) in all.iter().enumerate() {
        let after: Vec<_> = reader.records(Some(position)).unwrap().map(|item| item.unwrap().0).collect();
        assert_eq!(after, all[index + 1..]);
        let mut before: Vec<_> =
            reader.records_newest_first(Some(position)).unwrap().map(|item| item.unwrap().0).collect();
        before.reverse();
        assert_eq!(before, all[..index]);
    }
}

#[test]
fn many_callers_share_frames_and_each_gets_its_own_position() {
    const CALLERS: u64 = 64;
    const EACH: u64 = 50;
    let dir = tempfile::tempdir().unwrap();
    let journal = Arc::new(open(dir.path(), &options(64 << 10)));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let positions = runtime.block_on(async {
        let tasks: Vec<_> = (0..CALLERS)
            .map(|caller| {
                let journal = Arc::clone(&journal);
                tokio::spawn(async move {
                    let mut positions = Vec::new();
                    for index in 0..EACH {
                        let number = caller * EACH + index;
                        positions.push((journal.append(&record(number)).await.unwrap(), event_id(number)));
                    }
                    positions
                })
            })
            .collect();
        let mut positions = Vec::new();
        for task in tasks {
            positions.extend(task.await.unwrap());
        }
        journal.close().await.unwrap();
        positions
    });
    assert_eq!(intact(dir.path()), []);
    let report = check(dir.path());
    assert_eq!(report.records, CALLERS * EACH);
    assert!(report.frames < report.records / 4, "{} frames for {} records", report.frames, report.records);
    let ids = event_ids(dir.path());
    assert_eq!(ids.len(), positions.len());
    for (position, id) in positions {
        assert_eq!(ids[position.record as usize], id);
    }
}

#[test]
fn readers_and_verification_run_beside_the_writer() {
    let dir = directory();
    let journal = Arc::new(open(dir.path(), &options(64 << 10)));
    let writing = {
        let journal = Arc::clone(&journal);
        std::thread::spawn(move || {
            for round in 0..40 {
                append_together(&journal, round * 100..round * 100 + 100);
                append(&journal, 0..5);
            }
        })
    };
    let mut seen = 0;
    while !writing.is_finished() {
        let report = check(dir.path());
        assert!(report.is_intact(), "{}", report.first_break().unwrap());
        let outside = Reader::open(dir.path()).unwrap().records(None).unwrap().map(Result::unwrap).count();
        let inside = journal.reader().records(None).unwrap().map(Result::unwrap).count();
        assert!(outside >= seen && inside >= seen);
        seen = inside;
    }
    writing.join().unwrap();
    assert_eq!(journal.reader().records(None).unwrap().count(), 4200);
}

#[test]
fn an_acknowledged_record_is_read_at_once() {
    let dir = directory();
    let journal = open(dir.path(), &options(16 << 10));
    let reader = journal.reader();
    runtime().block_on(async {
        for number in 0..200 {
            let position = journal.append(&record(number)).await.unwrap();
            let (newest, read) = reader.records_newest_first(None).unwrap().next().unwrap().unwrap();
            assert_eq!((newest, read), (position, record(number)));
        }
    });
}

#[test]
fn each_start_begins_a_stream_that_names_the_one_before() {
    let dir = directory();
    for start in 0..4 {
        // The clock stands still: ids still sort by start.
        let journal = open(dir.path(), &options(16 << 10));
        append(&journal, start * 3..start * 3 + 3);
        close(journal);
    }
    assert_eq!(streams(dir.path()).len(), 4);
    assert_eq!(intact(dir.path()), []);
    assert_eq!(event_ids(dir.path()), (0..12).map(event_id).collect::<Vec<_>>());
}

#[test]
fn a_dropped_journal_is_closed() {
    let dir = directory();
    let journal = open(dir.path(), &options(16 << 10));
    append(&journal, 0..3);
    drop(journal);
    let again = open(dir.path(), &options(16 << 10));
    assert_eq!(intact(dir.path()), [], "a stream that was not closed would be noted");
    drop(again);
}

#[test]
fn a_closed_journal_refuses_and_closing_twice_is_fine() {
    let dir = directory();
    let journal = open(dir.path(), &options(16 << 10));
    runtime().block_on(async {
        journal.append(&record(0)).await.unwrap();
        journal.close().await.unwrap();
        journal.close().await.unwrap();
        assert!(matches!(journal.append(&record(1)).await, Err(JournalError::Closed)));
    });
    let length = segment(dir.path(), journal.stream(), 1).metadata().unwrap().len();
    assert!(length < 2 << 10, "the preallocated tail is cut off");
}

#[test]
fn one_process_writes_at_a_time() {
    let dir = directory();
    let journal = open(dir.path(), &options(16 << 10));
    let second = Journal::open(dir.path(), &options(16 << 10), &key(), "node-1", NOW);
    assert!(matches!(second, Err(JournalError::InUse { .. })));
    drop(journal);
    open(dir.path(), &options(16 << 10));
}

#[test]
fn options_out_of_range_are_refused_by_name() {
    let dir = directory();
    let refused =
        |options: JournalOptions, node: &str| match Journal::open(dir.path(), &options, &key(), node, NOW) {
            Err(JournalError::Option { option, .. }) => option,
            _ => panic!("accepted"),
        };
    assert_eq!(refused(options(4095), "n"), "segment_bytes");
    assert_eq!(refused(options((64 << 20) + 1), "n"), "segment_bytes");
    assert_eq!(
        refused(JournalOptions { queue_records: 0, ..JournalOptions::default() }, "n"),
        "queue_records"
    );
    assert_eq!(
        refused(JournalOptions { queue_bytes: 3 << 20, ..JournalOptions::default() }, "n"),
        "queue_bytes"
    );
    assert_eq!(refused(JournalOptions::default(), ""), "node");
    assert_eq!(refused(JournalOptions::default(), &"n".repeat(65)), "node");
}

#[test]
fn a_record_that_fits_no_frame_is_refused_and_the_largest_that_fits_is_taken() {
    let dir = directory();
    let journal = open(dir.path(), &options(8 << 10));
    let sized = |length: usize| Record { request_parameters: Some("x".repeat(length)), ..Record::default() };
    let room = runtime().block_on(async {
        let Err(JournalError::RecordTooLarge { bytes, limit }) = journal.append(&sized(10_000)).await else {
            panic!("taken");
        };
        let largest = 10_000 - (bytes - limit);
        assert!(journal.append(&sized(largest + 1)).await.is_err());
        journal.append(&sized(largest)).await.unwrap();
        journal.append(&sized(largest)).await.unwrap();
        largest
    });
    assert!(room > 7 << 10);
    close(journal);
    assert_eq!(intact(dir.path()), []);
}

#[test]
fn records_that_belong_together_share_a_frame_or_are_refused_together() {
    let dir = directory();
    let journal = open(dir.path(), &options(8 << 10));
    let sized =
        |number: u64, bytes: usize| Record { request_parameters: Some("x".repeat(bytes)), ..record(number) };
    runtime().block_on(async {
        journal.append(&record(0)).await.unwrap();
        let position = journal.append_together(&record(1), &[record(2), record(3)]).await.unwrap();
        assert_eq!(position.record, 1);
        assert_eq!(journal.append_together(&record(4), &[]).await.unwrap().record, 4);
        let refused = journal.append_together(&sized(5, 4 << 10), &[sized(6, 4 << 10)]).await;
        assert!(matches!(refused, Err(JournalError::RecordTooLarge { .. })), "{refused:?}");
        assert_eq!(journal.append(&record(7)).await.unwrap().record, 5);
    });
    close(journal);
    let counts: Vec<_> = frames(dir.path()).iter().map(SealedFrame::count).collect();
    assert_eq!(counts, [1, 3, 1, 1]);
    assert_eq!(event_ids(dir.path()), [0, 1, 2, 3, 4, 7].map(event_id));
    assert_eq!(intact(dir.path()), []);
}

#[test]
fn a_full_queue_makes_callers_wait() {
    let dir = directory();
    let journal = open(dir.path(), &JournalOptions { queue_records: 1, ..options(64 << 10) });
    append_together(&journal, 0..64);
    close(journal);
    assert_eq!(check(dir.path()).records, 64);
    assert!(frames(dir.path()).iter().all(|frame| frame.count() == 1));
}

#[test]
fn a_caller_that_waited_long_enough_is_told_so() {
    let dir = tempfile::tempdir().unwrap();
    let patience = JournalOptions { queue_records: 1, longest_wait: Duration::ZERO, ..options(64 << 10) };
    let journal = Arc::new(open(dir.path(), &patience));
    let outcomes = runtime().block_on(async {
        let tasks: Vec<_> = (0..64)
            .map(|number| {
                let journal = Arc::clone(&journal);
                tokio::spawn(async move { journal.append(&record(number)).await })
            })
            .collect();
        let mut outcomes = Vec::new();
        for task in tasks {
            outcomes.push(task.await.unwrap());
        }
        journal.close().await.unwrap();
        outcomes
    });
    let busy = outcomes.iter().filter(|outcome| matches!(outcome, Err(JournalError::Busy))).count();
    let written = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
    assert_eq!(busy + written, 64);
    assert!(busy > 0);
    assert_eq!(check(dir.path()).records, written as u64);
}

#[test]
fn a_caller_that_stops_waiting_leaves_its_record() {
    let dir = directory();
    let journal = open(dir.path(), &options(16 << 10));
    runtime().block_on(async {
        let abandoned = record(0);
        let mut append = Box::pin(journal.append(&abandoned));
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        let _ = append.as_mut().poll(&mut context);
        drop(append);
        journal.append(&record(1)).await.unwrap();
    });
    close(journal);
    assert_eq!(event_ids(dir.path()), [event_id(0), event_id(1)]);
}

#[test]
fn written_durability_keeps_the_same_journal() {
    let dir = directory();
    let journal = open(dir.path(), &JournalOptions { durability: Durability::Written, ..options(8 << 10) });
    append(&journal, 0..50);
    close(journal);
    assert_eq!(intact(dir.path()), []);
    assert_eq!(event_ids(dir.path()).len(), 50);
}

#[test]
fn verification_takes_the_key_of_the_streams_epoch() {
    let dir = directory();
    for epoch in [1, 2] {
        let key = strongroom_secret::Key256::new([epoch as u8; 32]);
        let options = JournalOptions { key_epoch: epoch, ..options(16 << 10) };
        let journal = Journal::open(dir.path(), &options, &key, "node-1", NOW).unwrap().journal;
        append(&journal, 0..3);
        close(journal);
    }
    let by_epoch = |epoch: u32| Some(strongroom_secret::Key256::new([epoch as u8; 32]));
    let report = verify(dir.path(), &Trust::seal(by_epoch, |_| None), |_| {}).unwrap();
    assert!(report.is_intact());
    let but_one = |epoch| if epoch == 2 { None } else { by_epoch(epoch) };
    let report = verify(dir.path(), &Trust::seal(but_one, |_| None), |_| {}).unwrap();
    assert_eq!(report.first_break().unwrap().kind, FindingKind::KeyUnknown(2));
    let report = verify(dir.path(), &Trust::seal(|_| by_epoch(1), |_| None), |_| {}).unwrap();
    assert_eq!(report.first_break().unwrap().kind, FindingKind::SegmentMac);
}

#[test]
fn the_epochs_of_all_streams_are_told() {
    let dir = directory();
    let mut known = BTreeMap::new();
    Reader::open(dir.path()).unwrap().key_epochs(&mut known).unwrap();
    assert!(known.is_empty());
    for epoch in [3, 3, 7] {
        let options = JournalOptions { key_epoch: epoch, ..options(4096) };
        let opened = Journal::open(dir.path(), &options, &strongroom_secret::Key256::new([1; 32]), "a", NOW);
        let journal = opened.unwrap().journal;
        append(&journal, 0..40);
        journal.reader().key_epochs(&mut known).unwrap();
        close(journal);
    }
    assert_eq!(known.values().copied().collect::<Vec<_>>(), [3, 3, 7]);
    // What is gone is not needed any more, and what cannot be read is told.
    let reader = Reader::open(dir.path()).unwrap();
    let streams = reader.streams().unwrap();
    let folder = |index: usize| dir.path().join(streams[index].to_string());
    std::fs::remove_dir_all(folder(0)).unwrap();
    for segment in std::fs::read_dir(folder(2)).unwrap() {
        std::fs::write(segment.unwrap().path(), [0; 4096]).unwrap();
    }
    reader.key_epochs(&mut known).unwrap();
    assert_eq!(known.values().copied().collect::<Vec<_>>(), [3, 7]);
    let refused = reader.key_epochs(&mut BTreeMap::new()).unwrap_err();
    assert!(matches!(refused, JournalError::Damaged { stream, .. } if stream == streams[2]), "{refused}");
}

#[test]
fn a_probe_leaves_no_record() {
    let dir = directory();
    let journal = open(dir.path(), &options(4096));
    runtime().block_on(journal.probe()).unwrap();
    append(&journal, 0..2);
    // More than a segment of them: a probe takes what an append takes.
    for _ in 0..40 {
        runtime().block_on(journal.probe()).unwrap();
    }
    append(&journal, 2..4);
    let position = runtime().block_on(journal.append(&record(4))).unwrap();
    assert_eq!(position.record, 4);
    runtime().block_on(async {
        journal.close().await.unwrap();
        assert!(matches!(journal.probe().await, Err(JournalError::Closed)));
    });
    drop(journal);
    close(open(dir.path(), &options(4096)));
    assert_eq!(intact(dir.path()), []);
    assert_eq!(event_ids(dir.path()), (0..5).map(event_id).collect::<Vec<_>>());
    let reader = Reader::open(dir.path()).unwrap();
    assert_eq!(reader.records_newest_first(None).unwrap().flatten().count(), 5);
}

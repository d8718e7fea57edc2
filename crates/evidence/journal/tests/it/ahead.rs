//! What is done so that callers wait less: segments made ahead, frames that gather.

use std::sync::Arc;
use std::time::Duration;

use strongroom_journal::{FindingKind, JournalError, JournalOptions};

use crate::fixture::{
    NOW, append, close, copy, directory, event_id, event_ids, frames, intact, key, open, options, record,
};

#[test]
fn the_next_segment_is_there_before_it_is_needed_and_a_crash_leaves_nothing_of_it() {
    let dir = directory();
    let live = dir.path().join("live");
    let ahead = live.join("ahead.new");
    let journal = open(&live, &options(16 << 10));
    append(&journal, 0..5);
    assert!(!ahead.exists(), "not before half of a segment is full");
    append(&journal, 5..30);
    while !ahead.exists() {
        std::thread::yield_now();
    }
    let image = dir.path().join("image");
    copy(&live, &image);
    append(&journal, 30..200);
    assert!(frames(&live).pop().unwrap().segment() > 3);
    close(journal);
    assert!(!ahead.exists());
    assert_eq!(intact(&live), []);
    assert_eq!(event_ids(&live), (0..200).map(event_id).collect::<Vec<_>>());

    assert_eq!(intact(&image), []);
    let again = open(&image, &options(16 << 10));
    assert!(!image.join("ahead.new").exists());
    append(&again, 200..203);
    close(again);
    assert_eq!(intact(&image), [FindingKind::NotClosed]);
}

/// Callers that come back at once share frames; the last of them does not wait for those who are gone.
#[test]
fn frames_gather_those_who_append_at_a_time() {
    const CALLERS: u64 = 16;
    const EACH: u64 = 20;
    let count = |gather| {
        let dir = directory();
        let journal =
            Arc::new(open(dir.path(), &JournalOptions { gather: Some(gather), ..options(1 << 20) }));
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(async {
            let callers: Vec<_> = (0..CALLERS)
                .map(|caller| {
                    let journal = Arc::clone(&journal);
                    tokio::spawn(async move {
                        for number in caller * EACH..(caller + 1) * EACH {
                            journal.append(&record(number)).await.unwrap();
                        }
                    })
                })
                .collect();
            for caller in callers {
                caller.await.unwrap();
            }
            journal.close().await.unwrap();
        });
        assert_eq!(intact(dir.path()), []);
        assert_eq!(event_ids(dir.path()).len() as u64, CALLERS * EACH);
        frames(dir.path()).len() as u64
    };
    let gathered = count(Duration::from_millis(100));
    // One frame for each round but for a few, in which somebody was late.
    assert!(gathered <= EACH * 3, "{gathered} frames");
}

#[test]
fn nobody_gathers_for_long() {
    let dir = directory();
    let options = JournalOptions { gather: Some(Duration::from_millis(101)), ..options(16 << 10) };
    let refused = strongroom_journal::Journal::open(dir.path(), &options, &key(), "node-1", NOW);
    assert!(matches!(refused, Err(JournalError::Option { option: "gather", .. })));
}

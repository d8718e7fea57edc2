//! A disk that takes no more: simulated by a limit on file size, in a process of its own.
//!
//! Under the limit a write stops in the middle, and preallocation fails, with an error of the operating
//! system. The signal that comes with it is ignored by the shell that starts the process.

use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use strongroom_journal::{EventId, Journal, JournalError, Position, Record};
use tempfile::TempDir;

use crate::fixture::{NOW, check, event_id, event_ids, frames, intact, key, options, record, runtime};

const CHILD_DIR: &str = "JOURNAL_TEST_DISK_FULL_DIR";

#[test]
fn a_full_disk_refuses_appends_until_there_is_room_again() {
    let dir = TempDir::new().unwrap();
    run_child("disk_full::child_meets_a_full_disk", dir.path());
    assert_eq!(intact(dir.path()), []);
    assert!(event_ids(dir.path()).len() > 100);
}

#[test]
fn a_disk_that_has_no_room_for_a_segment_refuses_appends_too() {
    let dir = TempDir::new().unwrap();
    run_child("disk_full::child_meets_a_full_disk_where_a_segment_ends", dir.path());
    assert_eq!(intact(dir.path()), []);
}

#[test]
fn a_full_disk_keeps_a_stream_going_or_makes_the_next_append_begin_the_new_one() {
    let dir = TempDir::new().unwrap();
    run_child("disk_full::child_begins_streams_on_a_full_disk", dir.path());
    assert_eq!(intact(dir.path()), []);
    assert_eq!(event_ids(dir.path()), (0..6).map(event_id).collect::<Vec<_>>());
}

/// Runs one of the tests below in a process that limits can be put on.
fn run_child(test: &str, dir: &Path) {
    let child = Command::new("sh")
        .args(["-c", r#"trap "" XFSZ; exec "$0" "$@""#])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env(CHILD_DIR, dir)
        .output()
        .unwrap();
    assert!(child.status.success(), "{}", String::from_utf8_lossy(&child.stderr));
}

#[test]
fn child_begins_streams_on_a_full_disk() {
    let Some(dir) = std::env::var_os(CHILD_DIR).map(PathBuf::from) else { return };
    let journal = Journal::open(&dir, &options(16 << 10), &key(), "node-1", NOW).unwrap().journal;
    let runtime = runtime();
    let append = |number| runtime.block_on(journal.append(&record(number)));
    let begin = || runtime.block_on(journal.begin_stream(NOW));
    let first = append(0).unwrap().stream;

    // Not even the end can be written: the stream goes on.
    limit_file_size(Some(end(&dir)));
    refused(&begin());
    refused(&append(99));
    assert!(check(&dir).is_intact());
    limit_file_size(None);
    assert_eq!(append(1).unwrap(), Position { stream: first, record: 1 });

    // The end can, and the next stream's segment cannot: nothing is written behind the end.
    limit_file_size(Some(end(&dir) + 1000));
    refused(&begin());
    refused(&append(99));
    refused(&begin());
    assert!(check(&dir).is_intact());
    assert_eq!(journal.stream(), first);
    limit_file_size(None);
    let second = append(2).unwrap();
    assert!(second.stream > first && second.record == 0);

    // The same, and what is asked for again is the stream itself.
    limit_file_size(Some(end(&dir) + 1000));
    refused(&begin());
    limit_file_size(None);
    let third = begin().unwrap();
    assert_eq!(append(3).unwrap(), Position { stream: third, record: 0 });
    assert_eq!(append(4).unwrap(), Position { stream: third, record: 1 });
    assert_eq!(journal.reader().streams().unwrap(), [first, second.stream, third]);

    // The same, and then the end.
    limit_file_size(Some(end(&dir) + 1000));
    refused(&begin());
    runtime.block_on(journal.close()).unwrap();
    drop(journal);
    limit_file_size(None);
    let opened = Journal::open(&dir, &options(16 << 10), &key(), "node-1", NOW).unwrap();
    assert_eq!(opened.notes, []);
    runtime.block_on(opened.journal.append(&record(5))).unwrap();
    runtime.block_on(opened.journal.close()).unwrap();
}

#[test]
fn child_meets_a_full_disk() {
    let Some(dir) = std::env::var_os(CHILD_DIR).map(PathBuf::from) else { return };
    // One segment takes all of it: where none ends, every write meets the limit.
    let mut appending = Appending::begin(&dir, 1 << 20);
    for round in 0..8 {
        for _ in 0..3 {
            appending.sized(10).unwrap();
        }
        let mut used = end(&dir);
        // The disk is full at once, or in the middle of the next frame: what was written of it is then longer
        // than the frame that takes its place.
        for room in [0, 1, 90 + round, 300, 900] {
            limit_file_size(Some(used + room));
            refused(&appending.sized(1000));
            refused(&appending.sized(1000));
            if room < 156 {
                refused(&appending.runtime.block_on(appending.journal.probe()));
            }
            assert!(check(&dir).is_intact());
            limit_file_size(None);
            appending.runtime.block_on(appending.journal.probe()).unwrap();
            appending.sized(10).unwrap();
            used = end(&dir);
        }
    }
    for _ in 0..60 {
        appending.sized(10).unwrap();
    }
    appending.ends(&dir);
}

#[test]
fn child_meets_a_full_disk_where_a_segment_ends() {
    let Some(dir) = std::env::var_os(CHILD_DIR).map(PathBuf::from) else { return };
    let mut appending = Appending::begin(&dir, 16 << 10);
    let segment_of_last = || frames(&dir).pop().unwrap().segment();
    appending.sized(10).unwrap();
    // No next segment can be made, neither ahead, when half of one is full, nor when it is needed.
    limit_file_size(Some((16 << 10) - 1));
    while appending.sized(10).is_ok() {}
    refused(&appending.sized(10));
    assert_eq!(segment_of_last(), 1);
    assert!(end(&dir) > 15 << 10, "it was full");
    assert!(check(&dir).is_intact());
    limit_file_size(None);
    appending.sized(10).unwrap();
    assert_eq!(segment_of_last(), 2);

    for _ in 0..60 {
        appending.sized(10).unwrap();
    }
    appending.ends(&dir);
}

/// A journal that is written, and which of its records were acknowledged.
struct Appending {
    journal: Journal,
    runtime: tokio::runtime::Runtime,
    number: u64,
    written: Vec<EventId>,
}

impl Appending {
    fn begin(dir: &Path, segment_bytes: u64) -> Self {
        let journal = Journal::open(dir, &options(segment_bytes), &key(), "node-1", NOW).unwrap().journal;
        Self { journal, runtime: runtime(), number: 0, written: Vec::new() }
    }

    fn sized(&mut self, user_agent: usize) -> Result<Position, JournalError> {
        self.number += 1;
        let record = Record { user_agent: Some("x".repeat(user_agent)), ..record(self.number) };
        let outcome = self.runtime.block_on(self.journal.append(&record));
        if outcome.is_ok() {
            self.written.push(event_id(self.number));
        }
        outcome
    }

    /// What was refused is not there, and what was not is.
    fn ends(self, dir: &Path) {
        self.runtime.block_on(self.journal.close()).unwrap();
        assert_eq!(event_ids(dir), self.written);
    }
}

fn refused<T: std::fmt::Debug>(outcome: &Result<T, JournalError>) {
    assert!(matches!(outcome, Err(JournalError::Unavailable { .. })), "{outcome:?}");
}

/// Where the next frame would begin.
fn end(dir: &Path) -> u64 {
    let last = frames(dir).pop().unwrap();
    last.offset() + last.length() as u64
}

fn limit_file_size(bytes: Option<u64>) {
    let maximum = getrlimit(Resource::Fsize).maximum;
    setrlimit(Resource::Fsize, Rlimit { current: bytes.or(maximum), maximum }).unwrap();
}

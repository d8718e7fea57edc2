//! Retention: what goes, what stays, and how verification knows the one from the other.

use std::fs;
use std::path::Path;
use std::time::Duration;

use strongroom_journal::{
    Checkpoint, FindingKind, Horizon, Journal, Old, Position, Reader, Retired, SegmentId, Trust, verify,
};

use crate::fixture::{
    NOW, append, as_file, check, close, compress_all, copy, directory, event_id, event_ids, intact, keeper,
    open, options, public_key, segment, streams,
};

/// Drops what is older than the record of this number.
fn retire(journal: &Journal, number: u64) -> Option<Retired> {
    keeper(journal).retire(NOW + 1000, NOW + number as i64, None).unwrap()
}

fn segments(dir: &Path) -> Vec<SegmentId> {
    Reader::open(dir).unwrap().segments().unwrap().iter().map(|listed| listed.id).collect()
}

fn first_of(dir: &Path, id: SegmentId) -> u64 {
    Reader::open(dir).unwrap().segment(id).unwrap().unwrap().first_record().unwrap()
}

/// Two streams of 30 records each: numbers 0 to 29 and 30 to 59, over several segments each.
fn journal(dir: &Path) -> Journal {
    let journal = open(dir, &options(4096));
    append(&journal, 0..30);
    close(journal);
    let journal = open(dir, &options(4096));
    append(&journal, 30..60);
    journal
}

#[test]
fn whole_segments_go_when_all_of_their_records_are_old() {
    let dir = directory();
    let journal = journal(dir.path());
    let before = segments(dir.path());
    let [first, second] = streams(dir.path())[..] else { panic!("two streams") };
    assert!(before.iter().filter(|id| id.stream == first).count() >= 3, "{before:?}");
    // Up to the middle of the second segment.
    let second_segment = first_of(dir.path(), before[1]);
    assert!(retire(&journal, second_segment - 1).is_none(), "its last record is not old enough");
    let retired = retire(&journal, second_segment + 1).unwrap();
    assert_eq!((retired.segments, retired.begins.segment), (1, before[1]));
    assert_eq!(segments(dir.path()), before[1..]);
    let kept: Vec<_> = (second_segment..60).map(event_id).collect();
    assert_eq!(event_ids(dir.path()), kept);
    assert!(check(dir.path()).is_intact());
    assert_eq!(check(dir.path()).begins, Some(retired.begins));
    let stranger = Trust::public_keys(vec![public_key(1)]);
    assert!(verify(dir.path(), &stranger, |_| {}).unwrap().is_intact());
    // The same again drops nothing more.
    assert!(retire(&journal, second_segment + 1).is_none());
    // All of the first stream, and its folder with it.
    compress_all(&journal);
    retire(&journal, 31).unwrap();
    assert_eq!(streams(dir.path()), [second]);
    assert!(!dir.path().join(first.to_string()).exists());
    assert_eq!(event_ids(dir.path()), (30..60).map(event_id).collect::<Vec<_>>());
    assert_eq!(intact(dir.path()), []);
    // Everything is old: the segment that is written to stays, and the journal goes on.
    retire(&journal, 1000).unwrap();
    assert_eq!(segments(dir.path()), before[before.len() - 1..]);
    append(&journal, 60..70);
    close(journal);
    assert_eq!(intact(dir.path()), []);
    assert_eq!(event_ids(dir.path()).last(), Some(&event_id(69)));
    // And after a start.
    let journal = open(dir.path(), &options(4096));
    append(&journal, 70..71);
    assert!(retire(&journal, 1000).is_some());
    close(journal);
    assert_eq!(event_ids(dir.path()), [event_id(70)]);
    assert_eq!(intact(dir.path()), []);
}

#[test]
fn what_is_still_wanted_stays() {
    let dir = directory();
    let journal = journal(dir.path());
    let all = segments(dir.path());
    let mut keeper = keeper(&journal);
    let start_of = |id: SegmentId| Position { stream: id.stream, record: first_of(dir.path(), id) };
    // Something was delivered up to the middle of the third segment.
    let delivered = Position { record: start_of(all[2]).record + 1, ..start_of(all[2]) };
    let hold = keeper.holds().hold();
    assert_eq!(keeper.retire(NOW, i64::MAX, Some(delivered)).unwrap(), None, "somebody copies the files");
    assert_eq!(keeper.compress_next().unwrap(), None);
    drop(hold);
    let retired = keeper.retire(NOW, i64::MAX, Some(delivered)).unwrap().unwrap();
    assert_eq!(retired.begins.segment, all[2]);
    assert_eq!(segments(dir.path()), all[2..]);
    assert_eq!(keeper.retire(NOW, i64::MAX, Some(start_of(all[2]))).unwrap(), None);
    assert!(keeper.compress_next().unwrap().is_some());
    close(journal);
    assert_eq!(intact(dir.path()), []);
}

#[test]
fn a_reader_that_was_left_behind_goes_on_where_the_journal_begins() {
    let dir = directory();
    let journal = journal(dir.path());
    let reader = journal.reader();
    let mut slow = reader.records(None).unwrap();
    let first = slow.next().unwrap().unwrap().0;
    let held = reader.segment(segments(dir.path())[0]).unwrap().unwrap();
    retire(&journal, 31).unwrap();
    // What was open is read to its end, the rest is not there any more.
    assert!(held.frames(0).unwrap().all(|frame| frame.is_ok()));
    let left: Vec<_> = slow.map(|record| record.unwrap().1.event_id).collect();
    assert!(left.ends_with(&(30..60).map(event_id).collect::<Vec<_>>()));
    let again: Vec<_> =
        reader.records(Some(first)).unwrap().map(|record| record.unwrap().1.event_id).collect();
    assert_eq!(again, (30..60).map(event_id).collect::<Vec<_>>());
    assert!(reader.segment(held.id()).unwrap().is_none());
}

const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;

/// A clock may be wrong for a while: what it says is not enough to drop everything.
#[test]
fn time_must_be_seen_to_pass_before_records_go() {
    let dir = directory();
    let journal = journal(dir.path());
    let keeper = keeper(&journal);
    let segment_ends = NOW + first_of(dir.path(), segments(dir.path())[1]) as i64 - 1;
    let hours = |hours: u64| Duration::from_secs(hours * 3600);
    let before = |horizon: &mut Horizon, clock_ms: i64, uptime| {
        let Old { before_ms, held_back_ms } = horizon.look(&keeper, clock_ms, uptime).unwrap().unwrap();
        assert_eq!(before_ms + held_back_ms, clock_ms - 90 * DAY_MS);
        before_ms
    };
    // Ten years ahead at the start: nothing at once, and then no faster than four times the time that passes.
    let (mut horizon, wrong) = (Horizon::new(90 * DAY_MS), NOW + 3650 * DAY_MS);
    assert_eq!(before(&mut horizon, wrong, hours(1)), segment_ends);
    assert_eq!(before(&mut horizon, wrong, hours(2)), segment_ends + 4 * HOUR_MS);
    // Right again: as the clock says.
    assert_eq!(before(&mut horizon, NOW, hours(3)), NOW - 90 * DAY_MS);
    // A clock that is right, over a day that the server stood still.
    let mut horizon = Horizon::new(90 * DAY_MS);
    let late = segment_ends + 91 * DAY_MS;
    assert_eq!(before(&mut horizon, late, hours(0)), segment_ends);
    assert_eq!(before(&mut horizon, late + 8 * HOUR_MS, hours(8)), late + 8 * HOUR_MS - 90 * DAY_MS);
    // It is set ahead while the server runs, and the journal is young: for months nothing can come of it.
    let mut horizon = Horizon::new(90 * DAY_MS);
    assert_eq!(before(&mut horizon, NOW, hours(0)), NOW - 90 * DAY_MS);
    assert_eq!(before(&mut horizon, wrong, hours(24)), segment_ends - 86 * DAY_MS);
    // Set back to 1970 for a moment: that is made up for as soon as it is right.
    assert_eq!(before(&mut horizon, 0, hours(25)), -90 * DAY_MS);
    assert_eq!(before(&mut horizon, NOW + HOUR_MS, hours(25)), NOW + HOUR_MS - 90 * DAY_MS);
    drop(keeper);
    close(journal);
}

#[test]
fn a_clock_says_nothing_of_a_journal_with_one_segment() {
    let dir = directory();
    let journal = open(dir.path(), &options(4096));
    append(&journal, 0..1);
    let looked = Horizon::new(DAY_MS).look(&keeper(&journal), NOW + 9 * DAY_MS, Duration::ZERO).unwrap();
    assert_eq!(looked, None);
    close(journal);
}

/// A crash behind the checkpoint, with none, some or all of the files removed.
#[test]
fn what_a_crash_left_is_removed_at_the_next_start() {
    let dir = directory();
    let live = dir.path().join("live");
    let journal = journal(&live);
    let image = dir.path().join("image");
    copy(&live, &image);
    let retired = retire(&journal, 31).unwrap();
    copy(&live.join("checkpoints"), &image.join("checkpoints"));
    drop(journal);
    for removed in 0..retired.segments as usize {
        let crashed = dir.path().join("crashed");
        copy(&image, &crashed);
        for SegmentId { stream, number } in &segments(&image)[..removed] {
            fs::remove_file(segment(&crashed, *stream, *number)).unwrap();
        }
        let report = check(&crashed);
        assert!(report.is_intact(), "{:?}", report.findings);
        assert!(report.findings.iter().any(|finding| finding.kind == FindingKind::NotRemoved));
        let journal = open(&crashed, &options(4096));
        drop(keeper(&journal));
        close(journal);
        assert_eq!(event_ids(&crashed), (30..60).map(event_id).collect::<Vec<_>>());
        assert!(check(&crashed).findings.iter().all(|finding| finding.kind == FindingKind::NotClosed));
        fs::remove_dir_all(&crashed).unwrap();
    }
}

#[test]
fn more_than_the_checkpoint_says_is_missed() {
    let dir = directory();
    let live = dir.path().join("live");
    let journal = journal(&live);
    let all = segments(&live);
    let begins = retire(&journal, first_of(&live, all[1]) + 1).unwrap().begins.segment;
    close(journal);
    fs::remove_file(segment(&live, begins.stream, begins.number)).unwrap();
    let missing = FindingKind::SegmentsMissing { first: begins.number, last: begins.number };
    assert_eq!(check(&live).first_break().unwrap().kind, missing);
    // Without the checkpoints nothing says that the first one's time was up.
    let again = dir.path().join("again");
    copy(&live, &again);
    fs::remove_dir_all(again.join("checkpoints")).unwrap();
    let missing = FindingKind::SegmentsMissing { first: 1, last: begins.number };
    assert_eq!(check(&again).first_break().unwrap().kind, missing);
    // All of the stream in which the journal begins.
    fs::remove_dir_all(live.join(begins.stream.to_string())).unwrap();
    assert!(!check(&live).is_intact());
}

#[test]
fn old_files_of_checkpoints_go_too() {
    let dir = directory();
    let journal = journal(dir.path());
    {
        let mut keeper = keeper(&journal);
        for number in 60..66 {
            append(&journal, number..number + 1);
            keeper.checkpoint(NOW + number as i64).unwrap().unwrap();
        }
    }
    // Three files, as if each had been full.
    let file = |number: u32| dir.path().join(format!("checkpoints/{number:06}.checkpoints"));
    let all = Checkpoint::parse_all(&fs::read_to_string(file(1)).unwrap()).unwrap();
    for (pair, number) in all.chunks(2).zip(1..) {
        fs::write(file(number), as_file(pair)).unwrap();
    }
    assert_eq!(intact(dir.path()), []);
    let retired = retire(&journal, 62).unwrap();
    assert_eq!(retired.begins.checkpoint, 3);
    assert!(!file(1).exists() && file(2).exists());
    assert_eq!(intact(dir.path()), []);
    fs::remove_file(file(2)).unwrap();
    let missing = FindingKind::CheckpointsMissing { first: 3, last: 4 };
    assert_eq!(check(dir.path()).first_break().unwrap().kind, missing);
    close(journal);
}

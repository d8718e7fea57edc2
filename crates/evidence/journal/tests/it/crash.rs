//! Ends without warning: a killed process, a power cut in the middle of a write.

use std::fs::{self, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use strongroom_journal::{FindingKind, Journal, JournalOptions, OpenNote, Record, SealedFrame};
use tempfile::TempDir;

use crate::fixture::{
    NOW, append, check, close, copy, directory, event_id, event_ids, frames, intact, key, open, options,
    record, runtime, segment, streams,
};

const CHILD_DIR: &str = "JOURNAL_TEST_CRASH_DIR";
const CHILD_FIRST: &str = "JOURNAL_TEST_CRASH_FIRST";

/// The process that is killed: it appends until then, and says which appends were acknowledged.
#[test]
fn child_appends_until_killed() {
    let Some(dir) = std::env::var_os(CHILD_DIR).map(PathBuf::from) else { return };
    let first: u64 = std::env::var(CHILD_FIRST).unwrap().parse().unwrap();
    let journal = Arc::new(Journal::open(&dir, &options(32 << 10), &key(), "node-1", NOW).unwrap().journal);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let tasks: Vec<_> = (0..16)
            .map(|caller| {
                let journal = Arc::clone(&journal);
                tokio::spawn(async move {
                    for index in 0.. {
                        let number = first + index * 16 + caller;
                        journal.append(&record(number)).await.unwrap();
                        writeln!(std::io::stdout(), "acknowledged {number}").unwrap();
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
    });
}

#[test]
fn a_killed_writer_loses_nothing_that_was_acknowledged() {
    let dir = TempDir::new().unwrap();
    let mut acknowledged = Vec::new();
    for round in 0..6 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "crash::child_appends_until_killed", "--nocapture"])
            .env(CHILD_DIR, dir.path())
            .env(CHILD_FIRST, (round * 1_000_000).to_string())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let before = acknowledged.len();
        let mut killed = false;
        while let Some(Ok(line)) = lines.next() {
            let Some(number) =
                line.rsplit_once("acknowledged ").map(|(_, number)| number.parse::<u64>().unwrap())
            else {
                continue;
            };
            acknowledged.push(number);
            if !killed && acknowledged.len() - before >= 100 + round as usize * 37 {
                child.kill().unwrap();
                killed = true;
            }
        }
        child.wait().unwrap();
        assert!(killed, "the child ended by itself");
        // As the crash left it, and after recovery.
        assert!(check(dir.path()).is_intact());
        close(Journal::open(dir.path(), &options(32 << 10), &key(), "node-1", NOW).unwrap().journal);
        intact(dir.path());
        let written: std::collections::HashSet<_> = event_ids(dir.path()).into_iter().collect();
        for &number in &acknowledged {
            assert!(written.contains(&event_id(number)), "record {number} was acknowledged and is lost");
        }
    }
}

/// A journal of one closed stream, and one that a crash interrupted after a large frame and two small ones.
fn interrupted() -> (TempDir, PathBuf) {
    let dir = directory();
    let live = dir.path().join("live");
    close({
        let journal = open(&live, &options(8 << 10));
        append(&journal, 0..3);
        journal
    });
    let journal = open(&live, &options(8 << 10));
    append(&journal, 3..4);
    let large = Record { request_parameters: Some(format!("\"{}\"", "x".repeat(2500))), ..record(4) };
    runtime().block_on(journal.append(&large)).unwrap();
    append(&journal, 5..7);
    let image = dir.path().join("image");
    copy(&live, &image);
    drop(journal);
    (dir, image)
}

/// Opens a journal that was interrupted, checks what became of it, and that it goes on.
fn recovers(dir: &Path, records: usize, torn: bool) {
    let before = check(dir);
    assert!(before.is_intact(), "{}", before.first_break().unwrap());
    let noted = before.findings.iter().any(|finding| finding.kind == FindingKind::TornFrame);
    assert_eq!(noted, torn);
    let ids: Vec<_> = (0..records as u64).map(event_id).collect();
    assert_eq!(event_ids(dir), ids);
    let opened = Journal::open(dir, &options(8 << 10), &key(), "node-1", NOW).unwrap();
    assert_eq!(
        opened.notes.iter().any(|note| matches!(note, OpenNote::TornFrame { .. })),
        torn,
        "{:?}",
        opened.notes
    );
    assert_eq!(opened.notes.len(), usize::from(torn));
    append(&opened.journal, 100..101);
    close(opened.journal);
    assert_eq!(intact(dir), [FindingKind::NotClosed]);
    assert_eq!(event_ids(dir), [ids, vec![event_id(100)]].concat());
}

#[test]
fn a_stream_cut_at_any_byte_of_its_last_frames_keeps_every_whole_frame() {
    let (dir, image) = interrupted();
    let stream = streams(&image)[1];
    let all = frames(&image);
    let tail = all.len() - 2;
    let end = all.last().map(|frame| frame.offset() + frame.length() as u64).unwrap();
    let work = dir.path().join("work");
    let bytes = fs::read(segment(&image, stream, 1)).unwrap();
    for cut in all[tail].offset()..=end {
        let whole = all
            .iter()
            .filter(|frame| frame.stream() != stream || frame.offset() + frame.length() as u64 <= cut);
        let records: u32 = whole.map(SealedFrame::count).sum();
        let torn = all.iter().all(|frame| frame.stream() != stream || frame.offset() != cut) && cut != end;
        // The file ends here, or the rest was never written over its zeros.
        for zeros in [false, true] {
            if all.iter().any(|frame| frame.stream() == stream && is_whole(&bytes, frame, cut, zeros)) {
                continue;
            }
            copy(&image, &work);
            let file = OpenOptions::new().write(true).open(segment(&work, stream, 1)).unwrap();
            let length = file.metadata().unwrap().len();
            file.set_len(cut).unwrap();
            if zeros {
                file.set_len(length).unwrap();
            }
            recovers(&work, records as usize, torn);
            fs::remove_dir_all(&work).unwrap();
        }
    }
}

/// Tells whether a frame that was cut within its MAC or end mark still has all that its hashes cover. Such a
/// frame is damaged, not torn.
fn is_whole(bytes: &[u8], frame: &SealedFrame, cut: u64, zeros: bool) -> bool {
    let end = frame.offset() + frame.length() as u64;
    // A hash may end with zero bytes of its own.
    let lost = bytes.get(cut as usize..(end - 36) as usize).unwrap_or_default();
    cut < end && (cut >= end - 36 || zeros && cut > frame.offset() && lost.iter().all(|&byte| byte == 0))
}

#[test]
fn a_last_frame_of_which_any_sectors_are_missing_is_dropped() {
    let (dir, image) = interrupted();
    let stream = streams(&image)[1];
    let all = frames(&image);
    // The large frame becomes the last one.
    let large = &all[all.len() - 3];
    let (start, end) = (large.offset(), large.offset() + large.length() as u64);
    let work = dir.path().join("work");
    let sectors: Vec<(u64, u64)> = (start / 512..end.div_ceil(512))
        .map(|sector| ((sector * 512).max(start), ((sector + 1) * 512).min(end)))
        .collect();
    assert!(sectors.len() >= 5);
    for missing in 1_u32..1 << sectors.len() {
        copy(&image, &work);
        let file = OpenOptions::new().write(true).open(segment(&work, stream, 1)).unwrap();
        let length = file.metadata().unwrap().len();
        file.set_len(end).unwrap();
        file.set_len(length).unwrap();
        for (index, &(from, to)) in sectors.iter().enumerate() {
            if missing & 1 << index != 0 {
                file.write_all_at(&vec![0; (to - from) as usize], from).unwrap();
            }
        }
        let everything = sectors.len() as u32 == missing.count_ones();
        recovers(&work, 4, !everything);
        fs::remove_dir_all(&work).unwrap();
    }
}

/// A power cut leaves whole sectors out, wherever a frame begins in its first one: nothing was acknowledged, and nothing is
/// taken for damage.
#[test]
fn no_sector_that_is_missing_of_a_last_frame_is_taken_for_damage() {
    for pad in 0..64_usize {
        let dir = directory();
        let live = dir.path().join("live");
        let journal = open(&live, &options(8 << 10));
        let padded = Record { user_agent: Some("x".repeat(pad * 8)), ..record(0) };
        runtime().block_on(journal.append(&padded)).unwrap();
        append(&journal, 1..2);
        let image = dir.path().join("image");
        copy(&live, &image);
        drop(journal);
        let path = segment(&image, streams(&image)[0], 1);
        let frame = frames(&image).pop().unwrap();
        let (start, end) = (frame.offset() as usize, frame.offset() as usize + frame.length());
        assert_eq!((start % 8, end % 8), (0, 0));
        let bytes = fs::read(&path).unwrap();
        let sectors: Vec<_> = (start / 512..end.div_ceil(512)).collect();
        for missing in 1_u32..1 << sectors.len() {
            let mut left = bytes.clone();
            for (index, &sector) in sectors.iter().enumerate() {
                if missing & 1 << index != 0 {
                    left[(sector * 512).max(start)..((sector + 1) * 512).min(end)].fill(0);
                }
            }
            fs::write(&path, &left).unwrap();
            let context = format!("frame {start}..{end}, sectors {missing:b}");
            let report = check(&image);
            assert!(report.is_intact(), "{context}: {}", report.first_break().unwrap());
            assert_eq!(event_ids(&image), [event_id(0)], "{context}");
        }
        let opened = Journal::open(&image, &options(8 << 10), &key(), "node-1", NOW).unwrap();
        assert!(
            opened.notes.iter().all(|note| matches!(note, OpenNote::TornFrame { .. })),
            "{:?}",
            opened.notes
        );
        close(opened.journal);
        assert_eq!(intact(&image), [FindingKind::NotClosed]);
    }
}

#[test]
fn a_start_that_was_cut_short_leaves_nothing_in_the_way() {
    let dir = directory();
    let journal = open(dir.path(), &options(8 << 10));
    append(&journal, 0..3);
    let stream = journal.stream();
    close(journal);
    // A stream whose first segment was being made, and a segment of the stream before.
    let unborn = dir.path().join("ffffffffff0000000000000000000000");
    fs::create_dir(&unborn).unwrap();
    fs::write(unborn.join("000001.new"), [0; 100]).unwrap();
    fs::write(dir.path().join(stream.to_string()).join("000002.new"), [0; 100]).unwrap();
    assert!(check(dir.path()).is_intact());
    let journal = open(dir.path(), &options(8 << 10));
    assert!(!unborn.exists());
    append(&journal, 3..4);
    close(journal);
    assert_eq!(intact(dir.path()), []);
    assert_eq!(event_ids(dir.path()), (0..4).map(event_id).collect::<Vec<_>>());
}

#[test]
fn damage_does_not_keep_a_journal_from_opening_and_stays_as_it_is() {
    let (_dir, image) = interrupted();
    let stream = streams(&image)[1];
    let all = frames(&image);
    let path = segment(&image, stream, 1);
    let broken = all[all.len() - 2].offset() + 200;
    OpenOptions::new().write(true).open(&path).unwrap().write_all_at(b"?", broken).unwrap();
    let damaged = fs::read(&path).unwrap();
    let opened = Journal::open(&image, &JournalOptions::default(), &key(), "node-1", NOW).unwrap();
    assert!(matches!(opened.notes[..], [OpenNote::Damaged { segment: 1, .. }]), "{:?}", opened.notes);
    append(&opened.journal, 100..101);
    close(opened.journal);
    assert_eq!(fs::read(&path).unwrap(), damaged);
    let report = check(&image);
    assert_eq!(report.findings.iter().filter(|finding| !finding.is_note()).count(), 1);
}

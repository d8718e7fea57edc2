//! Power cuts where records count once they are written: sectors reach the disk in any order, so that some are missing before
//! frames that are whole.

use std::fs;
use std::path::{Path, PathBuf};

use strongroom_journal::{
    Durability, FindingKind, FrameFault, Journal, JournalOptions, OpenNote, Reader, SealedFrame, StreamId,
};
use tempfile::TempDir;

use crate::fixture::{
    NOW, append, check, close, copy, directory, event_id, frames, intact, keeper, key, open, options,
    runtime, segment, streams,
};

const SECTOR: usize = 512;
const RECORDS: u64 = 6;

fn written() -> JournalOptions {
    JournalOptions { durability: Durability::Written, ..options(8 << 10) }
}

/// A journal as a crash has left it after some records, of which a checkpoint saw the first `signed`.
fn interrupted(options: &JournalOptions, signed: u64) -> (TempDir, PathBuf) {
    let dir = directory();
    let live = dir.path().join("live");
    let journal = open(&live, options);
    append(&journal, 0..signed);
    if signed > 0 {
        keeper(&journal).checkpoint(NOW).unwrap();
    }
    append(&journal, signed..RECORDS);
    let image = dir.path().join("image");
    copy(&live, &image);
    drop(journal);
    (dir, image)
}

/// The sectors that hold frames of a stream, and no header.
fn sectors(dir: &Path, stream: StreamId) -> Vec<usize> {
    let end = frames(dir)
        .into_iter()
        .filter(|frame| frame.stream() == stream)
        .map(|frame| frame.offset() + frame.length() as u64);
    (1..(end.max().unwrap() as usize).div_ceil(SECTOR)).collect()
}

fn lose(path: &Path, bytes: &[u8], lost: &[usize]) {
    let mut left = bytes.to_vec();
    for sector in lost {
        left[sector * SECTOR..(sector + 1) * SECTOR].fill(0);
    }
    fs::write(path, left).unwrap();
}

/// Numbers of the records that can be read, damage passed over.
fn readable(dir: &Path) -> Vec<u64> {
    let records = Reader::open(dir).unwrap().records(None).unwrap().flatten();
    let ids: Vec<_> = records.map(|(_, record)| record.event_id).collect();
    (0..200).filter(|&number| ids.contains(&event_id(number))).collect()
}

fn kinds(dir: &Path) -> Vec<FindingKind> {
    check(dir).findings.into_iter().map(|finding| finding.kind).collect()
}

#[test]
fn any_sectors_that_are_missing_are_told_from_damage() {
    let (dir, image) = interrupted(&written(), 0);
    let stream = streams(&image)[0];
    let all = frames(&image);
    let path = segment(&image, stream, 1);
    let bytes = fs::read(&path).unwrap();
    let sectors = sectors(&image, stream);
    assert!((4..=8).contains(&sectors.len()), "{sectors:?}");
    let work = dir.path().join("work");
    for missing in 1_u32..1 << sectors.len() {
        let lost: Vec<_> = sectors
            .iter()
            .enumerate()
            .filter(|(index, _)| missing & 1 << index != 0)
            .map(|(_, sector)| *sector)
            .collect();
        lose(&path, &bytes, &lost);
        let is_whole = |frame: &&SealedFrame| {
            let (first, last) =
                (frame.offset() as usize / SECTOR, (frame.offset() as usize + frame.length() - 1) / SECTOR);
            (first..=last).all(|sector| !lost.contains(&sector))
        };
        let whole: Vec<_> = all.iter().filter(is_whole).map(SealedFrame::first_record).collect();
        let gap = (0..).zip(&whole).any(|(place, &frame)| place != frame);
        let context = format!("sectors {lost:?}");

        let notes = intact(&image);
        // At the end it may be more than one frame that is cut short.
        let unflushed = notes.contains(&FindingKind::Unflushed);
        assert!(unflushed || !gap, "{context}: {notes:?}");
        assert_eq!(readable(&image), whole, "{context}");

        copy(&image, &work);
        let left = fs::read(segment(&work, stream, 1)).unwrap();
        let opened = Journal::open(&work, &written(), &key(), "node-1", NOW).unwrap();
        let is_noted = opened.notes.iter().any(|note| matches!(note, OpenNote::Unflushed { segment: 1, .. }));
        assert_eq!(is_noted, unflushed, "{context}: {:?}", opened.notes);
        assert!(!opened.notes.iter().any(|note| matches!(note, OpenNote::Damaged { .. })), "{context}");
        append(&opened.journal, 100..101);
        close(opened.journal);
        if unflushed {
            assert_eq!(fs::read(segment(&work, stream, 1)).unwrap(), left, "{context}");
        }
        assert!(intact(&work).contains(&FindingKind::NotClosed), "{context}");
        assert_eq!(readable(&work), [whole, vec![100]].concat(), "{context}");
        fs::remove_dir_all(&work).unwrap();
    }
}

#[test]
fn where_records_count_once_they_are_flushed_a_missing_sector_is_damage() {
    let (_dir, image) = interrupted(&options(8 << 10), 0);
    let path = segment(&image, streams(&image)[0], 1);
    lose(&path, &fs::read(&path).unwrap(), &[2]);
    assert!(!check(&image).is_intact());
    let opened = Journal::open(&image, &written(), &key(), "node-1", NOW).unwrap();
    assert!(matches!(opened.notes[..], [OpenNote::Damaged { .. }]), "{:?}", opened.notes);
}

#[test]
fn what_a_checkpoint_saw_was_on_the_disk() {
    let (_dir, image) = interrupted(&written(), 3);
    let all = frames(&image);
    let path = segment(&image, streams(&image)[0], 1);
    let bytes = fs::read(&path).unwrap();
    // Of the third record, which it saw; and of the fourth, which it did not.
    let within = |frame: usize| all[frame].offset() as usize / SECTOR + 1;
    lose(&path, &bytes, &[within(1)]);
    assert!(!check(&image).is_intact());
    lose(&path, &bytes, &[within(3)]);
    assert!(intact(&image).contains(&FindingKind::Unflushed));
}

#[test]
fn a_change_is_no_power_cut() {
    let (_dir, image) = interrupted(&written(), 0);
    let path = segment(&image, streams(&image)[0], 1);
    let mut bytes = fs::read(&path).unwrap();
    bytes[frames(&image)[2].offset() as usize + 250] ^= 1;
    fs::write(&path, bytes).unwrap();
    assert!(
        matches!(kinds(&image)[..], [FindingKind::Frame(FrameFault::Record(_) | FrameFault::Hash)]),
        "{:?}",
        kinds(&image)
    );
}

#[test]
fn what_was_whole_when_the_next_stream_began_was_on_the_disk() {
    let (_dir, image) = interrupted(&written(), 0);
    // Killed, not cut off from its power: the next start finds everything.
    close(Journal::open(&image, &written(), &key(), "node-1", NOW).unwrap().journal);
    assert_eq!(intact(&image), [FindingKind::NotClosed]);
    let path = segment(&image, streams(&image)[0], 1);
    lose(&path, &fs::read(&path).unwrap(), &[2]);
    assert!(kinds(&image).contains(&FindingKind::MissingLater), "{:?}", kinds(&image));
    assert!(!check(&image).is_intact());
}

#[test]
fn what_was_closed_was_on_the_disk() {
    let dir = directory();
    let journal = open(dir.path(), &written());
    append(&journal, 0..RECORDS);
    close(journal);
    let path = segment(dir.path(), streams(dir.path())[0], 1);
    lose(&path, &fs::read(&path).unwrap(), &[2]);
    assert!(kinds(dir.path()).contains(&FindingKind::MissingLater), "{:?}", kinds(dir.path()));
    assert!(!check(dir.path()).is_intact());
}

/// Only the last segment was not flushed as a whole.
#[test]
fn segments_before_the_last_were_on_the_disk() {
    let dir = directory();
    let live = dir.path().join("live");
    let journal = open(&live, &written());
    append(&journal, 0..40);
    let image = dir.path().join("image");
    copy(&live, &image);
    runtime().block_on(journal.close()).unwrap();
    let stream = streams(&image)[0];
    assert!(segment(&image, stream, 2).exists());
    let path = segment(&image, stream, 1);
    lose(&path, &fs::read(&path).unwrap(), &[2]);
    assert!(!check(&image).is_intact());
}

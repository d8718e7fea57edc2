//! Compressed segments: read, looked up and verified as if they were plain, and damage to them named.

use std::fs::{self, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use strongroom_journal::{
    FindingKind, FrameFault, HeaderFault, Reader, Record, Segment, SegmentId, StreamId,
};
use tempfile::TempDir;

use crate::fixture::{
    append, append_together, check, close, compress_all, copy, directory, event_ids, frames, intact, open,
    options, record, records_in, runtime, segment,
};

fn packed(dir: &Path, stream: StreamId, number: u32) -> PathBuf {
    dir.join(stream.to_string()).join(format!("{number:06}.seg.zst"))
}

/// A journal of a closed stream of several segments and an open one, as it was and with all that is closed compressed.
fn both_forms() -> (TempDir, PathBuf, PathBuf) {
    let dir = directory();
    let live = dir.path().join("live");
    let journal = open(&live, &options(96 << 10));
    append(&journal, 0..50);
    for first in (50..2450).step_by(60) {
        append_together(&journal, first..first + 60);
    }
    close(journal);
    let journal = open(&live, &options(96 << 10));
    append(&journal, 2450..2460);
    let plain = dir.path().join("plain");
    copy(&live, &plain);
    assert!(compress_all(&journal) >= 3);
    let image = dir.path().join("image");
    copy(&live, &image);
    drop(journal);
    (dir, plain, image)
}

fn all_segments(dir: &Path) -> Vec<Segment> {
    let reader = Reader::open(dir).unwrap();
    reader.segments().unwrap().iter().map(|listed| reader.segment(listed.id).unwrap().unwrap()).collect()
}

#[test]
fn what_is_closed_is_compressed_and_nothing_else() {
    let (_dir, plain, image) = both_forms();
    let listed = Reader::open(&image).unwrap().segments().unwrap();
    assert_eq!(listed, Reader::open(&plain).unwrap().segments().unwrap());
    let (open, closed) = listed.split_last().unwrap();
    assert!(!open.is_closed && closed.iter().all(|listed| listed.is_closed));
    assert!(segment(&image, open.id.stream, open.id.number).exists());
    for SegmentId { stream, number } in closed.iter().map(|listed| listed.id) {
        assert!(!segment(&image, stream, number).exists());
        let (before, after) = (segment(&plain, stream, number), packed(&image, stream, number));
        let (before, after) = (fs::read(before).unwrap(), fs::read(after).unwrap());
        assert!(after.len() < before.len() * 2 / 3, "{} of {}", after.len(), before.len());
        // Any reader of zstd gives back the bytes that the chain is over.
        assert_eq!(zstd::decode_all(&after[..]).unwrap(), before);
    }
}

#[test]
fn everything_reads_the_same_in_either_form() {
    let (_dir, plain, image) = both_forms();
    assert_eq!(intact(&image), []);
    let (as_plain, as_packed) = (check(&plain), check(&image));
    assert_eq!((as_plain.records, as_plain.frames), (as_packed.records, as_packed.frames));
    assert_eq!(event_ids(&plain), event_ids(&image));
    let newest_first = |dir: &Path| -> Vec<_> {
        Reader::open(dir).unwrap().records_newest_first(None).unwrap().map(Result::unwrap).collect()
    };
    assert_eq!(newest_first(&plain), newest_first(&image));
    assert_eq!(newest_first(&image).len(), 2460);
}

#[test]
fn one_frame_is_read_by_its_place() {
    let (_dir, plain, image) = both_forms();
    let mut seen = 0;
    for (plain, packed) in all_segments(&plain).iter().zip(all_segments(&image)) {
        assert_eq!(plain.first_record(), packed.first_record());
        let places: Vec<_> = plain.frames(0).unwrap().map(|frame| frame.unwrap().offset()).collect();
        for &offset in places.iter().rev() {
            let (one, other) = (plain.frame(offset).unwrap(), packed.frame(offset).unwrap());
            let records = |frame: &strongroom_journal::SealedFrame| -> Vec<Record> {
                frame.decoded().map(|(_, record)| record.unwrap()).collect()
            };
            assert_eq!(records(&one), records(&other));
            seen += one.count();
        }
        let behind = places.get(1).copied().unwrap_or(0);
        let resumed: Vec<_> = packed.frames(behind).unwrap().map(|frame| frame.unwrap().offset()).collect();
        assert_eq!(resumed, places[usize::from(behind > 0)..]);
        assert!(packed.frame(17).is_err());
    }
    assert_eq!(seen, 2460);
}

#[test]
fn a_segment_stays_readable_while_it_is_compressed() {
    let dir = directory();
    let journal = open(dir.path(), &options(4096));
    append(&journal, 0..22);
    let reader = journal.reader();
    let first = reader.segments().unwrap()[0];
    let held = reader.segment(first.id).unwrap().unwrap();
    assert!(compress_all(&journal) > 0);
    let ids: Vec<_> = held
        .frames(0)
        .unwrap()
        .flat_map(|frame| {
            let frame = frame.unwrap();
            frame.decoded().map(|(_, record)| record.unwrap().event_id).collect::<Vec<_>>()
        })
        .collect();
    assert_eq!(ids, event_ids(dir.path())[..ids.len()]);
    assert!(!ids.is_empty());
    // The journal goes on, in the same stream.
    runtime().block_on(journal.append(&record(22))).unwrap();
    assert_eq!(compress_all(&journal), 0);
    close(journal);
    assert_eq!(intact(dir.path()), []);
    assert_eq!(event_ids(dir.path()).len(), 23);
}

/// A crash between the new file's name and the old one's removal.
#[test]
fn both_forms_at_once_are_one_segment_and_are_finished() {
    let (_dir, plain, image) = both_forms();
    let stream = Reader::open(&image).unwrap().streams().unwrap()[0];
    fs::copy(segment(&plain, stream, 1), segment(&image, stream, 1)).unwrap();
    // What a crash left of another.
    let unfinished = image.join(stream.to_string()).join("000002.seg.zst.new");
    fs::write(&unfinished, b"half").unwrap();
    // The plain one counts, whatever is in the other.
    fs::write(packed(&image, stream, 1), b"half").unwrap();
    assert_eq!(intact(&image), []);
    assert_eq!(event_ids(&image).len(), 2460);
    let journal = open(&image, &options(96 << 10));
    assert!(compress_all(&journal) >= 1);
    assert!(!segment(&image, stream, 1).exists());
    close(journal);
    assert_eq!(event_ids(&image).len(), 2460);
    assert!(check(&image).is_intact());
}

#[test]
fn a_damaged_block_is_named_with_the_first_record_it_held() {
    let (_dir, _plain, image) = both_forms();
    let stream = Reader::open(&image).unwrap().streams().unwrap()[0];
    let path = packed(&image, stream, 1);
    let file = OpenOptions::new().write(true).open(&path).unwrap();
    let intact_frames = frames(&image);
    // Within the first block of the first segment.
    file.write_all_at(&[0x55; 8], 1000).unwrap();
    let report = check(&image);
    let first = report.first_break().unwrap();
    assert_eq!((first.stream, first.segment), (Some(stream), Some(1)), "{first}");
    let block = FindingKind::Decompression { first: 0, last: 64 * 1024 - 1 };
    assert!(report.findings.iter().any(|finding| finding.kind == block), "{:?}", report.findings);
    // What stands behind that block, and in other segments, is still read.
    let left = Reader::open(&image).unwrap().frames(None).unwrap().flatten().count();
    let lost = intact_frames
        .iter()
        .filter(|frame| frame.stream() == stream && frame.segment() == 1 && frame.offset() < 64 * 1024)
        .count();
    assert!(intact_frames.iter().any(|frame| frame.segment() == 1 && frame.offset() > 64 * 1024));
    assert_eq!(left, intact_frames.len() - lost);
}

#[test]
fn a_table_that_does_not_fit_is_named() {
    let (_dir, _plain, image) = both_forms();
    let stream = Reader::open(&image).unwrap().streams().unwrap()[0];
    let path = packed(&image, stream, 2);
    let bytes = fs::read(&path).unwrap();
    let first_kind = |bytes: &[u8]| {
        fs::write(&path, bytes).unwrap();
        check(&image).first_break().unwrap().kind.clone()
    };
    let header = FindingKind::SegmentHeader;
    assert_eq!(first_kind(&bytes[..bytes.len() - 1]), header(HeaderFault::Compressed));
    assert_eq!(first_kind(&bytes[..20]), header(HeaderFault::Short));
    assert_eq!(first_kind(&[1; 600]), header(HeaderFault::Magic));
    let mut later = bytes.clone();
    later[16] = 9;
    assert_eq!(first_kind(&later), header(HeaderFault::Format(9)));
    fs::write(&path, &bytes).unwrap();
    assert_eq!(intact(&image), []);
}

#[test]
fn a_compressed_segment_of_another_place_is_found() {
    let (_dir, _plain, image) = both_forms();
    let stream = Reader::open(&image).unwrap().streams().unwrap()[0];
    fs::copy(packed(&image, stream, 1), packed(&image, stream, 2)).unwrap();
    let kind = check(&image).first_break().unwrap().kind.clone();
    assert_eq!(kind, FindingKind::SegmentMisplaced { stream, number: 1 });
    fs::remove_file(packed(&image, stream, 2)).unwrap();
    let kind = check(&image).first_break().unwrap().kind.clone();
    assert_eq!(kind, FindingKind::SegmentsMissing { first: 2, last: 2 });
}

#[test]
fn recompressed_bytes_that_were_changed_are_found() {
    let (_dir, plain, image) = both_forms();
    let stream = Reader::open(&image).unwrap().streams().unwrap()[0];
    let frame = frames(&plain).swap_remove(0);
    // Whoever can compress anew, but has no key: a byte of the first record changed.
    let mut bytes = fs::read(segment(&plain, stream, 1)).unwrap();
    let start = frame.offset() as usize;
    let at = start + records_in(&bytes[start..])[0].end - 1;
    bytes[at] ^= 1;
    fs::write(segment(&image, stream, 1), bytes).unwrap();
    let journal = open(&image, &options(96 << 10));
    compress_all(&journal);
    close(journal);
    let report = check(&image);
    let finding = report.first_break().unwrap();
    assert_eq!(finding.kind, FindingKind::Frame(FrameFault::Record(0)));
    assert_eq!(
        (finding.stream, finding.frame, finding.record),
        (Some(stream), Some(frame.sequence()), Some(0))
    );
}

/// Whatever is done to the file: an answer, no panic, and never the wrong records.
#[test]
fn arbitrary_files_are_judged() {
    let (dir, _plain, image) = both_forms();
    let stream = Reader::open(&image).unwrap().streams().unwrap()[0];
    let expected = event_ids(&image);
    let path = packed(&image, stream, 1);
    let original = fs::read(&path).unwrap();
    let any_damage = (
        any::<prop::sample::Index>(),
        prop::collection::vec(any::<u8>(), 1..64),
        prop::option::of(any::<prop::sample::Index>()),
    );
    let judged = TestRunner::new(ProptestConfig::with_cases(24)).run(&any_damage, |(at, noise, cut)| {
        let mut bytes = original.clone();
        let at = at.index(bytes.len());
        let end = bytes.len().min(at + noise.len());
        bytes[at..end].copy_from_slice(&noise[..end - at]);
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        fs::write(&path, &bytes).unwrap();
        prop_assert_eq!(check(&image).is_intact(), bytes == original);
        for (_, record) in Reader::open(&image).unwrap().records(None).unwrap().flatten() {
            prop_assert!(expected.contains(&record.event_id));
        }
        Ok(())
    });
    judged.unwrap();
    drop(dir);
}

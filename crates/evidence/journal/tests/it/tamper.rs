//! Tampering, and how verification names it.

use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use strongroom_crypto::digest::sha256;
use strongroom_journal::{
    Finding, FindingKind, FrameFault, HeaderFault, Reader, SealedFrame, StreamId, Trust, verify,
};
use tempfile::TempDir;

use crate::fixture::{
    append, append_together, check, close, copy, directory, event_id, forge, frames, intact, open, options,
    records_in, seal, segment, streams,
};

// The layout of a frame.
const FRAME_HEADER: usize = 88;
const ENTRY: usize = 36;

/// A journal of two streams: one closed, and one that still is open, copied as it stands.
fn image(segment_bytes: u64, closed: u64, together: u64, alone: u64) -> (TempDir, PathBuf) {
    let dir = directory();
    let live = dir.path().join("live");
    let journal = open(&live, &options(segment_bytes));
    append(&journal, 0..closed);
    close(journal);
    let journal = open(&live, &options(segment_bytes));
    append_together(&journal, closed..closed + together);
    append(&journal, closed + together..closed + together + alone);
    let image = dir.path().join("image");
    copy(&live, &image);
    drop(journal);
    (dir, image)
}

fn first_break(dir: &Path) -> Finding {
    check(dir).first_break().expect("not found").clone()
}

fn breaks(dir: &Path) -> Vec<FindingKind> {
    let report = check(dir);
    report.findings.into_iter().filter(|finding| !finding.is_note()).map(|finding| finding.kind).collect()
}

#[test]
fn an_untouched_image_is_intact() {
    let (_dir, image) = image(4096, 4, 5, 2);
    assert_eq!(intact(&image), []);
}

#[test]
fn every_flipped_byte_is_found_and_its_place_named() {
    let (_dir, image) = image(4096, 2, 4, 1);
    let all = frames(&image);
    for stream in streams(&image) {
        let path = segment(&image, stream, 1);
        let bytes = fs::read(&path).unwrap();
        let file = OpenOptions::new().write(true).open(&path).unwrap();
        let used = bytes.iter().rposition(|&byte| byte != 0).unwrap();
        for (at, &byte) in bytes.iter().enumerate() {
            file.write_all_at(&[byte ^ 1 << (at % 8)], at as u64).unwrap();
            let report = check(&image);
            let frame = all.iter().find(|frame| {
                frame.stream() == stream
                    && (frame.offset()..frame.offset() + frame.length() as u64).contains(&(at as u64))
            });
            let context = |finding: &Finding| format!("byte {at}: {finding}");
            if at > used {
                // No record is there, but nothing may be there either.
                let finding = &report.findings[0];
                assert_eq!(
                    (finding.stream, finding.segment),
                    (Some(stream), Some(1)),
                    "{}",
                    context(finding)
                );
                assert!(finding.offset.unwrap() <= at as u64);
            } else {
                let finding = report.first_break().unwrap_or_else(|| panic!("byte {at} was not noticed"));
                assert_eq!(
                    (finding.stream, finding.segment),
                    (Some(stream), Some(1)),
                    "{}",
                    context(finding)
                );
                match frame {
                    Some(frame) => names_the_place(finding, frame, &bytes, at as u64),
                    None if at < 512 => assert_eq!(finding.offset, Some(0), "{}", context(finding)),
                    None => assert_eq!(finding.frame, Some(2), "the end frame: {}", context(finding)),
                }
            }
            // Reading goes on around it.
            if at % 16 == 0 {
                let reader = Reader::open(&image).unwrap();
                let read = reader.records(None).unwrap().flatten().count();
                assert!(read >= 3, "byte {at}: {read} records left");
                assert!(reader.records_newest_first(None).unwrap().flatten().count() >= 3);
            }
            file.write_all_at(&[byte], at as u64).unwrap();
        }
    }
    assert_eq!(intact(&image), []);
}

/// `bytes` are the segment's, as they were.
fn names_the_place(finding: &Finding, frame: &SealedFrame, bytes: &[u8], at: u64) {
    let offset = finding.offset.unwrap();
    assert_eq!(finding.frame, Some(frame.sequence()), "byte {at}: {finding}");
    let records: Vec<_> = records_in(&bytes[frame.offset() as usize..])
        .into_iter()
        .map(|range| frame.offset() + range.start as u64..frame.offset() + range.end as u64)
        .collect();
    let table = frame.offset() + (FRAME_HEADER + ENTRY * (1 + records.len())) as u64;
    if (table..records[0].start).contains(&at) {
        // What all records of the frame share: the first is named.
        assert_eq!(finding.kind, FindingKind::Frame(FrameFault::Record(0)));
        assert_eq!((finding.record, offset), (Some(frame.first_record()), records[0].start));
        return;
    }
    assert!(
        (frame.offset()..=at).contains(&offset)
            || matches!(finding.kind, FindingKind::Frame(FrameFault::Hash | FrameFault::EndMark)),
        "byte {at}: {finding}"
    );
    for (index, range) in (0..).zip(records) {
        let record = frame.record(index).unwrap().unwrap();
        if range.contains(&at) {
            let start = range.start;
            assert_eq!(finding.kind, FindingKind::Frame(FrameFault::Record(index)));
            assert_eq!((finding.record, offset), (Some(frame.first_record() + u64::from(index)), start));
            // The id is named unless the id itself, or what leads to it, was hit.
            if at >= start + 19 && finding.event_id.is_some() {
                assert_eq!(finding.event_id, Some(record.event_id));
            }
            return;
        }
    }
    assert_eq!(finding.record, Some(frame.first_record()), "byte {at}: {finding}");
}

#[test]
fn a_record_altered_in_its_text_is_named_with_its_event() {
    let (_dir, image) = image(4096, 4, 5, 2);
    let stream = streams(&image)[1];
    let path = segment(&image, stream, 1);
    let mut bytes = fs::read(&path).unwrap();
    // The third record of the stream, in whichever frame it came to be.
    let holds =
        |frame: &SealedFrame| frame.stream() == stream && frame.first_record() + u64::from(frame.count()) > 2;
    let frame = frames(&image).into_iter().find(holds).unwrap();
    let start = frame.offset() as usize;
    let at = start + records_in(&bytes[start..])[2 - frame.first_record() as usize].end - 1;
    bytes[at] ^= 1;
    fs::write(&path, bytes).unwrap();
    let report = check(&image);
    assert_eq!(report.findings.len(), 1);
    let finding = report.first_break().unwrap();
    assert_eq!((finding.record, finding.event_id), (Some(2), Some(event_id(6))));
    assert_eq!(finding.segment_file().unwrap(), "000001.seg");
    let text = finding.to_string();
    assert!(text.contains(&event_id(6).to_string()) && text.contains("is altered"), "{text}");
}

/// Who recomputes every hash of a frame still lacks the key.
#[test]
fn a_forged_frame_with_right_hashes_is_found_by_its_mac() {
    let (_dir, image) = image(4096, 4, 5, 2);
    let frame = &frames(&image)[2];
    let path = segment(&image, frame.stream(), 1);
    let mut bytes = fs::read(&path).unwrap();
    forge(&mut bytes[frame.offset() as usize..][..frame.length()]);
    fs::write(&path, bytes).unwrap();
    let report = check(&image);
    let finding = report.first_break().unwrap();
    assert_eq!((&finding.kind, finding.frame), (&FindingKind::FrameMac, Some(2)));
    assert_eq!(finding.event_id, Some(event_id(2)));
    assert_eq!(report.records, 10, "all others are as written");
    // Even without the key, the next frame does not continue this one.
    let report = verify(&image, &Trust::seal(|_| None, |_| None), |_| {}).unwrap();
    let chain = report.findings.iter().find(|finding| finding.kind == FindingKind::Chain).unwrap();
    assert_eq!((chain.stream, chain.frame), (Some(frame.stream()), Some(3)));
}

#[test]
fn a_forged_segment_header_is_found_by_its_mac() {
    let (_dir, image) = image(4096, 4, 5, 2);
    let path = segment(&image, streams(&image)[0], 1);
    let mut bytes = fs::read(&path).unwrap();
    bytes[56] ^= 1;
    let hash = sha256(&bytes[..448]);
    bytes[448..480].copy_from_slice(&hash);
    fs::write(&path, bytes).unwrap();
    assert_eq!(first_break(&image).kind, FindingKind::SegmentMac);
}

/// Writes a segment anew, with these of its frames in this order.
fn arrange(dir: &Path, stream: StreamId, order: &[usize]) {
    let path = segment(dir, stream, 1);
    let bytes = fs::read(&path).unwrap();
    let frames: Vec<_> = frames(dir).into_iter().filter(|frame| frame.stream() == stream).collect();
    let mut arranged = bytes[..512].to_vec();
    for &index in order {
        let frame = &frames[index];
        arranged.extend_from_slice(&bytes[frame.offset() as usize..][..frame.length()]);
    }
    arranged.resize(arranged.len().max(bytes.len()), 0);
    fs::write(path, arranged).unwrap();
}

#[test]
fn removed_repeated_and_moved_frames_are_found() {
    let missing = |first, last| FindingKind::FramesMissing { first, last };
    for (order, expected) in [
        (vec![1, 2, 3, 4, 5], vec![missing(0, 0)]),
        (vec![0, 2, 3, 4, 5], vec![missing(1, 1)]),
        (vec![0, 1, 5], vec![missing(2, 4)]),
        (vec![0, 1, 1, 2, 3, 4, 5], vec![FindingKind::FrameMisplaced]),
        (vec![0, 2, 1, 3, 4, 5], vec![missing(1, 1), FindingKind::FrameMisplaced]),
        (vec![5, 4], vec![missing(0, 4), FindingKind::FrameMisplaced]),
    ] {
        let (_dir, image) = image(8192, 4, 0, 6);
        let stream = streams(&image)[1];
        assert_eq!(frames(&image).iter().filter(|frame| frame.stream() == stream).count(), 6);
        arrange(&image, stream, &order);
        assert_eq!(breaks(&image), expected, "{order:?}");
    }
}

/// What a chain alone cannot show: the newest stream's last frames were never there.
#[test]
fn a_cut_at_a_frames_end_of_the_newest_stream_is_not_visible() {
    let (_dir, image) = image(8192, 4, 0, 6);
    arrange(&image, streams(&image)[1], &[0, 1, 2]);
    assert_eq!(intact(&image), []);
}

#[test]
fn a_frame_of_another_stream_is_not_this_streams() {
    let (_dir, image) = image(8192, 4, 0, 6);
    let all = frames(&image);
    let [first, second] = streams(&image)[..] else { panic!("two streams") };
    let theirs = all.iter().find(|frame| frame.stream() == first && frame.sequence() == 3).unwrap();
    let ours = all.iter().find(|frame| frame.stream() == second && frame.sequence() == 3).unwrap();
    assert_eq!(theirs.length(), ours.length());
    let mut bytes = vec![0; theirs.length()];
    File::open(segment(&image, first, 1)).unwrap().read_exact_at(&mut bytes, theirs.offset()).unwrap();
    let file = OpenOptions::new().write(true).open(segment(&image, second, 1)).unwrap();
    file.write_all_at(&bytes, ours.offset()).unwrap();
    let finding = first_break(&image);
    assert_eq!((finding.kind, finding.frame), (FindingKind::FrameMac, Some(3)));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Any arrangement of a stream's frames but a beginning of the true one is found.
    #[test]
    fn any_arrangement_is_found(order in prop::collection::vec(0..6_usize, 0..8)) {
        let (_dir, image) = image(8192, 2, 0, 6);
        arrange(&image, streams(&image)[1], &order);
        let beginning = order.iter().copied().eq(0..order.len());
        prop_assert_eq!(check(&image).is_intact(), beginning);
    }

    /// Whatever bytes lie where a segment should be: an answer, no panic.
    #[test]
    fn arbitrary_segments_are_judged(
        at in 0..2000_usize,
        noise in prop::collection::vec(any::<u8>(), 1..600),
        length in 0..5000_usize,
    ) {
        let (_dir, image) = image(4096, 4, 5, 2);
        let path = segment(&image, streams(&image)[0], 1);
        let mut bytes = fs::read(&path).unwrap();
        let original = bytes.clone();
        bytes.resize(length, 0);
        bytes.splice(at.min(length)..(at + noise.len()).min(length), noise);
        fs::write(&path, &bytes).unwrap();
        prop_assert_eq!(check(&image).is_intact(), bytes == original);
        let _ = Reader::open(&image).unwrap().records(None).unwrap().count();
    }
}

/// Four or more segments in one closed stream, and a stream after it.
fn segments() -> (TempDir, PathBuf, StreamId) {
    let dir = directory();
    let journal_dir = dir.path().join("journal");
    let journal = open(&journal_dir, &options(4096));
    append(&journal, 0..40);
    let stream = journal.stream();
    close(journal);
    let journal = open(&journal_dir, &options(4096));
    append(&journal, 40..42);
    close(journal);
    assert!(segment(&journal_dir, stream, 5).exists());
    assert_eq!(intact(&journal_dir), []);
    (dir, journal_dir, stream)
}

#[test]
fn a_missing_segment_is_found() {
    let (_dir, journal, stream) = segments();
    fs::remove_file(segment(&journal, stream, 2)).unwrap();
    fs::remove_file(segment(&journal, stream, 3)).unwrap();
    let finding = first_break(&journal);
    assert_eq!(finding.kind, FindingKind::SegmentsMissing { first: 2, last: 3 });
    assert_eq!(breaks(&journal).len(), 1);
    let (_dir, journal, stream) = segments();
    fs::remove_file(segment(&journal, stream, 1)).unwrap();
    assert_eq!(breaks(&journal), [FindingKind::SegmentsMissing { first: 1, last: 1 }]);
}

#[test]
fn swapped_segments_are_found() {
    let (_dir, journal, stream) = segments();
    let (second, third) = (segment(&journal, stream, 2), segment(&journal, stream, 3));
    let spare = journal.join("spare");
    fs::rename(&second, &spare).unwrap();
    fs::rename(&third, &second).unwrap();
    fs::rename(&spare, &third).unwrap();
    let misplaced = |number| FindingKind::SegmentMisplaced { stream, number };
    assert_eq!(breaks(&journal), [misplaced(3), misplaced(2)]);
}

#[test]
fn a_cut_segment_that_is_not_the_last_is_found() {
    let (_dir, journal, stream) = segments();
    let all = frames(&journal);
    let last = all.iter().rfind(|frame| frame.segment() == 2 && frame.stream() == stream).unwrap();
    let file = OpenOptions::new().write(true).open(segment(&journal, stream, 2)).unwrap();
    // Within the frame.
    file.set_len(last.offset() + 100).unwrap();
    let finding = first_break(&journal);
    assert_eq!(finding.kind, FindingKind::Frame(FrameFault::Incomplete));
    assert_eq!(
        (finding.segment, finding.offset, finding.frame),
        (Some(2), Some(last.offset()), Some(last.sequence()))
    );
    // At its beginning: the next segment tells.
    file.set_len(last.offset()).unwrap();
    let finding = first_break(&journal);
    let missing = last.sequence();
    assert_eq!(finding.kind, FindingKind::FramesMissing { first: missing, last: missing });
    assert_eq!(breaks(&journal).len(), 1);
}

#[test]
fn anything_behind_an_end_is_found() {
    let (_dir, journal, stream) = segments();
    for number in [2, 5] {
        let path = segment(&journal, stream, number);
        let bytes = fs::read(&path).unwrap();
        let file = OpenOptions::new().write(true).open(&path).unwrap();
        file.set_len(bytes.len() as u64 + 600).unwrap();
        let finding = first_break(&journal);
        assert_eq!((finding.kind, finding.offset), (FindingKind::BehindEnd, Some(bytes.len() as u64)));
        file.set_len(bytes.len() as u64).unwrap();
    }
    assert_eq!(intact(&journal), []);
}

#[test]
fn the_end_of_a_stream_is_pinned_by_the_next_one() {
    let (_dir, journal, stream) = segments();
    let frames = check(&journal).frames;
    let last = *segments_of(&journal, stream).last().unwrap();
    fs::remove_file(segment(&journal, stream, last)).unwrap();
    let finding = first_break(&journal);
    assert!(matches!(finding.kind, FindingKind::StreamCut { frames: all } if all < frames), "{finding}");
    assert_eq!(finding.stream, Some(stream));
}

fn segments_of(journal: &Path, stream: StreamId) -> Vec<u32> {
    (1..1000).take_while(|&number| segment(journal, stream, number).exists()).collect()
}

#[test]
fn a_missing_or_misplaced_stream_is_found() {
    let (_dir, journal, stream) = segments();
    let away = journal.join("away");
    fs::rename(journal.join(stream.to_string()), &away).unwrap();
    let finding = first_break(&journal);
    assert_eq!((finding.kind, finding.stream), (FindingKind::StreamMissing, Some(stream)));
    // Under another name it belongs nowhere.
    fs::rename(&away, journal.join("00000000000100000000000000000000")).unwrap();
    assert!(matches!(first_break(&journal).kind, FindingKind::SegmentMisplaced { .. }));
    // A stream of another journal with the same key.
    let (_other_dir, other, stranger) = segments();
    copy(&other.join(stranger.to_string()), &journal.join(stranger.to_string()));
    assert!(!check(&journal).is_intact());
}

#[test]
fn a_file_that_is_no_segment_is_named_so() {
    let (_dir, journal, stream) = segments();
    fs::write(segment(&journal, stream, 2), b"short").unwrap();
    assert_eq!(first_break(&journal).kind, FindingKind::SegmentHeader(HeaderFault::Short));
    fs::write(segment(&journal, stream, 2), [1; 600]).unwrap();
    assert_eq!(first_break(&journal).kind, FindingKind::SegmentHeader(HeaderFault::Magic));
}

#[test]
fn what_does_not_belong_to_the_journal_is_noted() {
    let (_dir, journal, stream) = segments();
    fs::write(journal.join("notes.txt"), b"").unwrap();
    fs::write(journal.join(stream.to_string()).join("7.seg"), b"").unwrap();
    let notes = intact(&journal);
    assert_eq!(notes.len(), 2);
    assert!(notes.iter().all(|note| matches!(note, FindingKind::Stranger(_))));
}

#[test]
fn verification_reports_its_progress() {
    let (_dir, journal, _) = segments();
    let mut seen = Vec::new();
    let report = verify(&journal, &seal(), |progress| {
        seen.push((progress.stream, progress.segment, progress.records));
    })
    .unwrap();
    assert_eq!(seen.len() as u64, report.segments);
    assert!(seen.is_sorted());
    assert_eq!((report.streams, report.records), (2, 42));
}

/// A frame that was written over in the middle announces more than is left of it: what was put in its place is found by
/// verification, and by reading.
#[test]
fn frames_inside_of_what_a_damaged_one_announces_are_read() {
    let (_dir, image) = image(8192, 8, 0, 1);
    let stream = streams(&image)[0];
    let path = segment(&image, stream, 1);
    let bytes = fs::read(&path).unwrap();
    let frames: Vec<_> = frames(&image).into_iter().filter(|frame| frame.stream() == stream).collect();
    // The header of the second frame stays; the third and fourth move up into it, and noise fills what they leave.
    let (second, third, fifth) =
        (frames[1].offset() as usize, frames[2].offset() as usize, frames[4].offset() as usize);
    let moved_to = second + FRAME_HEADER + 20;
    let mut damaged = bytes.clone();
    damaged[moved_to..fifth].fill(0x55);
    damaged[moved_to..moved_to + (fifth - third)].copy_from_slice(&bytes[third..fifth]);
    fs::write(&path, damaged).unwrap();
    assert!(!check(&image).is_intact());
    let read = |newest_first: bool| -> Vec<_> {
        let reader = Reader::open(&image).unwrap();
        let records = if newest_first { reader.records_newest_first(None) } else { reader.records(None) };
        records.unwrap().flatten().map(|(_, record)| record.event_id).collect()
    };
    let expected: Vec<_> = [0, 2, 3, 4, 5, 6, 7, 8].map(event_id).to_vec();
    assert_eq!(read(false), expected);
    assert_eq!(read(true), expected.into_iter().rev().collect::<Vec<_>>());
}

/// The same where it announces all up to the end, or zeros behind the last frame.
#[test]
fn frames_inside_of_what_a_damaged_one_announces_up_to_the_end_are_read() {
    let (_dir, image) = image(8192, 0, 0, 5);
    let stream = streams(&image)[1];
    let path = segment(&image, stream, 1);
    let bytes = fs::read(&path).unwrap();
    let frames = frames(&image);
    let (damaged, last) = (frames[3].offset() as usize, &frames[4]);
    let end = last.offset() as usize + last.length();
    for length in [end - damaged, end - damaged + 100, bytes.len() - damaged, bytes.len() - damaged + 8] {
        let mut altered = bytes.clone();
        altered[damaged + 8..damaged + 12].copy_from_slice(&(length as u32).to_le_bytes());
        fs::write(&path, altered).unwrap();
        assert!(!check(&image).is_intact());
        let reader = Reader::open(&image).unwrap();
        let read = |records: strongroom_journal::Records| -> Vec<_> {
            records.flatten().map(|(_, record)| record.event_id).collect()
        };
        let expected: Vec<_> = [0, 1, 2, 4].map(event_id).to_vec();
        assert_eq!(read(reader.records(None).unwrap()), expected, "{length}");
        let backward: Vec<_> = expected.into_iter().rev().collect();
        assert_eq!(read(reader.records_newest_first(None).unwrap()), backward, "{length}");
    }
}

//! Frames proved one by one, and what a proof says of those that are not there.

use std::fs;
use std::path::Path;

use strongroom_journal::{Proof, Reader, SealedFrame, Segment, SegmentId, StreamId, Verdict};
use strongroom_secret::Key256;

use crate::fixture::{append, close, directory, forge, key, open, options, segment, streams};

const NEXT: Verdict = Verdict::Genuine { missing: 0 };

/// Two streams, the first of them with a frame for each of so many records; both are closed.
fn journal(dir: &Path, records: u64) -> [StreamId; 2] {
    for count in [records, 1] {
        let journal = open(dir, &options(1 << 16));
        (0..count).for_each(|number| append(&journal, number..number + 1));
        close(journal);
    }
    streams(dir).try_into().unwrap()
}

fn first(dir: &Path, stream: StreamId) -> Segment {
    Reader::open(dir).unwrap().segment(SegmentId { stream, number: 1 }).unwrap().unwrap()
}

fn frames(dir: &Path, stream: StreamId) -> Vec<SealedFrame> {
    first(dir, stream).frames(0).unwrap().map(Result::unwrap).collect()
}

fn beginning(stream: StreamId) -> Proof {
    Proof::from_the_beginning(stream, &key()).unwrap()
}

#[test]
fn frames_that_are_not_there_are_counted() {
    let folder = directory();
    let [stream, _] = journal(folder.path(), 8);
    let frames = frames(folder.path(), stream);
    assert_eq!(frames.iter().position(SealedFrame::is_end), Some(8));
    let mut proof = beginning(stream);
    // What is before the first was old enough to go.
    assert_eq!(proof.judge(&frames[2]), NEXT);
    assert_eq!(proof.judge(&frames[3]), NEXT);
    assert_eq!(proof.judge(&frames[6]), Verdict::Genuine { missing: 2 });
    assert_eq!(proof.judge(&frames[3]), Verdict::Forged, "behind");
    let mut resumed = Proof::from_frame(stream, proof.frame(), proof.key()).unwrap();
    assert_eq!(resumed.judge(&frames[8]), Verdict::Genuine { missing: 1 });
}

#[test]
fn a_frame_that_somebody_altered_is_nobodys_and_moves_nothing() {
    let folder = directory();
    let [stream, _] = journal(folder.path(), 4);
    let honest = frames(folder.path(), stream);
    let path = segment(folder.path(), stream, 1);
    let mut bytes = fs::read(&path).unwrap();
    let (at, length) = (honest[1].offset() as usize, honest[1].length());
    forge(&mut bytes[at..at + length]);
    fs::write(&path, bytes).unwrap();
    let forged = frames(folder.path(), stream);
    let mut proof = beginning(stream);
    assert_eq!(proof.judge(&forged[0]), NEXT);
    assert_eq!(proof.judge(&forged[1]), Verdict::Forged);
    assert_eq!(proof.frame(), 1);
    assert_eq!(proof.judge(&honest[1]), NEXT);
}

#[test]
fn a_stream_is_behind_another_if_its_head_says_so_and_is_proved() {
    let folder = directory();
    let [one, two] = journal(folder.path(), 4);
    let head = first(folder.path(), two);
    assert!(beginning(two).begins(&head, one));
    assert!(!beginning(two).begins(&head, two));
    let other = Proof::from_the_beginning(two, &Key256::new([8; 32])).unwrap();
    assert!(!other.begins(&head, one), "another key");
    assert!(!beginning(one).begins(&first(folder.path(), one), two));
}

//! Journals that earlier versions wrote: they are read, verified and continued for ever.

use std::path::{Path, PathBuf};

use strongroom_journal::{KeeperOptions, Reader};
use tempfile::TempDir;

use crate::fixture::{
    NOW, append, check, checkpoint_key, close, compress_all, copy, directory, event_id, event_ids,
    full_record, intact, open, options, record,
};

fn golden(name: &str) -> (TempDir, PathBuf) {
    let dir = directory();
    let journal = dir.path().join("journal");
    copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata").join(name), &journal);
    (dir, journal)
}

/// Format 1 of segments and frames: a closed stream of two segments and one that was killed.
#[test]
fn a_journal_of_the_first_format_is_read_verified_and_continued() {
    let (_dir, journal) = golden("journal-1");
    assert_eq!(intact(&journal), []);
    let records: Vec<_> =
        Reader::open(&journal).unwrap().records(None).unwrap().map(|read| read.unwrap().1).collect();
    let expected: Vec<_> = (0..12).map(record).chain([full_record()]).chain((13..16).map(record)).collect();
    assert_eq!(records, expected);
    let continued = open(&journal, &options(4096));
    append(&continued, 16..20);
    compress_all(&continued);
    close(continued);
    assert!(intact(&journal).len() == 1, "the stream that was killed was not closed");
    assert_eq!(event_ids(&journal)[16..], (16..20).map(event_id).collect::<Vec<_>>());
}

/// Format 2 of frames and records, format 1 of compressed segments and of checkpoints: a stream whose first segment was
/// dropped, whose second is compressed, and one that was killed; the key of checkpoints was changed.
#[test]
fn a_kept_journal_of_the_second_format_is_read_verified_and_continued() {
    let (_dir, journal) = golden("journal-2");
    let report = check(&journal);
    assert!(report.is_intact(), "{:?}", report.findings);
    assert_eq!((report.checkpoints, report.newest_checkpoint), (4, Some((4, NOW + 75))));
    let first = report.begins.unwrap().record;
    let expected: Vec<_> =
        (first..42).map(record).chain([full_record()]).chain((43..75).map(record)).collect();
    let records = |journal: &Path| -> Vec<_> {
        Reader::open(journal).unwrap().records(None).unwrap().map(|read| read.unwrap().1).collect()
    };
    assert_eq!(records(&journal), expected);
    let continued = open(&journal, &options(4096));
    let key = KeeperOptions { key: checkpoint_key(2), keys_before: Vec::new(), copies: Vec::new() };
    let mut keeper = continued.keeper(key, NOW).unwrap();
    assert_eq!(keeper.missing_end().unwrap(), None);
    append(&continued, 75..76);
    assert_eq!(keeper.checkpoint(NOW + 76).unwrap().unwrap().number, 5);
    close(continued);
    assert!(check(&journal).is_intact());
    assert_eq!(records(&journal).last(), Some(&record(75)));
}

//! Journals that earlier versions wrote: they are read, verified and continued for ever.

use std::path::{Path, PathBuf};

use strongroom_journal::Reader;
use tempfile::TempDir;

use crate::fixture::{
    append, close, compress_all, copy, directory, event_id, event_ids, full_record, intact, open, options,
    record,
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

//! What a report says where there is much to report, little to go by, or a server at work.

use std::fs;
use std::path::{Path, PathBuf};

use strongroom_journal::{FindingKind, Journal, Report, SegmentId, Trust, verify};
use tempfile::TempDir;

use crate::fixture::{
    NOW, append, check, close, compress_all, directory, forge, frames, intact, keeper, open, options,
    public_key, records_in, segment, streams,
};

fn journal() -> (TempDir, PathBuf) {
    let dir = directory();
    let path = dir.path().join("journal");
    for stream in 0..2 {
        let journal = open(&path, &options(8192));
        append(&journal, stream * 3..stream * 3 + 3);
        close(journal);
    }
    (dir, path)
}

fn by_stranger(dir: &Path) -> Report {
    verify(dir, &Trust::public_keys(vec![public_key(1)]), |_| {}).unwrap()
}

/// Alters a record, and makes the hashes of its frame fit.
fn rewrite(dir: &Path, index: usize) {
    let frame = &frames(dir)[index];
    let path = segment(dir, frame.stream(), frame.segment());
    let mut bytes = fs::read(&path).unwrap();
    forge(&mut bytes[frame.offset() as usize..][..frame.length()]);
    fs::write(path, bytes).unwrap();
}

#[test]
fn any_number_of_notes_neither_ends_a_verification_nor_hides_what_it_finds() {
    let (_dir, journal) = journal();
    for number in 0..1001 {
        fs::write(journal.join(format!("stranger-{number}")), "").unwrap();
    }
    let report = check(&journal);
    assert!(report.is_intact() && !report.cut_short);
    assert_eq!((report.records, report.findings.len(), report.notes_left_out), (6, 100, 901));
    rewrite(&journal, 4);
    let report = check(&journal);
    assert_eq!(report.first_break().unwrap().kind, FindingKind::FrameMac);
    assert!(!report.is_intact() && !report.cut_short);
    assert_eq!(report.records, 5);
}

#[test]
fn what_was_not_looked_at_is_not_intact() {
    let dir = directory();
    let journal = open(dir.path(), &options(1 << 20));
    append(&journal, 0..1100);
    close(journal);
    let stream = streams(dir.path())[0];
    let path = segment(dir.path(), stream, 1);
    let mut bytes = fs::read(&path).unwrap();
    for frame in frames(dir.path()) {
        let frame = &mut bytes[frame.offset() as usize..][..frame.length()];
        let record = records_in(frame)[0].clone();
        frame[record.end - 1] ^= 1;
    }
    fs::write(path, bytes).unwrap();
    let report = check(dir.path());
    assert!(report.cut_short && !report.is_intact());
    assert_eq!(report.findings.len(), 1000);
}

#[test]
fn a_stranger_is_told_what_no_signature_covers() {
    let (_dir, journal) = journal();
    // Hashes need no key.
    let report = by_stranger(&journal);
    assert_eq!((report.is_signed, report.unsigned_records), (false, 6));
    let writing = open(&journal, &options(8192));
    append(&writing, 6..8);
    let kept = keeper(&writing).checkpoint(NOW).unwrap().unwrap();
    append(&writing, 8..11);
    close(writing);
    let report = by_stranger(&journal);
    assert!(report.is_intact());
    assert_eq!((report.records, report.is_signed, report.unsigned_records), (11, true, 3));
    // Kept elsewhere, it proves as much.
    fs::remove_dir_all(journal.join("checkpoints")).unwrap();
    assert!(!by_stranger(&journal).is_signed);
    let trust = Trust::public_keys(vec![public_key(1)]).with_anchors(vec![kept.clone()]);
    assert_eq!(verify(&journal, &trust, |_| {}).unwrap().unsigned_records, 3);
    // By another's key it proves nothing.
    let trust = Trust::public_keys(vec![public_key(2)]).with_anchors(vec![kept]);
    assert!(!verify(&journal, &trust, |_| {}).unwrap().is_signed);
}

/// Somebody removes what the newest stream holds, and leaves its folder.
#[test]
fn an_emptied_stream_is_missed() {
    let (_dir, journal) = journal();
    let writing = open(&journal, &options(8192));
    append(&writing, 6..8);
    let kept = keeper(&writing).checkpoint(NOW).unwrap().unwrap();
    close(writing);
    let stream = streams(&journal)[2];
    let path = segment(&journal, stream, 1);
    let emptied = |how: &dyn Fn()| {
        let bytes = fs::read(&path).unwrap();
        how();
        let missing = FindingKind::EndMissing { checkpoint: 1, frames: 2, records: 2 };
        let by_kept = Trust::public_keys(vec![public_key(1)]).with_anchors(vec![kept.clone()]);
        for report in [check(&journal), verify(&journal, &by_kept, |_| {}).unwrap()] {
            let found = report.first_break().unwrap();
            assert_eq!((&found.kind, found.stream), (&missing, Some(stream)));
        }
        fs::write(&path, bytes).unwrap();
    };
    emptied(&|| fs::remove_file(&path).unwrap());
    emptied(&|| fs::rename(&path, path.with_extension("new")).unwrap());
}

#[test]
fn the_emptied_stream_that_the_journal_begins_with_is_missed() {
    let dir = directory();
    let (journal, _) = long_journal(dir.path());
    let begins = keeper(&journal).retire(NOW, NOW + 10, None).unwrap().unwrap().begins.segment;
    close(journal);
    let folder = dir.path().join(begins.stream.to_string());
    fs::remove_dir_all(&folder).unwrap();
    fs::create_dir(&folder).unwrap();
    let missing = FindingKind::SegmentsMissing { first: begins.number, last: begins.number };
    assert!(check(dir.path()).findings.iter().any(|finding| finding.kind == missing));
}

/// Two streams over several segments each, being written.
fn long_journal(dir: &Path) -> (Journal, Vec<SegmentId>) {
    let journal = open(dir, &options(4096));
    append(&journal, 0..30);
    keeper(&journal).checkpoint(NOW).unwrap();
    close(journal);
    let journal = open(dir, &options(4096));
    append(&journal, 30..60);
    compress_all(&journal);
    let segments = journal.reader().segments().unwrap();
    (journal, segments.iter().map(|listed| listed.id).collect())
}

#[test]
fn what_a_server_drops_meanwhile_is_not_missing() {
    let dir = directory();
    let (journal, segments) = long_journal(dir.path());
    for before in 1..segments.len() {
        let dir = directory();
        let (journal, _) = long_journal(dir.path());
        let mut keeper = keeper(&journal);
        let mut segment = 0;
        let trust = crate::fixture::seal();
        let report = verify(dir.path(), &trust, |_| {
            segment += 1;
            if segment == before {
                keeper.retire(NOW, NOW + 40, None).unwrap().unwrap();
            }
        });
        let report = report.unwrap();
        assert!(report.is_intact(), "before {before}: {:?}", report.findings);
        close(journal);
    }
    close(journal);
    assert_eq!(intact(dir.path()), []);
}

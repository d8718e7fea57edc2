//! Reading and verifying a journal never panics, whatever its files hold, and shows nothing that its hashes do not cover.
//!
//! The first byte chooses what the rest is: a segment, a compressed segment, or a file of checkpoints.

#![no_main]

use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use strongroom_journal::{Checkpoint, Finding, FindingKind, Reader, Trust, verify};
use tempfile::TempDir;

/// The streams that the seeds' segments are of: of the plain one, and of the compressed one.
const STREAMS: [&str; 2] = ["018bcfe5680003b2d6e8c5f78c93426d", "018bcfe56800f65e9e24e944217616ee"];

static JOURNAL: LazyLock<TempDir> = LazyLock::new(|| {
    let memory = Path::new("/dev/shm");
    let folder = if memory.is_dir() { TempDir::new_in(memory) } else { TempDir::new() };
    let folder = folder.expect("a folder for one journal");
    for part in [STREAMS[0], STREAMS[1], "checkpoints"] {
        fs::create_dir(folder.path().join(part)).expect("a folder in it");
    }
    folder
});

fuzz_target!(|data: &[u8]| {
    let Some((choice, bytes)) = data.split_first() else { return };
    let journal = JOURNAL.path();
    let file = match choice % 3 {
        0 => journal.join(STREAMS[0]).join("000001.seg"),
        1 => journal.join(STREAMS[1]).join("000002.seg.zst"),
        _ => journal.join("checkpoints/000001.checkpoints"),
    };
    fs::write(&file, bytes).expect("a file of the journal");
    let report = verify(journal, &Trust::public_keys(Vec::new()), |_| {}).expect("files that can be read");
    let reader = Reader::open(journal).expect("a folder that can be read");
    let read = reader.records(None).expect("a stream that can be read").flatten().count() as u64;
    let backward = reader.records_newest_first(None).expect("the same").flatten().count() as u64;
    // Verification counts frames that continue the chain; reading shows all that are whole, but for records of which this
    // version can make nothing. They are noted, as many as notes are kept.
    let is_unreadable = |finding: &&Finding| finding.kind == FindingKind::Unreadable;
    let unreadable = report.findings.iter().filter(is_unreadable).count() as u64 + report.notes_left_out;
    assert!(
        report.records <= read + unreadable && read == backward,
        "{} {read} {backward} {unreadable}",
        report.records
    );
    for finding in &report.findings {
        drop(finding.to_string());
    }
    fs::remove_file(&file).expect("the file again");
    if let Ok(text) = std::str::from_utf8(bytes)
        && let Ok(checkpoint) = Checkpoint::parse(text)
    {
        assert_eq!(checkpoint.to_string(), text);
    }
});

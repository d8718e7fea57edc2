//! Bytes altered in a stream whose process was killed: whatever was acknowledged is never taken for a frame
//! that a crash cut short.

use std::fs::{self, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use strongroom_journal::{FindingKind, FrameFault, Journal, OpenNote, Record};
use tempfile::TempDir;

use crate::fixture::{
    NOW, append, check, copy, directory, event_id, frames, intact, key, open, options, record, runtime,
    segment, streams,
};

/// MAC and end mark: what lies behind a frame's hash.
const BEHIND_HASH: u64 = 36;
const HASH: u64 = 32;
const SECTOR: u64 = 512;

/// A stream as a kill leaves it, and its one segment.
struct Killed {
    dir: TempDir,
    segment: PathBuf,
    bytes: Vec<u8>,
    /// Where the last frame begins and ends.
    last: u64,
    end: u64,
}

impl Killed {
    /// A stream of two frames, of which the first is longer by `pad` bytes.
    fn new(pad: usize) -> Self {
        let dir = directory();
        let live = dir.path().join("live");
        let journal = open(&live, &options(4096));
        let padded = Record { user_agent: Some("x".repeat(pad)), ..record(0) };
        runtime().block_on(journal.append(&padded)).unwrap();
        append(&journal, 1..2);
        let image = dir.path().join("image");
        copy(&live, &image);
        drop(journal);
        fs::remove_dir_all(live).unwrap();
        let segment = segment(&image, streams(&image)[0], 1);
        let frame = frames(&image).pop().unwrap();
        let (last, end) = (frame.offset(), frame.offset() + frame.length() as u64);
        let bytes = fs::read(&segment).unwrap();
        Self { dir, segment, bytes, last, end }
    }

    fn image(&self) -> PathBuf {
        self.dir.path().join("image")
    }

    fn write(&self, at: u64, bytes: &[u8]) {
        OpenOptions::new().write(true).open(&self.segment).unwrap().write_all_at(bytes, at).unwrap();
    }

    fn restore(&self) {
        fs::write(&self.segment, &self.bytes).unwrap();
    }

    /// The next start: it must leave the frames as they are, and verification must still name the damage.
    fn start_keeps_every_frame(&self, context: &str) -> Vec<OpenNote> {
        let work = self.dir.path().join("work");
        copy(&self.image(), &work);
        let before = fs::read(&self.segment).unwrap();
        let used = before.len().min(self.end as usize);
        let opened = Journal::open(&work, &options(4096), &key(), "node-1", NOW).unwrap();
        drop(opened.journal);
        let path = work.join(self.segment.strip_prefix(self.image()).unwrap());
        let after = fs::read(path).unwrap();
        assert!(after.get(..used) == Some(&before[..used]), "{context}: cut to {} bytes", after.len());
        assert!(!check(&work).is_intact(), "{context}: no longer noticed after a start");
        fs::remove_dir_all(&work).unwrap();
        opened.notes
    }
}

fn is_broken(dir: &Path, context: &str) {
    let report = check(dir);
    assert!(!report.is_intact(), "{context}: {:?}", report.findings);
}

#[test]
fn every_altered_byte_of_a_killed_stream_is_a_break_and_nothing_is_cut() {
    let killed = Killed::new(0);
    assert_eq!(intact(&killed.image()), []);
    for at in 0..killed.end {
        let byte = killed.bytes[at as usize];
        for value in [0, 0xff, byte ^ 0x80] {
            if value == byte {
                continue;
            }
            let context = format!("byte {at} of {}, {byte:#04x} to {value:#04x}", killed.end);
            killed.write(at, &[value]);
            is_broken(&killed.image(), &context);
            // A start takes a while; a zero is what a missing sector shows.
            if value == 0 || at >= killed.last {
                killed.start_keeps_every_frame(&context);
            }
            killed.write(at, &[byte]);
        }
    }
    assert_eq!(intact(&killed.image()), []);
}

/// A piece of a frame in a sector of its own can be a single byte.
#[test]
fn a_zeroed_byte_at_a_sectors_edge_is_no_missing_sector() {
    for pad in 0..SECTOR as usize {
        let killed = Killed::new(pad);
        let edges = (killed.last..killed.end)
            .filter(|at| at % SECTOR == 0 || at % SECTOR == SECTOR - 1)
            .chain([killed.last, killed.end - 1]);
        for at in edges {
            let byte = killed.bytes[at as usize];
            if byte == 0 {
                continue;
            }
            let context = format!("byte {at} of frame {}..{}", killed.last, killed.end);
            killed.write(at, &[0]);
            is_broken(&killed.image(), &context);
            if at % SECTOR == SECTOR - 1 && at == killed.last || at == killed.end - 1 && at % SECTOR == 0 {
                killed.start_keeps_every_frame(&context);
            }
            killed.write(at, &[byte]);
        }
    }
}

/// A frame whose hashes fit is whole, whatever became of its MAC and its end mark.
#[test]
fn a_whole_frame_without_its_end_is_damaged_and_pinned() {
    let killed = Killed::new(0);
    let end_mark = FindingKind::Frame(FrameFault::EndMark);
    for missing in 1..=BEHIND_HASH {
        for zeros in [false, true] {
            let context = format!("{missing} bytes missing, zeros: {zeros}");
            let from = killed.end - missing;
            if zeros {
                killed.write(from, &vec![0; missing as usize]);
            } else {
                OpenOptions::new().write(true).open(&killed.segment).unwrap().set_len(from).unwrap();
            }
            let report = check(&killed.image());
            let kinds: Vec<_> = report.findings.iter().map(|finding| &finding.kind).collect();
            let mac_too = [&end_mark, &FindingKind::FrameMac];
            // The last bytes of a MAC may be zeros as they are.
            let of_mac =
                killed.bytes[from as usize..].get(..missing.saturating_sub(4) as usize).unwrap_or_default();
            let expected = if of_mac.iter().all(|&byte| byte == 0) { &mac_too[..1] } else { &mac_too[..] };
            assert_eq!(kinds, expected, "{context}");
            assert_eq!(report.findings[0].event_id, Some(event_id(1)), "{context}");
            let notes = killed.start_keeps_every_frame(&context);
            assert!(
                matches!(notes[..], [OpenNote::Damaged { fault: FrameFault::EndMark, .. }]),
                "{context}: {notes:?}"
            );
            killed.restore();
        }
    }
    // The next start counts the frame: who removes it afterwards is found out.
    killed.write(killed.end - 1, &[0]);
    drop(Journal::open(&killed.image(), &options(4096), &key(), "node-1", NOW).unwrap());
    OpenOptions::new().write(true).open(&killed.segment).unwrap().set_len(killed.last).unwrap();
    let found = check(&killed.image()).first_break().unwrap().kind.clone();
    assert_eq!(found, FindingKind::StreamCut { frames: 2 });
}

/// A changed record cannot be passed off as a write that was cut short by zeroing the frame's last byte too.
#[test]
fn two_altered_bytes_make_no_torn_frame() {
    let killed = Killed::new(0);
    for at in killed.last..killed.end - BEHIND_HASH - HASH {
        let byte = killed.bytes[at as usize];
        killed.write(at, &[byte ^ 1]);
        killed.write(killed.end - 1, &[0]);
        let context = format!("byte {at} and the last");
        is_broken(&killed.image(), &context);
        killed.restore();
    }
}

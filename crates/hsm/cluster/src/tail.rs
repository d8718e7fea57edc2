//! The last entries of the log, kept to give them back to a store that lost them, and the file of the tail.
//!
//! ```text
//! length of the entry             4 bytes, big-endian
//! entry                           as in the log
//! start of the entry's hash       8 bytes
//! ```
//!
//! A crash may cut the last record; the start of the hash tells.

use std::collections::VecDeque;

use strongroom_crypto::digest::sha256;

use crate::codec::{Malformed, Reader, Writer};
use crate::{MAX_ENTRY, SealedEntry, TAIL_BYTES, TAIL_ENTRIES};

/// The last entries, without gaps, up to the head.
#[derive(Default)]
pub(crate) struct Tail {
    entries: VecDeque<SealedEntry>,
    bytes: usize,
}

impl Tail {
    pub(crate) fn push(&mut self, entry: SealedEntry) {
        self.bytes += entry.bytes.len();
        self.entries.push_back(entry);
        while self.entries.len() > TAIL_ENTRIES || self.bytes > TAIL_BYTES {
            let Some(oldest) = self.entries.pop_front() else { return };
            self.bytes -= oldest.bytes.len();
        }
    }

    /// All entries after `sequence`, if they are all here; `head` is the replica's.
    pub(crate) fn after(&self, sequence: u64, head: u64) -> Option<Vec<SealedEntry>> {
        let entries: Vec<_> =
            self.entries.iter().filter(|entry| entry.sequence > sequence).cloned().collect();
        (entries.len() as u64 == head.saturating_sub(sequence)).then_some(entries)
    }

    pub(crate) const fn bytes(&self) -> usize {
        self.bytes
    }

    pub(crate) fn write(&self, w: &mut Writer) {
        w.u32(self.entries.len() as u32);
        for entry in &self.entries {
            w.u64(entry.sequence).bytes(&entry.bytes);
        }
    }

    pub(crate) fn read(r: &mut Reader<'_>) -> Result<Self, Malformed> {
        let mut tail = Self::default();
        for _ in 0..r.count(TAIL_ENTRIES)? {
            tail.push(read_sealed(r)?);
        }
        Ok(tail)
    }
}

/// Reads an entry that is kept with its place.
pub(crate) fn read_sealed(r: &mut Reader<'_>) -> Result<SealedEntry, Malformed> {
    let sequence = r.u64()?;
    let bytes = r.bytes(MAX_ENTRY)?;
    Ok(SealedEntry { sequence, hash: sha256(bytes), bytes: bytes.to_vec() })
}

const CHECK: usize = 8;

/// Adds an entry to what is to be added to the file.
pub(crate) fn write_record(out: &mut Vec<u8>, entry: &[u8], hash: &[u8; 32]) {
    out.extend_from_slice(&(entry.len() as u32).to_be_bytes());
    out.extend_from_slice(entry);
    out.extend_from_slice(&hash[..CHECK]);
}

/// Reads the next record of the file, unless there is no whole one.
pub(crate) fn read_record<'a>(file: &mut &'a [u8]) -> Option<&'a [u8]> {
    let mut r = Reader::new(file);
    let entry = r.bytes(MAX_ENTRY).ok()?;
    let check: [u8; CHECK] = r.array().ok()?;
    if sha256(entry)[..CHECK] != check {
        return None;
    }
    *file = r.rest();
    Some(entry)
}

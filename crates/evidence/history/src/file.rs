//! The index of a closed segment, as a file of its own.
//!
//! ```text
//! head      96 bytes: magic, format, which segment, how many of what, times
//! frames    16 bytes each, ascending: first record, offset in the segment, oldest and newest second
//! terms     9 bytes each, ascending: 40 bits of the term's SHA-256; the only record's number, or where its list is
//! lists     of record numbers
//! MAC       HMAC-SHA-256 of all before it
//! ```
//!
//! Numbers are little-endian, hashes in the terms big-endian; records are counted from the segment's first. The file
//! appears whole or not at all. Its MAC is checked when a process first opens it; what is found through it is
//! compared with the filter all the same, and whatever does not fit makes the file one that has to be made anew.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use strongroom_crypto::hmac::HmacSha256;
use strongroom_journal::{Segment, SegmentId, StreamId};

use crate::draft::{Draft, FrameEntry, HASH_BITS, Hits, hash_of};
use crate::postings;

const MAGIC: [u8; 8] = *b"SRINDEX\0";
const FORMAT: u16 = 1;
const HEAD_LEN: usize = 96;
const FRAME_LEN: usize = 16;
const TERM_LEN: usize = 9;
const MAC_LEN: usize = 32;
/// No file is longer. A segment of 64 MiB has an index of some 4 MiB.
const FILE_LIMIT: u64 = 128 << 20;
/// In a term's value: the rest is the only record's number.
const ONLY: u32 = 1 << 31;
/// Terms read at a time when one is looked for, some 4 KiB of them.
const WINDOW: u64 = 455;
/// Terms of one hash that are read at a time: more than one is rare.
const EQUAL_AT_ONCE: u64 = 8;
/// Read at once of a list, which is longer only if it has many numbers.
const LIST_AT_ONCE: u64 = 4096;

/// What the head of a segment's index says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct IndexHead {
    pub(crate) id: SegmentId,
    /// As the segment tells it; the latest there is where it does not.
    pub(crate) newest_before_ms: i64,
    pub(crate) first_record: u64,
    pub(crate) records: u32,
    pub(crate) damaged: u32,
    pub(crate) oldest_ms: i64,
    pub(crate) newest_ms: i64,
    frames: u32,
    terms: u32,
    lists_len: u32,
}

impl IndexHead {
    fn encode(&self) -> [u8; HEAD_LEN] {
        let mut bytes = [0; HEAD_LEN];
        let mut at = 0;
        let mut put = |part: &[u8]| {
            bytes[at..at + part.len()].copy_from_slice(part);
            at += part.len();
        };
        put(&MAGIC);
        put(&u32::from(FORMAT).to_le_bytes());
        put(&self.id.number.to_le_bytes());
        put(self.id.stream.as_bytes());
        for number in
            [self.first_record, self.newest_before_ms as u64, self.oldest_ms as u64, self.newest_ms as u64]
        {
            put(&number.to_le_bytes());
        }
        for number in [self.records, self.damaged, self.frames, self.terms, self.lists_len] {
            put(&number.to_le_bytes());
        }
        bytes
    }

    fn decode(bytes: &[u8; HEAD_LEN]) -> Option<Self> {
        let mut at = 0;
        let mut take = |length: usize| {
            let part = bytes.get(at..at + length);
            at += length;
            part
        };
        let magic = take(8)?;
        let format = u32::from_le_bytes(take(4)?.try_into().ok()?);
        if magic != MAGIC || format != u32::from(FORMAT) {
            return None;
        }
        let number = u32::from_le_bytes(take(4)?.try_into().ok()?);
        let stream = StreamId::from_bytes(take(16)?.try_into().ok()?);
        let mut long = || Some(u64::from_le_bytes(take(8)?.try_into().ok()?));
        let (first_record, newest_before, oldest, newest) = (long()?, long()?, long()?, long()?);
        let mut short = || Some(u32::from_le_bytes(take(4)?.try_into().ok()?));
        let (records, damaged, frames, terms, lists_len) = (short()?, short()?, short()?, short()?, short()?);
        Some(Self {
            id: SegmentId { stream, number },
            newest_before_ms: newest_before as i64,
            first_record,
            records,
            damaged,
            oldest_ms: oldest as i64,
            newest_ms: newest as i64,
            frames,
            terms,
            lists_len,
        })
    }

    fn terms_at(&self) -> u64 {
        HEAD_LEN as u64 + u64::from(self.frames) * FRAME_LEN as u64
    }

    fn lists_at(&self) -> u64 {
        self.terms_at() + u64::from(self.terms) * TERM_LEN as u64
    }

    fn mac_at(&self) -> u64 {
        self.lists_at() + u64::from(self.lists_len)
    }

    /// Tells whether a record may be of a time within these.
    pub(crate) fn may_hold(&self, start_ms: i64, end_ms: i64) -> bool {
        self.oldest_ms <= end_ms && self.newest_ms >= start_ms
    }
}

/// Says that an index is not what was written.
fn unfit() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "the index is not as it was written")
}

/// Writes the index of a segment to `path`, whole or not at all, and returns its length and what its head says.
pub(crate) fn write(
    path: &Path,
    segment: &Segment,
    draft: &Draft,
    key: &HmacSha256,
) -> io::Result<(IndexHead, u64)> {
    // The latest time there is stands for one that the segment does not tell.
    let newest_before_ms = segment.newest_before_ms().unwrap_or(i64::MAX);
    let (bytes, head) = encode(segment.id(), newest_before_ms, draft, key)?;
    let unfinished = path.with_extension(UNFINISHED);
    let written = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&unfinished)
        .and_then(|mut file| file.write_all(&bytes))
        .and_then(|()| fs::rename(&unfinished, path));
    if let Err(error) = written {
        // What is left of it is in the way of nothing but room.
        let _ = fs::remove_file(&unfinished);
        return Err(error);
    }
    // Nothing waits for the disk, nor makes the journal wait for it: what a power cut takes is made anew.
    Ok((head, bytes.len() as u64))
}

/// Suffix of a file that is being written.
pub(crate) const UNFINISHED: &str = "new";

fn encode(
    id: SegmentId,
    newest_before_ms: i64,
    draft: &Draft,
    key: &HmacSha256,
) -> io::Result<(Vec<u8>, IndexHead)> {
    let mut named: Vec<_> = draft.lists.iter().map(|(term, list)| (hash_of(term), term, list)).collect();
    // The same records give the same file.
    named.sort_unstable_by_key(|&(hash, term, _)| (hash, term));
    let mut lists = Vec::new();
    let mut terms: Vec<_> = draft.unique.iter().map(|&(hash, record)| (hash, record | ONLY)).collect();
    for (hash, _, list) in named {
        let value = match list.only() {
            Some(record) => record | ONLY,
            None => u32::try_from(lists.len()).ok().filter(|at| at & ONLY == 0).ok_or_else(unfit)?,
        };
        if value & ONLY == 0 {
            list.write(draft.records, &mut lists);
        }
        terms.push((hash, value));
    }
    terms.sort_unstable();
    let count = |length: usize| u32::try_from(length).map_err(|_| unfit());
    let head = IndexHead {
        id,
        newest_before_ms,
        first_record: draft.first_record.unwrap_or_default(),
        records: draft.records,
        damaged: draft.damaged,
        oldest_ms: draft.oldest_ms,
        newest_ms: draft.newest_ms,
        frames: count(draft.frames.len())?,
        terms: count(terms.len())?,
        lists_len: count(lists.len())?,
    };
    let mut bytes = Vec::with_capacity(head.mac_at() as usize + MAC_LEN);
    bytes.extend_from_slice(&head.encode());
    for frame in &draft.frames {
        for number in [frame.first, frame.offset, frame.oldest_s, frame.newest_s] {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
    }
    for (hash, value) in terms {
        bytes.extend_from_slice(&hash.to_be_bytes()[8 - HASH_BITS as usize / 8..]);
        bytes.extend_from_slice(&value.to_le_bytes());
    }
    bytes.extend_from_slice(&lists);
    let mac = key.sign(&[&bytes]);
    bytes.extend_from_slice(&mac);
    Ok((bytes, head))
}

/// An index file, opened.
pub(crate) struct IndexFile {
    file: File,
    head: IndexHead,
}

impl IndexFile {
    /// Opens the file of an index and checks it as a whole. Whatever is not as it was written, under this key, is an
    /// error. Returns its length too.
    pub(crate) fn check(path: &Path, key: &HmacSha256) -> io::Result<(IndexHead, u64)> {
        let length = fs::metadata(path)?.len();
        if length > FILE_LIMIT {
            return Err(unfit());
        }
        let bytes = fs::read(path)?;
        let head = bytes.first_chunk().and_then(IndexHead::decode).ok_or_else(unfit)?;
        if head.mac_at() + MAC_LEN as u64 != bytes.len() as u64 {
            return Err(unfit());
        }
        let (body, mac) = bytes.split_at(bytes.len() - MAC_LEN);
        key.verify(&[body], mac).map_err(|_| unfit())?;
        Ok((head, length))
    }

    /// Opens the file of an index that was checked.
    pub(crate) fn open(path: &Path, head: &IndexHead) -> io::Result<Self> {
        let file = File::open(path)?;
        let mut bytes = [0; HEAD_LEN];
        file.read_exact_at(&mut bytes, 0)?;
        if bytes != head.encode() {
            return Err(unfit());
        }
        Ok(Self { file, head: *head })
    }

    /// What a term finds.
    pub(crate) fn find(&self, term: &[u8]) -> io::Result<Hits> {
        let mut records = Vec::new();
        for value in self.values(hash_of(term))? {
            if value & ONLY == 0 {
                records.extend(self.list(value)?);
            } else {
                records.push(value & !ONLY);
            }
        }
        records.sort_unstable();
        records.dedup();
        if records.last().is_some_and(|&last| last >= self.head.records) {
            return Err(unfit());
        }
        let frames = if records.is_empty() { Vec::new() } else { self.frames()? };
        Ok(Hits { records, frames })
    }

    fn frames(&self) -> io::Result<Vec<FrameEntry>> {
        let mut bytes = vec![0; self.head.frames as usize * FRAME_LEN];
        self.file.read_exact_at(&mut bytes, HEAD_LEN as u64)?;
        let number = |entry: &[u8], at: usize| {
            entry.get(at..).and_then(|rest| rest.first_chunk()).map_or(0, |bytes| u32::from_le_bytes(*bytes))
        };
        let entries = bytes.chunks_exact(FRAME_LEN).map(|entry| FrameEntry {
            first: number(entry, 0),
            offset: number(entry, 4),
            oldest_s: number(entry, 8),
            newest_s: number(entry, 12),
        });
        Ok(entries.collect())
    }

    /// The values of all terms of that hash: of one, unless hashes meet.
    fn values(&self, hash: u64) -> io::Result<Vec<u32>> {
        let count = u64::from(self.head.terms);
        let mut at = self.first_of(hash)?;
        let mut values = Vec::new();
        while at < count {
            let end = count.min(at + EQUAL_AT_ONCE);
            let terms = self.terms(at, end)?;
            values.extend(terms.iter().take_while(|(of, _)| *of == hash).map(|(_, value)| *value));
            if terms.last().is_none_or(|(of, _)| *of != hash) {
                break;
            }
            at = end;
        }
        Ok(values)
    }

    /// The place of the first term whose hash is not below that one.
    fn first_of(&self, hash: u64) -> io::Result<u64> {
        // Terms before `low` are below it, terms from `high` on are not.
        let (mut low, mut high) = (0, u64::from(self.head.terms));
        // Hashes are spread evenly, so where one is can be guessed. The next guess is the middle.
        let mut guess = ((u128::from(hash) * u128::from(high)) >> HASH_BITS) as u64;
        while low < high {
            let start = guess.saturating_sub(WINDOW / 2).clamp(low, high - 1);
            let end = high.min(start + WINDOW);
            let terms = self.terms(start, end)?;
            match terms.partition_point(|(of, _)| *of < hash) as u64 {
                0 => high = start,
                below if start + below == end => low = end,
                below => return Ok(start + below),
            }
            guess = low + high.saturating_sub(low) / 2;
        }
        Ok(low)
    }

    fn terms(&self, start: u64, end: u64) -> io::Result<Vec<(u64, u32)>> {
        let mut bytes = vec![0; (end - start) as usize * TERM_LEN];
        self.file.read_exact_at(&mut bytes, self.head.terms_at() + start * TERM_LEN as u64)?;
        let terms = bytes.chunks_exact(TERM_LEN).filter_map(|term| {
            let (hash, value) = term.split_at(HASH_BITS as usize / 8);
            let hash = hash.iter().fold(0, |number, &byte| number << 8 | u64::from(byte));
            Some((hash, u32::from_le_bytes(value.try_into().ok()?)))
        });
        Ok(terms.collect())
    }

    fn list(&self, at: u32) -> io::Result<Vec<u32>> {
        let left = u64::from(self.head.lists_len).checked_sub(u64::from(at)).ok_or_else(unfit)?;
        let start = self.head.lists_at() + u64::from(at);
        let mut bytes = vec![0; left.min(LIST_AT_ONCE) as usize];
        self.file.read_exact_at(&mut bytes, start)?;
        let length = postings::written_length(&bytes).ok_or_else(unfit)?;
        // No list is longer than its bits.
        if length as u64 > left || length > postings::HEAD_LIMIT + self.head.records.div_ceil(8) as usize {
            return Err(unfit());
        }
        let read = bytes.len().min(length);
        bytes.resize(length, 0);
        self.file.read_exact_at(&mut bytes[read..], start + read as u64)?;
        postings::read(&bytes, self.head.records).ok_or_else(unfit)
    }
}

/// Where the index of a segment is.
pub(crate) fn path(folder: &Path, id: SegmentId) -> PathBuf {
    folder.join(id.stream.to_string()).join(format!("{:06}.idx", id.number))
}

#[cfg(test)]
mod tests;

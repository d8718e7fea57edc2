//! Frames: what one flush writes. This file knows bytes, not files.
//!
//! ```text
//! header   88   magic "SRJF", format, kind, length of the frame, number of records, number of the frame
//!               and of its first record in the stream, least and greatest event time, hash before,
//!               8 bytes of the header's SHA-256
//! table    36n  per record its length and SHA-256
//! records       as the record codec writes them
//! trailer  68   frame hash = SHA-256(header, table); MAC; end mark "FJRS"
//! ```
//!
//! Numbers are little-endian. The header's own check tells an altered header from a frame that was cut short,
//! without a key and before its length is believed. The frame hash stands behind the records and covers all
//! of them: where it fits, the frame was written, and an end mark that is missing all the same was altered.

use std::ops::Range;

use strongroom_crypto::digest::{Sha256, sha256};

use crate::queue::Batch;

/// A SHA-256 value.
pub(crate) type Hash = [u8; 32];

/// First bytes of every frame.
pub(crate) const MAGIC: [u8; 4] = *b"SRJF";
const END_MARK: [u8; 4] = *b"FJRS";
const FORMAT: u16 = 1;

/// Size of a frame's header.
pub(crate) const HEADER_LEN: usize = 88;
/// Size of one record's entry in the table.
pub(crate) const ENTRY_LEN: usize = 36;
const TRAILER_LEN: usize = 68;
/// MAC and end mark: what lies behind the frame hash.
pub(crate) const BEHIND_HASH: usize = 36;
/// Size of a frame without records.
pub(crate) const OVERHEAD: usize = HEADER_LEN + TRAILER_LEN;
/// No frame is longer.
pub(crate) const FRAME_LIMIT: usize = 2 << 20;

/// What a frame is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// It holds records.
    Records,
    /// The stream was closed; nothing follows.
    End,
}

/// Why bytes are not the frame that was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FrameFault {
    /// The bytes do not begin as a frame does.
    #[error("no frame begins here")]
    Magic,
    /// The format number, of this many, is none that this version reads.
    #[error("frame format {0} is unknown to this version")]
    Format(u16),
    /// The header was altered.
    #[error("the frame header is altered")]
    Header,
    /// The table of records was altered.
    #[error("the frame's table of records is altered")]
    Table,
    /// The frame's hash was altered.
    #[error("the frame hash is altered")]
    Hash,
    /// A record was altered; counted from the frame's first.
    #[error("record {0} of the frame is altered")]
    Record(u32),
    /// The end mark was altered.
    #[error("the frame's end mark is altered")]
    EndMark,
    /// The frame is whole, but not the one that belongs here.
    #[error("the frame does not continue the chain")]
    Chain,
    /// The frame was cut short.
    #[error("the frame is incomplete")]
    Incomplete,
    /// The segment's header was altered.
    #[error("the segment header is altered")]
    SegmentHeader,
    /// A record of the frame, counted from its first, cannot be read by this version.
    #[error("record {0} of the frame is unreadable to this version")]
    Unreadable(u32),
}

/// The facts at a frame's head.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FrameHeader {
    pub(crate) kind: Kind,
    pub(crate) length: u32,
    pub(crate) count: u32,
    pub(crate) sequence: u64,
    pub(crate) first_record: u64,
    pub(crate) oldest_ms: i64,
    pub(crate) newest_ms: i64,
    pub(crate) previous: Hash,
}

impl FrameHeader {
    fn write(&self) -> [u8; HEADER_LEN] {
        let kind: u16 = match self.kind {
            Kind::Records => 1,
            Kind::End => 2,
        };
        let mut bytes = [0; HEADER_LEN];
        bytes[..4].copy_from_slice(&MAGIC);
        bytes[4..6].copy_from_slice(&FORMAT.to_le_bytes());
        bytes[6..8].copy_from_slice(&kind.to_le_bytes());
        bytes[8..12].copy_from_slice(&self.length.to_le_bytes());
        bytes[12..16].copy_from_slice(&self.count.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.sequence.to_le_bytes());
        bytes[24..32].copy_from_slice(&self.first_record.to_le_bytes());
        bytes[32..40].copy_from_slice(&self.oldest_ms.to_le_bytes());
        bytes[40..48].copy_from_slice(&self.newest_ms.to_le_bytes());
        bytes[48..80].copy_from_slice(&self.previous);
        let check = sha256(&bytes[..80]);
        bytes[80..].copy_from_slice(&check[..8]);
        bytes
    }

    /// Reads a header, believing nothing that its check does not cover.
    pub(crate) fn read(bytes: &[u8; HEADER_LEN]) -> Result<Self, FrameFault> {
        if bytes[..4] != MAGIC {
            return Err(FrameFault::Magic);
        }
        // Before the check: a later format may lay out the rest differently.
        let format = u16::from_le_bytes(array(&bytes[4..6]));
        if format != FORMAT {
            return Err(FrameFault::Format(format));
        }
        if sha256(&bytes[..80])[..8] != bytes[80..] {
            return Err(FrameFault::Header);
        }
        let kind = match u16::from_le_bytes(array(&bytes[6..8])) {
            1 => Kind::Records,
            2 => Kind::End,
            _ => return Err(FrameFault::Header),
        };
        let header = Self {
            kind,
            length: u32::from_le_bytes(array(&bytes[8..12])),
            count: u32::from_le_bytes(array(&bytes[12..16])),
            sequence: u64::from_le_bytes(array(&bytes[16..24])),
            first_record: u64::from_le_bytes(array(&bytes[24..32])),
            oldest_ms: i64::from_le_bytes(array(&bytes[32..40])),
            newest_ms: i64::from_le_bytes(array(&bytes[40..48])),
            previous: array(&bytes[48..80]),
        };
        let least = OVERHEAD as u64 + u64::from(header.count) * ENTRY_LEN as u64;
        let fits = least <= u64::from(header.length) && header.length as usize <= FRAME_LIMIT;
        let numbered =
            header.first_record.checked_add(u64::from(header.count)).is_some() && header.sequence < u64::MAX;
        if fits && numbered { Ok(header) } else { Err(FrameFault::Header) }
    }

    /// Returns the number of the record after this frame's last.
    pub(crate) fn next_record(&self) -> u64 {
        self.first_record + u64::from(self.count)
    }
}

/// Returns the length of the frame that holds a batch.
pub(crate) fn length(batch: &Batch) -> usize {
    OVERHEAD + batch.table.len() + batch.records.len()
}

/// A frame's place in its chain.
pub(crate) struct Links {
    pub(crate) sequence: u64,
    pub(crate) first_record: u64,
    pub(crate) previous: Hash,
}

/// Writes a frame in place of what `frame` holds and returns its hash. `mac` turns that hash into the MAC.
pub(crate) fn write(
    kind: Kind,
    links: &Links,
    batch: &Batch,
    mac: impl FnOnce(&Hash) -> Hash,
    frame: &mut Vec<u8>,
) -> Hash {
    let (oldest_ms, newest_ms) = if batch.count == 0 { (0, 0) } else { (batch.oldest_ms, batch.newest_ms) };
    let header = FrameHeader {
        kind,
        length: length(batch) as u32,
        count: batch.count,
        sequence: links.sequence,
        first_record: links.first_record,
        oldest_ms,
        newest_ms,
        previous: links.previous,
    };
    frame.clear();
    frame.extend_from_slice(&header.write());
    frame.extend_from_slice(&batch.table);
    let hash = sha256(frame);
    frame.extend_from_slice(&batch.records);
    frame.extend_from_slice(&hash);
    frame.extend_from_slice(&mac(&hash));
    frame.extend_from_slice(&END_MARK);
    hash
}

/// Returns one record's entry in the table.
pub(crate) fn entry(record: &[u8]) -> [u8; ENTRY_LEN] {
    let mut entry = [0; ENTRY_LEN];
    entry[..4].copy_from_slice(&(record.len() as u32).to_le_bytes());
    entry[4..].copy_from_slice(&sha256(record));
    entry
}

/// A frame whose header and records are, by its own hashes, those that were written. Its end mark may be
/// wrong all the same: [`Frame::is_marked`].
///
/// The hashes hold without a key: who can write the file can make them fit. Only the MAC, under the chain's
/// key, tells.
#[derive(Clone, Copy)]
pub(crate) struct Frame<'b> {
    pub(crate) header: FrameHeader,
    bytes: &'b [u8],
}

impl<'b> Frame<'b> {
    /// Checks all that the hashes cover. `bytes` are as many as the header says.
    pub(crate) fn check(bytes: &'b [u8]) -> Result<Self, FrameFault> {
        let head = bytes.first_chunk::<HEADER_LEN>().ok_or(FrameFault::Incomplete)?;
        let header = FrameHeader::read(head)?;
        if bytes.len() != header.length as usize {
            return Err(FrameFault::Incomplete);
        }
        let frame = Self { header, bytes };
        let listed: u64 = frame.table().map(|(length, _)| u64::from(length)).sum();
        if listed != (frame.records().len()) as u64 {
            return Err(FrameFault::Table);
        }
        let mut hash = Sha256::new();
        hash.update(&bytes[..frame.records().start]);
        let intact = hash.finish() == frame.hash();
        let altered = frame
            .ranges()
            .zip(0..)
            .zip(frame.table())
            .find_map(|((range, index), (_, leaf))| (sha256(&bytes[range]) != leaf).then_some(index));
        match (intact, altered) {
            (true, Some(index)) => Err(FrameFault::Record(index)),
            (false, Some(_)) => Err(FrameFault::Table),
            (false, None) => Err(FrameFault::Hash),
            (true, None) => Ok(frame),
        }
    }

    /// Takes bytes that [`Frame::check`] has accepted before.
    pub(crate) fn checked(header: FrameHeader, bytes: &'b [u8]) -> Self {
        Self { header, bytes }
    }

    /// Returns all of the frame.
    pub(crate) fn bytes(&self) -> &'b [u8] {
        self.bytes
    }

    /// Tells whether the end mark is right.
    pub(crate) fn is_marked(&self) -> bool {
        self.bytes.ends_with(&END_MARK)
    }

    /// Returns the frame's hash as it is stored.
    pub(crate) fn hash(&self) -> Hash {
        let at = self.records().end;
        array(&self.bytes[at..at + 32])
    }

    /// Returns the frame's MAC as it is stored.
    pub(crate) fn mac(&self) -> Hash {
        let at = self.records().end + 32;
        array(&self.bytes[at..at + 32])
    }

    /// Returns one record's bytes, counted from the frame's first.
    pub(crate) fn record(&self, index: u32) -> Option<&'b [u8]> {
        self.ranges().nth(index as usize).map(|range| &self.bytes[range])
    }

    /// Returns where each record is within the frame.
    pub(crate) fn ranges(&self) -> impl Iterator<Item = Range<usize>> {
        let mut at = self.records().start;
        self.table().map(move |(length, _)| {
            let start = at;
            at += length as usize;
            start..at
        })
    }

    fn table(&self) -> impl Iterator<Item = (u32, Hash)> {
        let table: &'b [u8] = &self.bytes[HEADER_LEN..self.records().start];
        table
            .chunks_exact(ENTRY_LEN)
            .map(|entry| (u32::from_le_bytes(array(&entry[..4])), array(&entry[4..])))
    }

    fn records(&self) -> Range<usize> {
        HEADER_LEN + self.header.count as usize * ENTRY_LEN..self.bytes.len() - TRAILER_LEN
    }
}

/// Copies a slice whose length its caller chose to be `N`.
pub(crate) fn array<const N: usize>(bytes: &[u8]) -> [u8; N] {
    let mut array = [0; N];
    array.copy_from_slice(bytes);
    array
}

//! Frames: what one flush writes. This file knows bytes, not files.
//!
//! ```text
//! header   88   magic "SRJF", format, kind, number of contexts, length of the frame, number of records, number of
//!               the frame and of its first record in the stream, least and greatest event time, hash before,
//!               8 bytes of the header's SHA-256
//! table    36m  per context its length and SHA-256
//!          36n  per record its length (24 bits), its context (8 bits) and its SHA-256
//! contexts      what records share: each once, as the record codec writes them
//! records       the rest of each
//! padding       zeros, so that the trailer lies in one sector of the disk, and the next frame begins at a multiple of 8
//! trailer  68   frame hash = SHA-256(header, table); MAC; end mark "FJRS"
//! ```
//!
//! A power cut leaves a sector whole or not at all. As the trailer is in one, a frame of which any sector is missing lacks its
//! hash or what its hashes cover: it is never taken for a whole one whose end was altered.
//!
//! Format 1 had no contexts, each record was whole, and there was no padding.
//!
//! Numbers are little-endian. The header's own check tells an altered header from a frame that was cut short,
//! without a key and before its length is believed. The frame hash stands behind the records and covers all
//! of them: where it fits, the frame was written, and an end mark that is missing all the same was altered.

use std::ops::Range;

use strongroom_crypto::digest::{Sha256, sha256};

use crate::queue::Batch;
use crate::record::codec::Stored;

/// A SHA-256 value.
pub(crate) type Hash = [u8; 32];

/// First bytes of every frame.
pub(crate) const MAGIC: [u8; 4] = *b"SRJF";
const END_MARK: [u8; 4] = *b"FJRS";
/// The format written.
const FORMAT: u16 = 2;
/// The format whose records are whole.
const WHOLE: u16 = 1;

/// Size of a frame's header.
pub(crate) const HEADER_LEN: usize = 88;
/// Size of one context's or record's entry in the table.
pub(crate) const ENTRY_LEN: usize = 36;
const TRAILER_LEN: usize = 68;
/// MAC and end mark: what lies behind the frame hash.
pub(crate) const BEHIND_HASH: usize = 36;
/// Size of a frame without records.
pub(crate) const OVERHEAD: usize = HEADER_LEN + TRAILER_LEN;
/// No frame is longer.
pub(crate) const FRAME_LIMIT: usize = 2 << 20;
/// No frame has more contexts.
pub(crate) const CONTEXTS_LIMIT: usize = 255;

/// What a disk writes whole.
pub(crate) const SECTOR: u64 = 512;
const ALIGNMENT: u64 = 8;
/// No frame has more padding: less than a trailer, then as much as aligns it.
pub(crate) const PADDING_LIMIT: usize = 80;

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
    format: u16,
    pub(crate) kind: Kind,
    contexts: u8,
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
        let kind = match self.kind {
            Kind::Records => 1,
            Kind::End => 2,
        };
        let mut bytes = [0; HEADER_LEN];
        bytes[..4].copy_from_slice(&MAGIC);
        bytes[4..6].copy_from_slice(&self.format.to_le_bytes());
        bytes[6..8].copy_from_slice(&[kind, self.contexts]);
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
        if !matches!(format, WHOLE | FORMAT) {
            return Err(FrameFault::Format(format));
        }
        if sha256(&bytes[..80])[..8] != bytes[80..] {
            return Err(FrameFault::Header);
        }
        let kind = match bytes[6] {
            1 => Kind::Records,
            2 => Kind::End,
            _ => return Err(FrameFault::Header),
        };
        let contexts = bytes[7];
        if format == WHOLE && contexts > 0 {
            return Err(FrameFault::Header);
        }
        let header = Self {
            format,
            kind,
            contexts,
            length: u32::from_le_bytes(array(&bytes[8..12])),
            count: u32::from_le_bytes(array(&bytes[12..16])),
            sequence: u64::from_le_bytes(array(&bytes[16..24])),
            first_record: u64::from_le_bytes(array(&bytes[24..32])),
            oldest_ms: i64::from_le_bytes(array(&bytes[32..40])),
            newest_ms: i64::from_le_bytes(array(&bytes[40..48])),
            previous: array(&bytes[48..80]),
        };
        let entries = u64::from(header.contexts) + u64::from(header.count);
        let least = OVERHEAD as u64 + entries * ENTRY_LEN as u64;
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
    OVERHEAD
        + batch.contexts.len() * ENTRY_LEN
        + batch.contexts.bytes().len()
        + batch.table.len()
        + batch.records.len()
}

/// Returns how long the frame that holds a batch is where it begins at `at` in its file.
pub(crate) fn length_at(batch: &Batch, at: u64) -> usize {
    let end = at + length(batch) as u64;
    let mut padded = end.next_multiple_of(ALIGNMENT);
    while (padded - TRAILER_LEN as u64) % SECTOR > SECTOR - TRAILER_LEN as u64 {
        padded += ALIGNMENT;
    }
    (padded - at) as usize
}

/// A frame's place in its chain, and in its file.
pub(crate) struct Links {
    pub(crate) at: u64,
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
    let padded = length_at(batch, links.at);
    let header = FrameHeader {
        format: FORMAT,
        kind,
        // As many as the queue lets in: CONTEXTS_LIMIT.
        contexts: batch.contexts.len() as u8,
        length: padded as u32,
        count: batch.count,
        sequence: links.sequence,
        first_record: links.first_record,
        oldest_ms,
        newest_ms,
        previous: links.previous,
    };
    frame.clear();
    frame.extend_from_slice(&header.write());
    batch.contexts.iter().for_each(|context| frame.extend_from_slice(&entry(context)));
    frame.extend_from_slice(&batch.table);
    let hash = sha256(frame);
    frame.extend_from_slice(batch.contexts.bytes());
    frame.extend_from_slice(&batch.records);
    frame.resize(padded - TRAILER_LEN, 0);
    frame.extend_from_slice(&hash);
    frame.extend_from_slice(&mac(&hash));
    frame.extend_from_slice(&END_MARK);
    hash
}

/// Returns the entry of a context or record in the table; a record's does not name its context yet.
pub(crate) fn entry(bytes: &[u8]) -> [u8; ENTRY_LEN] {
    let mut entry = [0; ENTRY_LEN];
    // Below 2^24: no frame holds more.
    entry[..4].copy_from_slice(&(bytes.len() as u32).to_le_bytes());
    entry[4..].copy_from_slice(&sha256(bytes));
    entry
}

/// Names a record's context in its entry.
pub(crate) fn with_context(mut entry: [u8; ENTRY_LEN], context: u8) -> [u8; ENTRY_LEN] {
    entry[3] = context;
    entry
}

/// What the table says of a context or record.
struct Entry {
    length: usize,
    /// Which context a record has.
    context: u8,
    hash: Hash,
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
        let listed: usize = frame.entries(0, frame.all()).map(|entry| entry.length).sum();
        let known = |entry: Entry| header.format == WHOLE || entry.context < header.contexts;
        let room = frame.trailer() - frame.contents();
        let most = if header.format == WHOLE { 0 } else { PADDING_LIMIT };
        let is_listed = listed <= room && room - listed <= most;
        if !is_listed || !frame.entries(frame.contexts(), frame.all()).all(known) {
            return Err(FrameFault::Table);
        }
        // No hash covers it.
        if bytes[frame.trailer() - (room - listed)..frame.trailer()].iter().any(|&byte| byte != 0) {
            return Err(FrameFault::Table);
        }
        let mut hash = Sha256::new();
        hash.update(&bytes[..frame.contents()]);
        let intact = hash.finish() == frame.hash();
        let altered = |first, last| -> Option<u32> {
            let mut entries = frame.ranges_of(first, last).zip(frame.entries(first, last)).zip(0..);
            entries.find_map(|((range, entry), index)| (sha256(&bytes[range]) != entry.hash).then_some(index))
        };
        // A context that was altered concerns all its records, of which the first is named.
        let context = altered(0, frame.contexts());
        let concerned = context.map(|context| {
            let mut entries = frame.entries(frame.contexts(), frame.all()).zip(0..);
            entries
                .find_map(|(entry, index)| (u32::from(entry.context) == context).then_some(index))
                .unwrap_or_default()
        });
        let record = altered(frame.contexts(), frame.all());
        match (intact, concerned.into_iter().chain(record).min()) {
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
        let at = self.trailer();
        array(&self.bytes[at..at + 32])
    }

    /// Returns the frame's MAC as it is stored.
    pub(crate) fn mac(&self) -> Hash {
        let at = self.trailer() + 32;
        array(&self.bytes[at..at + 32])
    }

    /// Returns one record as it is stored, counted from the frame's first.
    pub(crate) fn record(&self, index: u32) -> Option<Stored<'b>> {
        self.records().nth(index as usize)
    }

    /// Returns the records as they are stored, in order.
    pub(crate) fn records(&self) -> impl Iterator<Item = Stored<'b>> + use<'b> {
        let bytes: &'b [u8] = self.bytes;
        let whole = self.header.format == WHOLE;
        let contexts: Vec<_> = self.ranges_of(0, self.contexts()).collect();
        self.ranges().zip(self.entries(self.contexts(), self.all())).map(move |(range, entry)| Stored {
            context: (!whole).then(|| {
                contexts.get(usize::from(entry.context)).map_or(&[][..], |range| &bytes[range.clone()])
            }),
            own: &bytes[range],
        })
    }

    /// Returns where each record is within the frame.
    pub(crate) fn ranges(&self) -> impl Iterator<Item = Range<usize>> + use<'b> {
        self.ranges_of(self.contexts(), self.all())
    }

    /// Returns where contexts and records are within the frame, by their place in the table.
    fn ranges_of(&self, first: usize, last: usize) -> impl Iterator<Item = Range<usize>> + use<'b> {
        let before: usize = self.entries(0, first).map(|entry| entry.length).sum();
        let mut at = self.contents() + before;
        self.entries(first, last).map(move |entry| {
            let start = at;
            at += entry.length;
            start..at
        })
    }

    fn entries(&self, first: usize, last: usize) -> impl Iterator<Item = Entry> + use<'b> {
        let table: &'b [u8] = &self.bytes[HEADER_LEN + first * ENTRY_LEN..HEADER_LEN + last * ENTRY_LEN];
        let whole = self.header.format == WHOLE;
        table.chunks_exact(ENTRY_LEN).map(move |entry| {
            let word = u32::from_le_bytes(array(&entry[..4]));
            let (length, context) = if whole { (word, 0) } else { (word & 0x00ff_ffff, (word >> 24) as u8) };
            Entry { length: length as usize, context, hash: array(&entry[4..]) }
        })
    }

    fn contexts(&self) -> usize {
        usize::from(self.header.contexts)
    }

    /// How many entries the table has.
    fn all(&self) -> usize {
        self.contexts() + self.header.count as usize
    }

    /// Where the table ends.
    fn contents(&self) -> usize {
        HEADER_LEN + self.all() * ENTRY_LEN
    }

    fn trailer(&self) -> usize {
        self.bytes.len() - TRAILER_LEN
    }
}

/// Copies a slice whose length its caller chose to be `N`.
pub(crate) fn array<const N: usize>(bytes: &[u8]) -> [u8; N] {
    let mut array = [0; N];
    array.copy_from_slice(bytes);
    array
}

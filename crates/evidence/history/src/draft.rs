//! The index of one segment while it grows, in memory.
//!
//! It takes some 15 bytes a record, and each different value once: a few megabytes for a segment of 16 MiB.

use std::collections::HashMap;

use strongroom_crypto::digest::sha256;
use strongroom_journal::{FrameHead, Record};

use crate::filter::{each_term, is_unique};
use crate::postings::Growing;

/// What a segment's index says of one frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FrameEntry {
    /// The number of its first record, counted from the segment's first.
    pub(crate) first: u32,
    /// Where in the segment it begins.
    pub(crate) offset: u32,
    /// Event times of its records, in whole seconds since 1970: no record is older, or younger.
    pub(crate) oldest_s: u32,
    pub(crate) newest_s: u32,
}

impl FrameEntry {
    /// Tells whether the frame may hold a record of a time within these, both milliseconds since 1970.
    pub(crate) fn may_hold(&self, start_ms: i64, end_ms: i64) -> bool {
        // What does not fit into the numbers counts as without a bound.
        let oldest_ms = if self.oldest_s == 0 { i64::MIN } else { i64::from(self.oldest_s) * 1000 };
        let newest_ms =
            if self.newest_s == u32::MAX { i64::MAX } else { i64::from(self.newest_s) * 1000 + 999 };
        start_ms <= newest_ms && end_ms >= oldest_ms
    }
}

fn seconds(ms: i64) -> u32 {
    let seconds = ms.div_euclid(1000);
    u32::try_from(seconds.max(0)).unwrap_or(u32::MAX)
}

/// Finds the frame of a record among those of its segment.
pub(crate) fn frame_of(frames: &[FrameEntry], record: u32) -> Option<&FrameEntry> {
    frames.get(frames.partition_point(|frame| frame.first <= record).checked_sub(1)?)
}

/// The records of a segment that a term finds, counted from its first, and the frames that they are in.
#[derive(Debug, Default)]
pub(crate) struct Hits {
    pub(crate) records: Vec<u32>,
    pub(crate) frames: Vec<FrameEntry>,
}

/// An index that grows frame by frame.
#[derive(Debug)]
pub(crate) struct Draft {
    /// The number of the segment's first record, as its first readable frame tells.
    pub(crate) first_record: Option<u64>,
    /// How many record numbers are covered, also by what could not be read.
    pub(crate) records: u32,
    /// Event times of all records; none are older, or younger.
    pub(crate) oldest_ms: i64,
    pub(crate) newest_ms: i64,
    /// Places that could not be read.
    pub(crate) damaged: u32,
    pub(crate) frames: Vec<FrameEntry>,
    pub(crate) lists: HashMap<Box<[u8]>, Growing>,
    /// Terms of which each record has its own, by their hash.
    pub(crate) unique: Vec<(u64, u32)>,
    buffer: Vec<u8>,
}

/// Bits of a term's hash that count.
pub(crate) const HASH_BITS: u32 = 40;

/// What a term is found by.
pub(crate) fn hash_of(term: &[u8]) -> u64 {
    let hash = sha256(term);
    hash[..HASH_BITS as usize / 8].iter().fold(0, |number, &byte| number << 8 | u64::from(byte))
}

impl Default for Draft {
    fn default() -> Self {
        Self {
            first_record: None,
            records: 0,
            oldest_ms: i64::MAX,
            newest_ms: i64::MIN,
            damaged: 0,
            frames: Vec::new(),
            lists: HashMap::new(),
            unique: Vec::new(),
            buffer: Vec::new(),
        }
    }
}

impl Draft {
    /// Adds the next frame's records; what of it cannot be read counts as damaged.
    pub(crate) fn add<E>(&mut self, head: &FrameHead, records: impl Iterator<Item = Result<Record, E>>) {
        if head.count == 0 {
            return;
        }
        let base = *self.first_record.get_or_insert(head.first_record);
        let first = head.first_record.checked_sub(base).and_then(|first| u32::try_from(first).ok());
        let (Some(first), Ok(offset)) = (first, u32::try_from(head.offset)) else {
            // No frame that belongs here.
            self.damaged += 1;
            return;
        };
        self.frames.push(FrameEntry {
            first,
            offset,
            oldest_s: seconds(head.oldest_ms),
            newest_s: seconds(head.newest_ms),
        });
        self.records = self.records.max(first.saturating_add(head.count));
        self.oldest_ms = self.oldest_ms.min(head.oldest_ms);
        self.newest_ms = self.newest_ms.max(head.newest_ms);
        for (number, record) in (first..).zip(records) {
            match record {
                Ok(record) => self.add_record(number, &record),
                Err(_) => self.damaged += 1,
            }
        }
    }

    fn add_record(&mut self, number: u32, record: &Record) {
        let Self { lists, unique, buffer, .. } = self;
        each_term(record, buffer, |term| {
            if is_unique(term) {
                unique.push((hash_of(term), number));
            } else if let Some(list) = lists.get_mut(term) {
                list.push(number);
            } else {
                lists.entry(term.into()).or_default().push(number);
            }
        });
    }

    /// Notes a place that cannot be read.
    pub(crate) fn damage(&mut self) {
        self.damaged += 1;
    }

    /// What a term finds.
    pub(crate) fn find(&self, term: &[u8]) -> Hits {
        let records = if is_unique(term) {
            let hash = hash_of(term);
            let hits = self.unique.iter().filter(|(unique, _)| *unique == hash);
            hits.map(|(_, number)| *number).collect()
        } else {
            self.lists.get(term).map(Growing::numbers).unwrap_or_default()
        };
        let frames = if records.is_empty() { Vec::new() } else { self.frames.clone() };
        Hits { records, frames }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_beyond_the_table_are_without_a_bound() {
        let entry = |oldest_ms, newest_ms| FrameEntry {
            first: 0,
            offset: 0,
            oldest_s: seconds(oldest_ms),
            newest_s: seconds(newest_ms),
        };
        let usual = entry(1_700_000_000_500, 1_700_000_001_500);
        assert!(usual.may_hold(1_700_000_001_500, i64::MAX) && usual.may_hold(i64::MIN, 1_700_000_000_500));
        assert!(!usual.may_hold(1_700_000_002_000, i64::MAX));
        assert!(!usual.may_hold(i64::MIN, 1_699_999_999_999));
        let early = entry(-5_000, -4_000);
        assert!(early.may_hold(-5_000, -5_000) && early.may_hold(i64::MIN, -4_500));
        let late = 32_503_680_000_000;
        assert!(entry(late, late).may_hold(late, late) && entry(late, late).may_hold(late, i64::MAX));
    }
}

//! Under which of the seal's keys streams were written: what must be kept to verify them.

use std::collections::{BTreeMap, BTreeSet};

use super::{ListedSegment, Reader};
use crate::error::JournalError;
use crate::frame::FrameFault;
use crate::stream::StreamId;

impl Reader {
    /// The epochs of the journal's subkey from which the keys of the streams that are there come
    /// ([`JournalOptions::key_epoch`](crate::JournalOptions::key_epoch)). `known` are those that were looked up before; it is
    /// brought up to what there is. [`JournalError::Damaged`] if no header of a stream can be read.
    pub fn key_epochs(&self, known: &mut BTreeMap<StreamId, u32>) -> Result<(), JournalError> {
        let segments = self.segments()?;
        let streams: BTreeSet<_> = segments.iter().map(|listed| listed.id.stream).collect();
        known.retain(|stream, _| streams.contains(stream));
        let mut damaged = BTreeMap::new();
        for ListedSegment { id, .. } in segments {
            if known.contains_key(&id.stream) {
                continue;
            }
            let Some(segment) = self.segment(id)? else { continue };
            match segment.header {
                Some(header) => {
                    known.insert(id.stream, header.key_epoch);
                    damaged.remove(&id.stream);
                }
                None => {
                    damaged.insert(id.stream, id.number);
                }
            }
        }
        match damaged.pop_first() {
            None => Ok(()),
            Some((stream, segment)) => {
                Err(JournalError::Damaged { stream, segment, offset: 0, fault: FrameFault::SegmentHeader })
            }
        }
    }
}

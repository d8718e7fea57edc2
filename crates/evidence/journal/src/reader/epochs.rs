//! Under which of the seal's keys a stream was written: what must be kept to verify it.

use super::{ListedSegment, Reader};
use crate::error::JournalError;
use crate::frame::FrameFault;
use crate::stream::StreamId;

impl Reader {
    /// The epoch of the journal's subkey from which a stream's keys come
    /// ([`JournalOptions::key_epoch`](crate::JournalOptions::key_epoch)); none if nothing of the stream is there, or any
    /// more. [`JournalError::Damaged`] if no header of it can be read.
    pub fn key_epoch(&self, stream: StreamId) -> Result<Option<u32>, JournalError> {
        let mut damaged = None;
        for ListedSegment { id, .. } in
            self.segments()?.into_iter().filter(|listed| listed.id.stream == stream)
        {
            let Some(segment) = self.segment(id)? else { continue };
            if let Some(header) = segment.header {
                return Ok(Some(header.key_epoch));
            }
            damaged = Some(id.number);
        }
        match damaged {
            None => Ok(None),
            Some(segment) => {
                Err(JournalError::Damaged { stream, segment, offset: 0, fault: FrameFault::SegmentHeader })
            }
        }
    }
}

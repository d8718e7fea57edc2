//! Where a lookup goes on.

use strongroom_crypto::digest::sha256;
use strongroom_crypto::hex;
use strongroom_journal::{Position, SegmentId, StreamId};

use crate::history::HistoryError;

/// Where a lookup goes on. Opaque: only good for the journal and the filter it came from.
///
/// It is no secret and proves nothing: a forged one can only begin elsewhere in what its filter shows anyway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Continuation {
    pub(crate) rest: Rest,
    pub(crate) filter: [u8; 8],
}

/// What is left of the journal: this segment and those before it, and of that stream the records before this one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rest {
    pub(crate) segment: SegmentId,
    pub(crate) before: u64,
}

impl Rest {
    /// A whole segment, and those before it.
    pub(crate) fn segment(segment: SegmentId) -> Self {
        Self { segment, before: u64::MAX }
    }

    /// Tells whether a record is in it, if its segment is.
    pub(crate) fn has(&self, position: Position) -> bool {
        position.stream != self.segment.stream || position.record < self.before
    }
}

/// Format, stream, record, segment, filter, check.
const LENGTH: usize = 1 + 16 + 8 + 4 + 8 + 8;
const FORMAT: u8 = 3;

impl Continuation {
    /// Returns the continuation as 90 hex digits.
    #[must_use]
    pub fn encode(&self) -> String {
        let mut bytes = Vec::with_capacity(LENGTH);
        bytes.push(FORMAT);
        bytes.extend_from_slice(self.rest.segment.stream.as_bytes());
        bytes.extend_from_slice(&self.rest.before.to_be_bytes());
        bytes.extend_from_slice(&self.rest.segment.number.to_be_bytes());
        bytes.extend_from_slice(&self.filter);
        bytes.extend_from_slice(&sha256(&bytes)[..8]);
        hex::encode(&bytes)
    }

    /// Reads a continuation back; anything that is none is refused as [`HistoryError::InvalidContinuation`].
    pub fn decode(text: &str) -> Result<Self, HistoryError> {
        Self::read(text).ok_or(HistoryError::InvalidContinuation)
    }

    fn read(text: &str) -> Option<Self> {
        if text.len() != 2 * LENGTH || text.bytes().any(|byte| byte.is_ascii_uppercase()) {
            return None;
        }
        let bytes = hex::decode(text)?;
        let (body, check) = bytes.split_at_checked(LENGTH - 8)?;
        let (&format, body_rest) = body.split_first()?;
        if format != FORMAT || check != &sha256(body)[..8] {
            return None;
        }
        let (stream, rest) = body_rest.split_first_chunk::<16>()?;
        let (before, rest) = rest.split_first_chunk::<8>()?;
        let (number, filter) = rest.split_first_chunk::<4>()?;
        let segment =
            SegmentId { stream: StreamId::from_bytes(*stream), number: u32::from_be_bytes(*number) };
        let rest = Rest { segment, before: u64::from_be_bytes(*before) };
        Some(Self { rest, filter: filter.try_into().ok()? })
    }
}

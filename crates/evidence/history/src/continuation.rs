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
    /// What is left of each chain that something is left of.
    pub(crate) rests: Vec<(ChainName, Rest)>,
    pub(crate) filter: [u8; 8],
}

/// Names a chain, in few bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ChainName([u8; 8]);

impl ChainName {
    pub(crate) fn of(name: &str) -> Self {
        let hash = sha256(name.as_bytes());
        Self(hash.first_chunk().copied().unwrap_or_default())
    }
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

/// Chain, stream, record, segment.
const REST: usize = 8 + 16 + 8 + 4;
/// Format, filter, check.
const AROUND: usize = 1 + 8 + 8;
/// Most chains of which something is left: servers that there are or were within retention. A continuation takes 72 KiB then.
pub(crate) const MOST_RESTS: usize = 1024;
const FORMAT: u8 = 4;

impl Continuation {
    /// Returns the continuation as hex digits: 106, and 72 more for each further server on the store.
    #[must_use]
    pub fn encode(&self) -> String {
        let mut bytes = Vec::with_capacity(AROUND + self.rests.len() * REST);
        bytes.push(FORMAT);
        for (ChainName(name), Rest { segment, before }) in &self.rests {
            bytes.extend_from_slice(name);
            bytes.extend_from_slice(segment.stream.as_bytes());
            bytes.extend_from_slice(&before.to_be_bytes());
            bytes.extend_from_slice(&segment.number.to_be_bytes());
        }
        bytes.extend_from_slice(&self.filter);
        bytes.extend_from_slice(&sha256(&bytes)[..8]);
        hex::encode(&bytes)
    }

    /// Reads a continuation back; anything that is none is refused as [`HistoryError::InvalidContinuation`].
    pub fn decode(text: &str) -> Result<Self, HistoryError> {
        Self::read(text).ok_or(HistoryError::InvalidContinuation)
    }

    fn read(text: &str) -> Option<Self> {
        let rests = (text.len() / 2).checked_sub(AROUND)?;
        let is_whole = text.len().is_multiple_of(2) && rests.is_multiple_of(REST);
        if !is_whole || rests / REST > MOST_RESTS || text.bytes().any(|byte| byte.is_ascii_uppercase()) {
            return None;
        }
        let bytes = hex::decode(text)?;
        let (body, check) = bytes.split_last_chunk::<8>()?;
        let (body_rest, filter) = body.split_last_chunk::<8>()?;
        let (&format, rests) = body_rest.split_first()?;
        if format != FORMAT || check != &sha256(body)[..8] || rests.is_empty() {
            return None;
        }
        let rests = rests.chunks_exact(REST).map(read_rest).collect::<Option<Vec<_>>>()?;
        Some(Self { rests, filter: *filter })
    }

    /// What is left of a chain, if anything is.
    pub(crate) fn of(&self, chain: ChainName) -> Option<Rest> {
        self.rests.iter().find(|(name, _)| *name == chain).map(|(_, rest)| *rest)
    }
}

fn read_rest(bytes: &[u8]) -> Option<(ChainName, Rest)> {
    let (name, bytes) = bytes.split_first_chunk::<8>()?;
    let (stream, bytes) = bytes.split_first_chunk::<16>()?;
    let (before, bytes) = bytes.split_first_chunk::<8>()?;
    let number = u32::from_be_bytes(bytes.try_into().ok()?);
    let segment = SegmentId { stream: StreamId::from_bytes(*stream), number };
    Some((ChainName(*name), Rest { segment, before: u64::from_be_bytes(*before) }))
}

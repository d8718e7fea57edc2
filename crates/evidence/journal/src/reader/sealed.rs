//! One frame that was read.

use crate::error::JournalError;
use crate::frame::{Frame, FrameFault, FrameHeader, Hash, Kind};
use crate::record::codec::{Stored, Wanted};
use crate::record::{Record, RecordError};
use crate::stream::{Position, StreamId};

/// A frame that was read, its hashes checked.
pub struct SealedFrame {
    stream: StreamId,
    pub(super) place: Place,
    bytes: Vec<u8>,
}

impl SealedFrame {
    /// Takes the bytes of a frame that were checked.
    pub(super) fn new(stream: StreamId, place: Place, bytes: Vec<u8>) -> Self {
        Self { stream, place, bytes }
    }

    /// Returns the frame's stream.
    pub fn stream(&self) -> StreamId {
        self.stream
    }

    /// Returns the number of the segment that holds the frame.
    pub fn segment(&self) -> u32 {
        self.place.segment
    }

    /// Returns where in its segment's file the frame begins.
    pub fn offset(&self) -> u64 {
        self.place.offset
    }

    /// Returns the frame's number in its stream.
    pub fn sequence(&self) -> u64 {
        self.place.header.sequence
    }

    /// Returns the number of the frame's first record in the stream.
    pub fn first_record(&self) -> u64 {
        self.place.header.first_record
    }

    /// Returns how many records the frame holds.
    pub fn count(&self) -> u32 {
        self.place.header.count
    }

    /// Whether it says that its stream was closed: nothing follows.
    pub fn is_end(&self) -> bool {
        self.place.header.kind == Kind::End
    }

    /// Returns the length of the frame in bytes.
    pub fn length(&self) -> usize {
        self.bytes.len()
    }

    /// The hash that the frame's MAC is of.
    pub(super) fn hash(&self) -> Hash {
        Frame::checked(self.place.header, &self.bytes).hash()
    }

    pub(super) fn mac(&self) -> Hash {
        Frame::checked(self.place.header, &self.bytes).mac()
    }

    /// Reads one record, counted from the frame's first; none behind the last.
    pub fn record(&self, index: u32) -> Option<Result<Record, RecordError>> {
        let frame = Frame::checked(self.place.header, &self.bytes);
        frame.record(index).map(|record| record.decode(Wanted::All))
    }

    /// Reads what records are found by, in order, with their positions: without parameters and answers, error
    /// messages, decisions, user agents, addresses and request ids. Costs a fraction of reading all.
    pub fn facts(&self) -> impl DoubleEndedIterator<Item = (Position, Result<Record, RecordError>)> {
        self.read(Wanted::Facts)
    }

    /// Reads all records, in order, with their positions.
    pub fn decoded(&self) -> impl DoubleEndedIterator<Item = (Position, Result<Record, RecordError>)> {
        self.read(Wanted::All)
    }

    fn read(
        &self,
        wanted: Wanted,
    ) -> impl DoubleEndedIterator<Item = (Position, Result<Record, RecordError>)> {
        self.stored().map(move |(position, record)| (position, record.decode(wanted)))
    }

    /// Returns the records as they are stored, with their positions, in order.
    fn stored(&self) -> impl DoubleEndedIterator<Item = (Position, Stored<'_>)> {
        let records: Vec<_> = Frame::checked(self.place.header, &self.bytes).records().collect();
        let (stream, first) = (self.stream, self.first_record());
        let placed = records.into_iter().enumerate();
        placed.map(move |(index, record)| (Position { stream, record: first + index as u64 }, record))
    }

    /// Says that a record of this frame cannot be read.
    pub(crate) fn unreadable(&self, position: Position) -> JournalError {
        let fault = FrameFault::Unreadable((position.record - self.first_record()) as u32);
        self.place.damaged(self.stream, fault)
    }
}

/// Where a frame is.
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub(super) segment: u32,
    pub(super) offset: u64,
    pub(super) header: FrameHeader,
}

impl Place {
    pub(super) fn damaged(&self, stream: StreamId, fault: FrameFault) -> JournalError {
        JournalError::Damaged { stream, segment: self.segment, offset: self.offset, fault }
    }
}

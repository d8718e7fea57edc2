//! Reading one segment at a time: what an index of the journal is made from, and what it leads back to.

use std::io;
use std::path::PathBuf;

use super::Reader;
use super::sealed::{Place, SealedFrame};
use crate::error::JournalError;
use crate::frame::{Frame, FrameFault, FrameHeader, HEADER_LEN, Hash};
use crate::segment::{SegmentContent, SegmentHeader};
use crate::storage::Chain;
use crate::stream::StreamId;
use crate::walk::{Step, Walk};

/// Names one segment: its stream, and its number in it from 1. Ids order as the journal does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SegmentId {
    /// The stream.
    pub stream: StreamId,
    /// The segment's number.
    pub number: u32,
}

/// A segment that is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListedSegment {
    /// Which.
    pub id: SegmentId,
    /// Whether it takes no more frames: all but the last one of each [chain](Reader::chains). It may still be compressed,
    /// which changes nothing of what is read, and go when its time is up.
    pub is_closed: bool,
}

impl Reader {
    /// Lists the segments, oldest first.
    ///
    /// One that is closed stays closed, and one that is gone does not come back.
    pub fn segments(&self) -> Result<Vec<ListedSegment>, JournalError> {
        let mut segments = Vec::new();
        for chain in self.chains_here()? {
            let ids = self.segments_of(&chain)?;
            let last = ids.last().copied();
            segments.extend(ids.into_iter().map(|id| ListedSegment { id, is_closed: Some(id) != last }));
        }
        // Each chain's are in order.
        segments.sort_by_key(|listed| listed.id);
        Ok(segments)
    }

    fn segments_of(&self, chain: &Chain) -> Result<Vec<SegmentId>, JournalError> {
        let storage = &chain.storage;
        // What is durable now: there can only be more by the time they are listed.
        let durable = self.durable_in(chain);
        let is_shown = |id: &SegmentId| {
            durable.is_none_or(|end| (id.stream, id.number) <= (end.stream, end.segment))
                && self.since.is_none_or(|since| id.stream >= since)
        };
        let listed = storage.listed().map_err(JournalError::io("list", &storage.name()))?;
        if let Some(mut listed) = listed {
            listed.retain(is_shown);
            return Ok(listed);
        }
        let mut segments = Vec::new();
        for stream in self.listed_in(chain)?.0 {
            let numbers = match storage.segments(stream) {
                // All of it went since it was listed.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                listed => listed.map_err(JournalError::io("list", &storage.name_of_stream(stream)))?.numbers,
            };
            segments.extend(numbers.into_iter().map(|number| SegmentId { stream, number }).filter(is_shown));
        }
        Ok(segments)
    }

    /// Opens a segment; none if it is not there, or not any more.
    ///
    /// Of the last one that is shown which was durable by now.
    pub fn segment(&self, id: SegmentId) -> Result<Option<Segment>, JournalError> {
        let limit = self.durable_end_of(id);
        for place in self.places() {
            let path = place.name_of(id);
            let failed = || JournalError::io("read", &path);
            let content = match place.open(id) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                opened => opened.map_err(failed())?,
            };
            let sealed = SegmentHeader::read(&content).map_err(failed())?.ok();
            let seal = sealed.as_ref().map(|sealed| (sealed.hash, sealed.mac));
            let header = sealed.map(|sealed| sealed.header);
            return Ok(Some(Segment { id, path, content, header, seal, limit }));
        }
        Ok(None)
    }
}

/// One segment, open for reading. It stays readable when it is compressed or removed meanwhile.
///
/// Reading blocks on the disk. A compressed segment is decompressed where it is read, 64 KiB at a time.
pub struct Segment {
    id: SegmentId,
    path: PathBuf,
    pub(super) content: SegmentContent,
    /// None if it is damaged.
    pub(super) header: Option<SegmentHeader>,
    /// The head's hash, and the MAC of it.
    pub(super) seal: Option<(Hash, Hash)>,
    pub(super) limit: Option<u64>,
}

impl Segment {
    /// Which segment it is.
    pub fn id(&self) -> SegmentId {
        self.id
    }

    /// The number of its first record in the stream; none if its head is damaged.
    pub fn first_record(&self) -> Option<u64> {
        self.header.as_ref().map(|header| header.first_record)
    }

    /// Which epoch of the journal's key its stream's keys come from
    /// ([`JournalOptions::key_epoch`](crate::JournalOptions::key_epoch)); none if its head is damaged.
    pub fn key_epoch(&self) -> Option<u32> {
        self.header.as_ref().map(|header| header.key_epoch)
    }

    /// The greatest event time of all records before the segment, in its stream and those before, milliseconds since
    /// 1970 UTC; none if there was no record, or the head is damaged.
    pub fn newest_before_ms(&self) -> Option<i64> {
        self.header.as_ref().map(|header| header.newest_before_ms).filter(|&newest| newest != i64::MIN)
    }

    /// Returns the frames, oldest first, from the one that begins at byte `from` on; 0 stands for the first. What is
    /// damaged comes as an error, and reading goes on behind it.
    pub fn frames(&self, from: u64) -> Result<SegmentFrames<'_>, JournalError> {
        Ok(SegmentFrames { segment: self, walk: self.walk(from)?, ended: false })
    }

    /// Walks from the frame that begins at byte `from` on; 0 stands for the first.
    pub(super) fn walk(&self, from: u64) -> Result<Walk<'_>, JournalError> {
        let walk = Walk::new(&self.content, self.limit).map_err(self.failed())?;
        Ok(if from > 0 { walk.at(from) } else { walk })
    }

    /// Reads the one frame that begins at byte `offset`.
    pub fn frame(&self, offset: u64) -> Result<SealedFrame, JournalError> {
        let mut head = [0; HEADER_LEN];
        self.read(&mut head, offset)?;
        let header = FrameHeader::read(&head).map_err(|fault| self.damaged(offset, fault))?;
        let mut bytes = vec![0; header.length as usize];
        self.read(&mut bytes, offset)?;
        let frame = Frame::check(&bytes).map_err(|fault| self.damaged(offset, fault))?;
        if !frame.is_marked() {
            return Err(self.damaged(offset, FrameFault::EndMark));
        }
        let place = Place { segment: self.id.number, offset, header };
        Ok(SealedFrame::new(self.id.stream, place, bytes))
    }

    fn read(&self, into: &mut [u8], offset: u64) -> Result<(), JournalError> {
        self.content.read_exact_at(into, offset).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => self.damaged(offset, FrameFault::Incomplete),
            _ => self.failed()(error),
        })
    }

    fn damaged(&self, offset: u64, fault: FrameFault) -> JournalError {
        JournalError::Damaged { stream: self.id.stream, segment: self.id.number, offset, fault }
    }

    pub(super) fn failed(&self) -> impl FnOnce(io::Error) -> JournalError {
        JournalError::io("read", &self.path)
    }
}

/// The frames of one segment, one after the other, those without records too.
pub struct SegmentFrames<'s> {
    segment: &'s Segment,
    walk: Walk<'s>,
    ended: bool,
}

impl Iterator for SegmentFrames<'_> {
    type Item = Result<SealedFrame, JournalError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let SegmentId { stream, number } = self.segment.id;
        match self.walk.step() {
            Ok(Step::Frame { offset, frame }) => {
                let place = Place { segment: number, offset, header: frame.header };
                Some(if frame.is_marked() {
                    Ok(SealedFrame::new(stream, place, frame.bytes().to_vec()))
                } else {
                    Err(place.damaged(stream, FrameFault::EndMark))
                })
            }
            Ok(Step::Damaged(damage)) => Some(Err(self.segment.damaged(damage.offset, damage.fault))),
            Ok(Step::End { .. } | Step::Torn { .. }) => {
                self.ended = true;
                None
            }
            Err(error) => {
                self.ended = true;
                Some(Err(self.segment.failed()(error)))
            }
        }
    }
}

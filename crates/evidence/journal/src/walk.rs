//! Walking a segment, frame by frame, and judging where its frames end.
//!
//! A stream that was not closed ends in one of three ways: cleanly, with nothing but zeros behind its last
//! frame; torn, with a frame whose writing a crash cut short; or damaged. A torn frame is one that only
//! missing bytes explain: the file ends within it, or some whole disk sectors of it, or its end, still are
//! the zero bytes it was written over, and nothing follows. At most one frame is ever being written, and it
//! is acknowledged to nobody before it is whole. Everything else that is not a frame is damage.
//!
//! Where records count before they are flushed ([`Durability::Written`](crate::Durability)), that holds for a process that is
//! killed and not for a power cut: sectors reach the disk in any order then, so that some can be missing before frames
//! that are whole. Of damage it is told whether that explains it.
//!
//! A frame whose hashes fit is whole, not torn, even if the marks around them are zeros: it may have been
//! acknowledged. A power cut, which leaves whole sectors out, makes no such frame: a frame's trailer lies in one sector
//! (but in format 1, where it may look like damage).

use std::io;
use std::thread;

use crate::frame::{BEHIND_HASH, FRAME_LIMIT, Frame, FrameFault, FrameHeader, HEADER_LEN, MAGIC, OVERHEAD};
use crate::record::EventId;
use crate::segment::{self, SEGMENT_LIMIT, SegmentContent};

/// What a disk writes whole; devices with larger sectors tear less.
const SECTOR: u64 = 512;
/// How often the last thing in a segment is read again before it counts as damage.
const SECOND_LOOKS: u32 = 20;
/// How much is searched at a time for the next frame.
const SEARCH: u64 = 64 << 10;

/// Steps through the frames of one segment.
pub(crate) struct Walk<'f> {
    segment: &'f SegmentContent,
    offset: u64,
    end: u64,
    buffer: Vec<u8>,
    /// The header behind a frame that was passed over, and where it is.
    peeked: Option<(u64, FrameHeader)>,
    bytes_read: u64,
}

/// What lies at the walk's offset.
pub(crate) enum Step<'w> {
    /// A frame whose hashes are right; its end mark need not be.
    Frame {
        /// Where it begins.
        offset: u64,
        frame: Frame<'w>,
    },
    /// Nothing more, but zeros perhaps.
    End { offset: u64 },
    /// A frame whose writing was cut short, and nothing after it.
    Torn { offset: u64 },
    /// Something else. The walk goes on at the next frame that can be found.
    Damaged(Damage),
}

/// A place where a frame should be and is not as written.
pub(crate) struct Damage {
    pub(crate) offset: u64,
    pub(crate) fault: FrameFault,
    /// The frame's header, if that still can be believed.
    pub(crate) header: Option<FrameHeader>,
    /// The first record concerned, where that is known.
    pub(crate) record: Option<Concerned>,
    /// Some whole disk sector of it is zeros still: it was not written, or somebody put them there.
    pub(crate) lacks_sectors: bool,
    /// Nothing follows.
    last: bool,
}

/// A record of a damaged frame.
pub(crate) struct Concerned {
    /// Counted from the frame's first.
    pub(crate) index: u32,
    pub(crate) offset: u64,
    /// Its event id, if that can be read.
    pub(crate) event_id: Option<EventId>,
}

enum Found {
    /// The buffer holds a frame.
    Frame(FrameHeader),
    End,
    Torn,
    Damaged(Damage),
}

/// What lies at the walk's offset, going by frame headers alone.
pub(crate) enum Skim {
    /// A frame, by its header.
    Frame { offset: u64, header: FrameHeader },
    /// Nothing more.
    End,
    /// No frame.
    Damaged { offset: u64, fault: FrameFault },
}

impl<'f> Walk<'f> {
    /// Walks from behind the segment's header to `limit`, or to the end of the segment.
    pub(crate) fn new(segment: &'f SegmentContent, limit: Option<u64>) -> io::Result<Self> {
        let length = segment.length()?;
        // No segment is larger: what would make a longer file would not be read into memory either.
        let end = limit.unwrap_or(u64::MAX).min(length).min(SEGMENT_LIMIT);
        Ok(Self {
            segment,
            offset: (segment::HEADER_LEN as u64).min(end),
            end,
            buffer: Vec::new(),
            peeked: None,
            bytes_read: 0,
        })
    }

    /// Goes to where a frame begins.
    pub(crate) fn at(mut self, offset: u64) -> Self {
        self.offset = offset.min(self.end);
        self
    }

    /// Returns how much was read so far.
    pub(crate) fn bytes_read(&self) -> u64 {
        self.bytes_read
    }

    /// Reads and checks what comes next. After an end every further step is one.
    pub(crate) fn step(&mut self) -> io::Result<Step<'_>> {
        let offset = self.offset;
        Ok(match self.look()? {
            Found::Frame(header) => Step::Frame { offset, frame: Frame::checked(header, &self.buffer) },
            Found::End => Step::End { offset },
            Found::Torn => Step::Torn { offset },
            Found::Damaged(damage) => Step::Damaged(damage),
        })
    }

    /// Reads the next header only and passes over what it announces, if a frame is behind that. The last frame is read: a
    /// length that was altered, and leads to the end, would hide those within.
    pub(crate) fn skim(&mut self) -> io::Result<Skim> {
        let offset = self.offset;
        let header = match self.peeked.take() {
            Some((at, header)) if at == offset => Ok(header),
            _ => self.header()?,
        };
        if let Ok(header) = header {
            let next = offset + u64::from(header.length);
            if next < self.end && self.leads_on(next)? {
                self.offset = next;
                return Ok(Skim::Frame { offset, header });
            }
        }
        Ok(match self.look()? {
            Found::Frame(header) => Skim::Frame { offset, header },
            Found::Damaged(damage) => Skim::Damaged { offset, fault: damage.fault },
            Found::End | Found::Torn => Skim::End,
        })
    }

    /// Tells whether a frame's header is at `next`. Where none is, the frame before may be damaged, and whole ones may be
    /// found in what it announces.
    fn leads_on(&mut self, next: u64) -> io::Result<bool> {
        self.fill(next, self.end.min(next + HEADER_LEN as u64))?;
        if let Some(Ok(header)) = self.buffer.first_chunk().map(FrameHeader::read) {
            self.peeked = Some((next, header));
            return Ok(true);
        }
        Ok(false)
    }

    /// Judges what comes next. Before it calls something damage it looks again: a running journal may have
    /// been writing this very frame, and may still be at it if nothing follows.
    fn look(&mut self) -> io::Result<Found> {
        let offset = self.offset;
        let mut found = self.judge()?;
        for look in 0..SECOND_LOOKS {
            match &found {
                Found::Damaged(damage) if damage.last || look == 0 => {}
                Found::Frame(header) if !Frame::checked(*header, &self.buffer).is_marked() => {}
                _ => break,
            }
            thread::yield_now();
            self.offset = offset;
            found = self.judge()?;
        }
        Ok(found)
    }

    fn judge(&mut self) -> io::Result<Found> {
        let header = match self.header()? {
            Ok(header) => header,
            Err(fault) => return self.broken(fault, None),
        };
        let length = u64::from(header.length);
        if length > self.end - self.offset + BEHIND_HASH as u64 {
            return self.broken(FrameFault::Incomplete, Some(header));
        }
        let next = self.end.min(self.offset + length);
        self.fill(self.offset, next)?;
        // A file that ends behind the frame hash holds a whole frame, like one with zeros there.
        self.buffer.resize(header.length as usize, 0);
        if let Err(fault) = Frame::check(&self.buffer) {
            return self.broken(fault, Some(header));
        }
        self.offset = next;
        Ok(Found::Frame(header))
    }

    fn header(&mut self) -> io::Result<Result<FrameHeader, FrameFault>> {
        self.fill(self.offset, self.end.min(self.offset + HEADER_LEN as u64))?;
        Ok(self.buffer.first_chunk().ok_or(FrameFault::Incomplete).and_then(FrameHeader::read))
    }

    /// Judges what is no frame, and moves on.
    fn broken(&mut self, fault: FrameFault, header: Option<FrameHeader>) -> io::Result<Found> {
        let (offset, end) = (self.offset, self.end);
        if self.is_zero(offset, end)? {
            self.offset = end;
            return Ok(Found::End);
        }
        if self.is_torn(header.as_ref())? {
            self.offset = end;
            return Ok(Found::Torn);
        }
        let record = match &header {
            Some(header) => self.concerned(fault, header)?,
            None => None,
        };
        // An altered record or table leaves the header's word on where the next frame begins.
        let announced = header.map(|header| offset + u64::from(header.length));
        self.offset = match announced {
            Some(next) if self.continues(next)? => next,
            _ => self.next_frame(offset + 1)?.unwrap_or(end),
        };
        let lacks_sectors = self.lacks_sectors(offset, self.offset)?;
        let last = self.is_zero(self.offset, end)?;
        Ok(Found::Damaged(Damage { offset, fault, header, record, lacks_sectors, last }))
    }

    /// Tells whether only missing bytes explain what begins here.
    fn is_torn(&mut self, header: Option<&FrameHeader>) -> io::Result<bool> {
        let (start, end) = (self.offset, self.end);
        // A frame without a header is as long as the shortest, at least.
        let known_end = start + header.map_or(OVERHEAD as u64, |header| u64::from(header.length));
        // What else there is in its sectors comes and goes with it.
        let known = if header.is_some() { known_end } else { known_end.next_multiple_of(SECTOR) };
        self.fill(start, known.min(end))?;
        let zeros = |bytes: &[u8]| bytes.iter().all(|&byte| byte == 0);
        let first = &self.buffer[..self.buffer.len().min((SECTOR - start % SECTOR) as usize)];
        let begun = first.iter().zip(MAGIC).take_while(|&(&byte, magic)| byte == magic).count();
        if begun < MAGIC.len() && !zeros(&first[begun..]) {
            return Ok(false);
        }
        let mut sectors = std::iter::once(first).chain(self.buffer[first.len()..].chunks(SECTOR as usize));
        let missing = known_end > end || sectors.any(zeros);
        if header.is_some() {
            // Writing that stops at any byte before a frame is whole leaves MAC and end mark out.
            let stopped = || self.buffer.iter().rev().take(BEHIND_HASH).all(|&byte| byte == 0);
            return Ok((missing || stopped()) && self.is_zero(known_end, end)?);
        }
        // Writing that stops within the header leaves nothing behind it.
        if self.is_zero(start + HEADER_LEN as u64, end)? {
            return Ok(true);
        }
        Ok(missing
            && !self.lacks_only_magic()?
            && self.is_zero(start + FRAME_LIMIT as u64, end)?
            && self.next_frame(start + 1)?.is_none())
    }

    /// Tells whether one of the disk's sectors from one place to another is zeros. What lies in the first behind the frame
    /// before counts as one, for an earlier writing of it has left it; what a whole frame shares with the last does not.
    fn lacks_sectors(&mut self, from: u64, to: u64) -> io::Result<bool> {
        let to = if to < self.end { to - to % SECTOR } else { to };
        let mut at = from;
        while at < to {
            let next = to.min((at + 1).next_multiple_of(SEARCH));
            self.fill(at, next)?;
            let first = self.buffer.len().min((SECTOR - at % SECTOR) as usize);
            let (first, others) = self.buffer.split_at(first);
            let zeros = |sector: &[u8]| sector.iter().all(|&byte| byte == 0);
            if zeros(first) || others.chunks(SECTOR as usize).any(zeros) {
                return Ok(true);
            }
            at = next;
        }
        Ok(false)
    }

    /// Tells whether a whole frame would begin here if its first bytes were right.
    fn lacks_only_magic(&mut self) -> io::Result<bool> {
        self.fill(self.offset, self.end.min(self.offset + FRAME_LIMIT as u64))?;
        let Some(magic) = self.buffer.first_chunk_mut() else { return Ok(false) };
        *magic = MAGIC;
        let Some(Ok(header)) = self.buffer.first_chunk().map(FrameHeader::read) else { return Ok(false) };
        Ok(self.buffer.get(..header.length as usize).is_some_and(|bytes| Frame::check(bytes).is_ok()))
    }

    /// Finds the first record that a fault concerns.
    fn concerned(&mut self, fault: FrameFault, header: &FrameHeader) -> io::Result<Option<Concerned>> {
        let index = match fault {
            FrameFault::Record(index) => index,
            FrameFault::Hash => 0,
            _ => return Ok(None),
        };
        let start = self.offset;
        self.fill(start, self.end.min(start + u64::from(header.length)))?;
        let frame = Frame::checked(*header, &self.buffer);
        let range = frame.ranges().nth(index as usize);
        Ok(range.map(|range| Concerned {
            index,
            offset: start + range.start as u64,
            event_id: frame.record(index).and_then(|record| record.event_id()),
        }))
    }

    /// Tells whether a frame, or nothing more, is at `offset`.
    fn continues(&mut self, offset: u64) -> io::Result<bool> {
        if offset > self.end {
            return Ok(false);
        }
        self.fill(offset, self.end.min(offset + HEADER_LEN as u64))?;
        let frame = self.buffer.first_chunk().is_some_and(|head| FrameHeader::read(head).is_ok());
        Ok(frame || self.is_zero(offset, self.end)?)
    }

    /// Searches for the next whole frame.
    fn next_frame(&mut self, from: u64) -> io::Result<Option<u64>> {
        let mut at = from;
        while at < self.end {
            let next = self.end.min(at + SEARCH);
            self.fill(at, self.end.min(next + HEADER_LEN as u64))?;
            let head = self.buffer.windows(HEADER_LEN).take((next - at) as usize).zip(at..).find_map(
                |(window, start)| {
                    let head = window.first_chunk().filter(|head| head.starts_with(&MAGIC))?;
                    Some((start, FrameHeader::read(head).ok()?))
                },
            );
            let Some((start, header)) = head else {
                at = next;
                continue;
            };
            let frame_end = start + u64::from(header.length);
            if frame_end <= self.end {
                self.fill(start, frame_end)?;
                if Frame::check(&self.buffer).is_ok() {
                    return Ok(Some(start));
                }
            }
            at = start + 1;
        }
        Ok(None)
    }

    fn is_zero(&mut self, from: u64, to: u64) -> io::Result<bool> {
        let mut at = from;
        while at < to {
            let next = to.min(at + (64 << 10));
            self.fill(at, next)?;
            if self.buffer.iter().any(|&byte| byte != 0) {
                return Ok(false);
            }
            at = next;
        }
        Ok(true)
    }

    /// Fills the buffer with a range of the file. A file that is shorter by now, since its journal was closed
    /// meanwhile, ends there.
    fn fill(&mut self, from: u64, to: u64) -> io::Result<()> {
        self.buffer.resize(to.saturating_sub(from) as usize, 0);
        let mut filled = 0;
        while filled < self.buffer.len() {
            match self.segment.read_at(&mut self.buffer[filled..], from + filled as u64) {
                Ok(0) => {
                    self.buffer.truncate(filled);
                    self.end = self.end.min(from + filled as u64);
                }
                Ok(read) => {
                    filled += read;
                    self.bytes_read += read as u64;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

//! Reading one stream on, a batch at a time. Blocks on the disk.

use strongroom_journal::{
    JournalError, Position, Proof, Reader, Record, SealedFrame, Segment, SegmentId, StreamId,
};

use crate::DerivingError;
use crate::effect::Needs;
use crate::proving::Prover;

/// Records after which a batch is full; the last frame is taken whole.
const RECORDS: usize = 4096;
/// Bytes of the journal after which a batch is full.
const BYTES: u64 = 4 << 20;

/// A stream that is there.
pub(crate) struct Listed {
    pub(crate) stream: StreamId,
    /// The numbers of its segments, ascending.
    segments: Vec<u32>,
    /// Nothing will be added to it.
    pub(crate) is_closed: bool,
}

/// Lists the streams, closed ones first, older ones before newer ones.
pub(crate) fn list(journal: &Reader) -> Result<Vec<Listed>, JournalError> {
    let mut streams: Vec<Listed> = Vec::new();
    for segment in journal.segments()? {
        let SegmentId { stream, number } = segment.id;
        match streams.last_mut().filter(|last| last.stream == stream) {
            Some(last) => {
                last.segments.push(number);
                last.is_closed = segment.is_closed;
            }
            None => streams.push(Listed { stream, segments: vec![number], is_closed: segment.is_closed }),
        }
    }
    streams.sort_by_key(|listed| (!listed.is_closed, listed.stream));
    Ok(streams)
}

/// Where reading goes on in a stream.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Cursor {
    /// The number of the next record.
    pub(crate) next: u64,
    /// Where its frame begins: a segment, and a byte of it, 0 for the first frame. None if that must be looked for.
    at: Option<(u32, u64)>,
}

impl Cursor {
    /// Before the record of that number.
    pub(crate) fn before(next: u64) -> Self {
        Self { next, at: None }
    }
}

/// What was read.
pub(crate) struct Stretch {
    pub(crate) records: Vec<(Position, Record)>,
    /// What they take in the journal.
    pub(crate) bytes: u64,
    /// Where to go on.
    pub(crate) cursor: Cursor,
    /// What proves the frame that is next; none where nothing was proved yet.
    pub(crate) proof: Option<Proof>,
    /// There was nothing more.
    pub(crate) ended: bool,
    /// Records and places that could not be read.
    pub(crate) damaged: u64,
    /// Records that are proved to be nobody's: this seal's servers have not written them.
    pub(crate) planted: u64,
}

impl Stretch {
    fn is_full(&self) -> bool {
        self.records.len() >= RECORDS || self.bytes >= BYTES
    }

    fn proves(&mut self, prover: &Prover, segment: &Segment, frame: &SealedFrame) -> bool {
        if self.proof.is_none() {
            self.proof = prover.begin(segment);
        }
        self.proof.as_mut().is_some_and(|proof| proof.proves(frame))
    }
}

/// Reads the next records of a stream.
pub(crate) fn read(
    journal: &Reader,
    prover: &Prover,
    listed: &Listed,
    (from, proof): (Cursor, Option<Proof>),
    needs: Needs,
) -> Result<Stretch, JournalError> {
    let stream = listed.stream;
    let (records, cursor) = (Vec::new(), from);
    let mut stretch = Stretch { records, bytes: 0, cursor, proof, ended: false, damaged: 0, planted: 0 };
    let (first, mut offset) = match from.at {
        Some(at) => at,
        None => (find(journal, listed, from.next)?, 0),
    };
    for &number in listed.segments.iter().filter(|&&number| number >= first) {
        // One that is not there any more was old enough to go.
        if let Some(segment) = journal.segment(SegmentId { stream, number })? {
            read_segment(&segment, prover, offset, needs, &mut stretch)?;
        }
        if stretch.is_full() {
            return Ok(stretch);
        }
        offset = 0;
    }
    stretch.ended = true;
    Ok(stretch)
}

/// The last segment that begins at `next` or before it; the first, if there is none.
fn find(journal: &Reader, listed: &Listed, next: u64) -> Result<u32, JournalError> {
    let stream = listed.stream;
    for &number in listed.segments.iter().rev() {
        let segment = journal.segment(SegmentId { stream, number })?;
        if segment.and_then(|segment| segment.first_record()).is_some_and(|first| first <= next) {
            return Ok(number);
        }
    }
    Ok(listed.segments.first().copied().unwrap_or_default())
}

fn read_segment(
    segment: &Segment,
    prover: &Prover,
    offset: u64,
    needs: Needs,
    stretch: &mut Stretch,
) -> Result<(), JournalError> {
    let number = segment.id().number;
    stretch.cursor.at = Some((number, offset));
    for frame in segment.frames(offset)? {
        let frame = match frame {
            Ok(frame) => frame,
            Err(JournalError::Damaged { .. }) => {
                stretch.damaged += 1;
                continue;
            }
            Err(error) => return Err(error),
        };
        let (next, head) = (stretch.cursor.next, frame.head());
        let behind = frame.first_record() + u64::from(frame.count());
        // What was had lies before the frame that the proof is of.
        let is_behind = stretch.proof.as_ref().is_some_and(|proof| frame.sequence() < proof.frame());
        if is_behind && behind <= next {
            stretch.cursor.at = Some((number, head.offset + u64::from(head.length)));
            continue;
        }
        if !stretch.proves(prover, segment, &frame) {
            // It may say anything of its place.
            stretch.planted += u64::from(frame.count());
            stretch.cursor.at = Some((number, head.offset + u64::from(head.length)));
            continue;
        }
        let mut take = |(position, record): (Position, Result<_, _>)| {
            if position.record >= next {
                match record {
                    Ok(record) => stretch.records.push((position, record)),
                    Err(_) => stretch.damaged += 1,
                }
            }
        };
        match needs {
            Needs::Facts => frame.facts().for_each(&mut take),
            Needs::Everything => frame.decoded().for_each(&mut take),
        }
        if behind > next {
            stretch.cursor.next = behind;
            stretch.bytes += frame.length() as u64;
        }
        stretch.cursor.at = Some((number, head.offset + u64::from(head.length)));
        if stretch.is_full() {
            return Ok(());
        }
    }
    Ok(())
}

/// Records of one stream, and what proves them, as a [`Batch`](crate::Batch) had it that they were in, or an earlier one.
#[derive(Clone, Debug)]
pub struct Kept {
    /// The stream.
    pub stream: StreamId,
    /// The number of the first record.
    pub first: u64,
    /// The number of the last record.
    pub last: u64,
    /// [`Batch::proof`](crate::Batch::proof).
    pub proof: Option<Vec<u8>>,
}

/// Reads records again, in order. Blocks on the disk. What is damaged, planted, or not there any more, is passed over.
pub fn reread(
    journal: &Reader,
    prover: &Prover,
    kept: &Kept,
    mut take: impl FnMut(Record),
) -> Result<(), DerivingError> {
    let Some(listed) = list(journal)?.into_iter().find(|listed| listed.stream == kept.stream) else {
        return Ok(());
    };
    let noted = kept.proof.as_deref().map(|noted| prover.resume(kept.stream, noted));
    let mut from = (Cursor::before(kept.first), noted.transpose()?);
    loop {
        let stretch = read(journal, prover, &listed, from, Needs::Everything)?;
        let wanted = stretch.records.into_iter().filter(|(position, _)| position.record <= kept.last);
        wanted.for_each(|(_, record)| take(record));
        if stretch.ended || stretch.cursor.next > kept.last {
            return Ok(());
        }
        from = (stretch.cursor, stretch.proof);
    }
}

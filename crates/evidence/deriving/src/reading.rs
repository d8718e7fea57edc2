//! Reading one stream on, a batch at a time. Blocks on the disk.

use strongroom_journal::{JournalError, Position, Reader, Record, Segment, SegmentId, StreamId};

use crate::effect::{Batch, Needs};

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
    pub(crate) batch: Batch,
    /// Where to go on.
    pub(crate) cursor: Cursor,
    /// There was nothing more.
    pub(crate) ended: bool,
    /// Records and places that could not be read.
    pub(crate) damaged: u64,
}

/// Reads the next records of a stream.
pub(crate) fn read(
    journal: &Reader,
    listed: &Listed,
    from: Cursor,
    needs: Needs,
) -> Result<Stretch, JournalError> {
    let stream = listed.stream;
    let batch = Batch { stream, records: Vec::new(), bytes: 0 };
    let mut stretch = Stretch { batch, cursor: from, ended: false, damaged: 0 };
    let (first, mut offset) = match from.at {
        Some(at) => at,
        None => (find(journal, listed, from.next)?, 0),
    };
    for &number in listed.segments.iter().filter(|&&number| number >= first) {
        // One that is not there any more was old enough to go.
        if let Some(segment) = journal.segment(SegmentId { stream, number })? {
            read_segment(&segment, offset, needs, &mut stretch)?;
        }
        if is_full(&stretch.batch) {
            return Ok(stretch);
        }
        offset = 0;
    }
    stretch.ended = true;
    Ok(stretch)
}

fn is_full(batch: &Batch) -> bool {
    batch.records.len() >= RECORDS || batch.bytes >= BYTES
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
        let mut take = |(position, record): (Position, Result<_, _>)| {
            if position.record >= next {
                match record {
                    Ok(record) => stretch.batch.records.push((position, record)),
                    Err(_) => stretch.damaged += 1,
                }
            }
        };
        match needs {
            Needs::Facts => frame.facts().for_each(&mut take),
            Needs::Everything => frame.decoded().for_each(&mut take),
        }
        let behind = frame.first_record() + u64::from(frame.count());
        if behind > next {
            stretch.cursor.next = behind;
            stretch.batch.bytes += frame.length() as u64;
        }
        stretch.cursor.at = Some((number, head.offset + u64::from(head.length)));
        if is_full(&stretch.batch) {
            return Ok(());
        }
    }
    Ok(())
}

/// Reads the records of a stream from number `first` to `last` again, in order. Blocks on the disk. What is damaged, or
/// not there any more, is passed over.
pub fn reread(
    journal: &Reader,
    stream: StreamId,
    (first, last): (u64, u64),
    mut take: impl FnMut(Record),
) -> Result<(), JournalError> {
    let Some(listed) = list(journal)?.into_iter().find(|listed| listed.stream == stream) else {
        return Ok(());
    };
    let mut cursor = Cursor::before(first);
    loop {
        let stretch = read(journal, &listed, cursor, Needs::Everything)?;
        let wanted = stretch.batch.records.into_iter().filter(|(position, _)| position.record <= last);
        wanted.for_each(|(_, record)| take(record));
        cursor = stretch.cursor;
        if stretch.ended || cursor.next > last {
            return Ok(());
        }
    }
}

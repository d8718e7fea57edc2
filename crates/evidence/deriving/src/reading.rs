//! Reading one stream on, a batch at a time. Blocks on the disk.

use strongroom_journal::{
    JournalError, ListedSegment, Position, Proof, Reader, Record, SealedFrame, Segment, SegmentId, StreamId,
    Verdict,
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
    /// The first segment of the stream that seems to follow in its chain: whoever writes the journal's place may have put it there.
    next: Option<SegmentId>,
}

/// Lists the streams, those that others follow first, older ones before newer ones.
pub(crate) fn list(journal: &Reader) -> Result<Vec<Listed>, JournalError> {
    let mut streams: Vec<Listed> = Vec::new();
    for chain in journal.chains()? {
        let begins = streams.len();
        for ListedSegment { id, .. } in journal.clone().of_chain(&chain).segments()? {
            let own = streams.get_mut(begins..).unwrap_or_default();
            match own.last_mut() {
                Some(last) if last.stream == id.stream => last.segments.push(id.number),
                last => {
                    if let Some(last) = last {
                        last.next = Some(id);
                    }
                    streams.push(Listed { stream: id.stream, segments: vec![id.number], next: None });
                }
            }
        }
    }
    streams.sort_by_key(|listed| (listed.next.is_none(), listed.stream));
    Ok(streams)
}

/// Where reading goes on in a stream.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Cursor {
    /// The number of the next record.
    pub(crate) next: u64,
    /// Where its frame begins: a segment, and a byte of it, 0 for the first frame. None if that must be looked for.
    at: Option<(u32, u64)>,
    /// The stream's own word that nothing follows was there, and proved.
    closed: bool,
}

impl Cursor {
    /// Before the record of that number.
    pub(crate) fn before(next: u64) -> Self {
        Self { next, at: None, closed: false }
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
    /// Nothing will be added to the stream: it says so, or a stream follows it, and that is proved.
    pub(crate) is_over: bool,
    /// Records and places that could not be read.
    pub(crate) damaged: u64,
    /// Records that are proved to be nobody's: this seal's servers have not written them.
    pub(crate) planted: u64,
    /// Frames that were written and are not there.
    pub(crate) missing: u64,
    /// Damaged places and planted frames since the last frame that was proved: they account for as many.
    accounted: u64,
}

impl Stretch {
    fn begin((cursor, proof): (Cursor, Option<Proof>)) -> Self {
        let (records, bytes, ended, is_over) = (Vec::new(), 0, false, false);
        let (damaged, planted, missing, accounted) = (0, 0, 0, 0);
        Self { records, bytes, cursor, proof, ended, is_over, damaged, planted, missing, accounted }
    }

    fn is_full(&self) -> bool {
        self.records.len() >= RECORDS || self.bytes >= BYTES
    }
}

/// What is read, and with what.
pub(crate) struct Reading<'r> {
    pub(crate) journal: &'r Reader,
    pub(crate) prover: &'r Prover,
    pub(crate) listed: &'r Listed,
    pub(crate) needs: Needs,
}

impl Reading<'_> {
    /// Reads the next records of the stream.
    pub(crate) fn read(&self, from: (Cursor, Option<Proof>)) -> Result<Stretch, DerivingError> {
        let Self { journal, listed, .. } = self;
        let mut stretch = Stretch::begin(from);
        let (first, mut offset) = match stretch.cursor.at {
            Some(at) => at,
            None => (self.find(stretch.cursor.next)?, 0),
        };
        for &number in listed.segments.iter().filter(|&&number| number >= first) {
            // One that is not there any more was old enough to go.
            if let Some(segment) = journal.segment(SegmentId { stream: listed.stream, number })? {
                self.read_segment(&segment, offset, &mut stretch)?;
            }
            if stretch.is_full() {
                return Ok(stretch);
            }
            offset = 0;
        }
        stretch.ended = true;
        stretch.is_over = stretch.cursor.closed || self.is_followed()?;
        Ok(stretch)
    }

    /// The last segment that begins before `next`: empty frames that nobody has had may stand before one that begins there. The
    /// first, if there is none.
    fn find(&self, next: u64) -> Result<u32, JournalError> {
        let Listed { stream, ref segments, .. } = *self.listed;
        for &number in segments.iter().rev() {
            let segment = self.journal.segment(SegmentId { stream, number })?;
            if segment.and_then(|segment| segment.first_record()).is_some_and(|first| first < next) {
                return Ok(number);
            }
        }
        Ok(segments.first().copied().unwrap_or_default())
    }

    /// Whether a stream that this seal's servers have begun follows.
    fn is_followed(&self) -> Result<bool, JournalError> {
        let Some(next) = self.listed.next else { return Ok(false) };
        let segment = self.journal.segment(next)?;
        Ok(segment.is_some_and(|segment| self.prover.is_behind(&segment, self.listed.stream)))
    }

    /// Begins to prove the stream by what heads of its segments say, that of the one at hand before others.
    fn begin(&self, segment: &Segment) -> Result<Proof, DerivingError> {
        let Listed { stream, ref segments, .. } = *self.listed;
        let mut key_epoch = segment.key_epoch();
        for &number in segments {
            if key_epoch.is_none() {
                let other = self.journal.segment(SegmentId { stream, number })?;
                key_epoch = other.and_then(|other| other.key_epoch());
            }
        }
        self.prover.begin(stream, key_epoch)
    }

    fn proves(
        &self,
        segment: &Segment,
        frame: &SealedFrame,
        stretch: &mut Stretch,
    ) -> Result<bool, DerivingError> {
        let proof = match &mut stretch.proof {
            Some(proof) => proof,
            none => none.insert(self.begin(segment)?),
        };
        match proof.judge(frame) {
            Verdict::Genuine { missing } => {
                stretch.missing += missing.saturating_sub(std::mem::take(&mut stretch.accounted));
                Ok(true)
            }
            Verdict::Forged => {
                // It may say anything of its place.
                stretch.planted += u64::from(frame.count());
                stretch.accounted += 1;
                Ok(false)
            }
            Verdict::OutOfReach => Err(DerivingError::Unprovable { stream: frame.stream() }),
        }
    }

    fn read_segment(
        &self,
        segment: &Segment,
        offset: u64,
        stretch: &mut Stretch,
    ) -> Result<(), DerivingError> {
        let number = segment.id().number;
        stretch.cursor.at = Some((number, offset));
        for frame in segment.frames(offset)? {
            let frame = match frame {
                Ok(frame) => frame,
                Err(JournalError::Damaged { .. }) => {
                    stretch.damaged += 1;
                    stretch.accounted += 1;
                    continue;
                }
                Err(error) => return Err(error.into()),
            };
            let (next, head) = (stretch.cursor.next, frame.head());
            let behind = frame.first_record() + u64::from(frame.count());
            // What was had lies before the frame that the proof is of.
            let is_behind = stretch.proof.as_ref().is_some_and(|proof| frame.sequence() < proof.frame());
            let had = is_behind && behind <= next;
            if !had && self.proves(segment, &frame, stretch)? {
                let mut take = |(position, record): (Position, Result<_, _>)| {
                    if position.record >= next {
                        match record {
                            Ok(record) => stretch.records.push((position, record)),
                            Err(_) => stretch.damaged += 1,
                        }
                    }
                };
                match self.needs {
                    Needs::Facts => frame.facts().for_each(&mut take),
                    Needs::Everything => frame.decoded().for_each(&mut take),
                }
                if behind > next {
                    stretch.cursor.next = behind;
                    stretch.bytes += frame.length() as u64;
                }
                stretch.cursor.closed |= frame.is_end();
            }
            stretch.cursor.at = Some((number, head.offset + u64::from(head.length)));
            if stretch.is_full() {
                return Ok(());
            }
        }
        Ok(())
    }
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

/// Reads records again, in order. Blocks on the disk. What is damaged, planted, or not there any more, is passed over; answers
/// how many records and places were found to be damaged or planted, behind those asked for too. How many are wanted is for
/// whoever asks to know: what is not there leaves nothing to be counted.
pub fn reread(
    journal: &Reader,
    prover: &Prover,
    kept: &Kept,
    mut take: impl FnMut(Record),
) -> Result<u64, DerivingError> {
    let mut passed_over: u64 = 0;
    let Some(listed) = list(journal)?.into_iter().find(|listed| listed.stream == kept.stream) else {
        return Ok(passed_over);
    };
    let reading = Reading { journal, prover, listed: &listed, needs: Needs::Everything };
    let noted = kept.proof.as_deref().map(|noted| prover.resume(kept.stream, noted));
    let mut from = (Cursor::before(kept.first), noted.transpose()?);
    loop {
        let stretch = reading.read(from)?;
        passed_over = passed_over.saturating_add(stretch.damaged).saturating_add(stretch.planted);
        let wanted = stretch.records.into_iter().filter(|(position, _)| position.record <= kept.last);
        wanted.for_each(|(_, record)| take(record));
        if stretch.ended || stretch.cursor.next > kept.last {
            return Ok(passed_over);
        }
        from = (stretch.cursor, stretch.proof);
    }
}

//! Verification of one stream.

use super::anchors::{Anchors, Seen};
use super::trust::Trust;
use super::{Finding, FindingKind, Progress, Report};
use crate::chain::ChainKey;
use crate::checkpoint::Beginning;
use crate::error::JournalError;
use crate::frame::{Frame, FrameFault, Hash, Kind};
use crate::journal::Durability;
use crate::reader::SegmentId;
use crate::record::codec::Contexts;
use crate::segment::{Predecessor, SEGMENT_LIMIT, SealedHeader, SegmentContent, SegmentHeader};
use crate::storage::Storage;
use crate::stream::StreamId;
use crate::walk::{Damage, Step, Walk};

/// How many keys are computed to reach one frame: a forged number must not keep the verifier busy for ever.
const KEY_STEPS: u64 = 1 << 24;

/// The end of a stream, to be compared with what its successor says, and what it says of the stream before.
pub(super) struct Ending {
    stream: StreamId,
    frames: u64,
    /// None behind damage.
    last: Option<Hash>,
    /// A power cut, and nothing else, is taken to have left sectors out.
    lacks_sectors: bool,
    says: Says,
}

/// What a stream says of the one before it.
#[derive(Clone, Copy)]
enum Says {
    /// Its first segment's header could not be read.
    Unread,
    /// There was none.
    First,
    After(Predecessor),
}

impl Ending {
    /// Checks what the stream says of the one before it.
    pub(super) fn check_link(&self, before: Option<&Self>, report: &mut Report) {
        let mut found = |stream, kind, frame| {
            report.add(Finding { stream: Some(stream), frame, ..Finding::new(kind) });
        };
        match (self.says, before) {
            (Says::Unread, _) | (Says::First, None) => {}
            (Says::First, Some(before)) => found(before.stream, FindingKind::StreamMisplaced, None),
            (Says::After(said), Some(before)) if said.stream == before.stream => {
                if said.end.is_some() && before.lacks_sectors {
                    found(said.stream, FindingKind::MissingLater, None);
                }
                let (Some((frames, hash)), Some(last)) = (said.end, before.last) else { return };
                if frames > before.frames {
                    found(said.stream, FindingKind::StreamCut { frames }, Some(before.frames));
                } else if (frames, hash) != (before.frames, last) {
                    found(said.stream, FindingKind::Chain, Some(before.frames));
                }
            }
            (Says::After(said), Some(before)) if said.stream < before.stream => {
                found(before.stream, FindingKind::StreamMisplaced, None);
            }
            (Says::After(said), _) => found(said.stream, FindingKind::StreamMissing, None),
        }
    }
}

/// Verifies one stream; none if it has no segment.
pub(super) fn check(
    journal: &dyn Storage,
    stream: StreamId,
    newest: bool,
    trust: &Trust<'_>,
    anchors: &Anchors,
    report: &mut Report,
    progress: &mut impl FnMut(&Progress),
) -> Result<Option<Ending>, JournalError> {
    let listed = match journal.segments(stream) {
        Err(error)
            if is_missing(&error) && anchors.is_dropped(SegmentId { stream, number: u32::MAX }, trust) =>
        {
            return Ok(None);
        }
        listed => listed.map_err(JournalError::io("list", &journal.name_of_stream(stream)))?,
    };
    let note = |kind| Finding { stream: Some(stream), ..Finding::new(kind) };
    listed.strangers.into_iter().for_each(|path| report.add(note(FindingKind::Stranger(path))));
    let begins = anchors.begins().filter(|(_, begins)| begins.segment.stream == stream);
    let first = begins.map_or(0, |(_, begins)| begins.segment.number);
    let (gone, numbers): (Vec<u32>, Vec<u32>) =
        listed.numbers.into_iter().partition(|&number| number < first);
    if !gone.is_empty() {
        report.add(note(FindingKind::NotRemoved));
    }
    let Some(&last) = numbers.last() else {
        match begins {
            Some((_, Beginning { segment: SegmentId { number, .. }, .. })) => {
                report.add(note(FindingKind::SegmentsMissing { first: number, last: number }));
            }
            None if anchors.report_missing(stream, report) => {}
            None => report.add(note(FindingKind::NotBegun)),
        }
        return Ok(None);
    };
    let mut check = StreamCheck::new(stream, anchors.of(stream), report);
    check.begins = begins.map(|(checkpoint, begins)| (checkpoint, begins.header));
    if let Some((_, begins)) = begins {
        check.segment = begins.segment.number.saturating_sub(1);
        (check.next_frame, check.next_record) = (begins.frame, begins.record);
        check.previous = None;
        check.vouched = begins.frame;
        check.pass_heads(begins.frame);
    }
    for number in numbers {
        if check.report.is_full() {
            check.report.cut_short = true;
            break;
        }
        let Report { frames, records, .. } = *check.report;
        progress(&Progress { stream, segment: number, frames, records });
        let id = SegmentId { stream, number };
        let path = journal.name_of(id);
        let failed = || JournalError::io("read", &path);
        let content = match journal.open(id) {
            // Its time was up since it was listed.
            Err(error) if is_missing(&error) && anchors.is_dropped(id, trust) => {
                check.segment = number;
                check.lose();
                continue;
            }
            opened => opened.map_err(failed())?,
        };
        check.segment(&content, number, number == last, trust).map_err(failed())?;
    }
    if !check.closed && !newest {
        check.report.add(note(FindingKind::NotClosed));
    }
    if check.closed && check.lacks_sectors {
        check.report.add(note(FindingKind::MissingLater));
    }
    check.compare_end();
    let last = check.previous.filter(|_| !check.lost);
    let lacks_sectors = check.lacks_sectors && !check.closed;
    Ok(Some(Ending { stream, frames: check.next_frame, last, lacks_sectors, says: check.says }))
}

struct StreamCheck<'r> {
    stream: StreamId,
    report: &'r mut Report,
    /// The chain's key and the frame it belongs to; none until known, or once out of reach.
    key: Option<(ChainKey, u64)>,
    key_asked: bool,
    segment: u32,
    next_frame: u64,
    next_record: u64,
    /// The chain's last link; none at the beginning and behind damage.
    previous: Option<Hash>,
    /// Something was reported just before, so that the next frame may be any later one.
    lost: bool,
    /// What was reported just before is that sectors are missing: so may be frames.
    unflushed: bool,
    /// That was reported somewhere in the stream.
    lacks_sectors: bool,
    /// When records of the segment at hand counted as written.
    durability: Durability,
    /// The segment at hand belongs elsewhere.
    misplaced: bool,
    closed: bool,
    says: Says,
    /// What checkpoints saw of the stream and is still to be compared.
    heads: &'r [Seen],
    /// The header that the journal is to begin with, and the checkpoint that says so.
    begins: Option<(u64, Hash)>,
    /// A checkpoint says that there were this many frames: computing their keys is worth the time.
    vouched: u64,
}

impl<'r> StreamCheck<'r> {
    fn new(stream: StreamId, heads: &'r [Seen], report: &'r mut Report) -> Self {
        Self {
            stream,
            report,
            key: None,
            key_asked: false,
            segment: 0,
            next_frame: 0,
            next_record: 0,
            previous: Some([0; 32]),
            lost: false,
            unflushed: false,
            lacks_sectors: false,
            durability: Durability::Sync,
            misplaced: false,
            closed: false,
            says: Says::Unread,
            heads,
            begins: None,
            vouched: 0,
        }
    }

    fn segment(
        &mut self,
        content: &SegmentContent,
        number: u32,
        last: bool,
        trust: &Trust<'_>,
    ) -> std::io::Result<()> {
        self.report.segments += 1;
        if number > self.segment + 1 {
            let missing = FindingKind::SegmentsMissing { first: self.segment + 1, last: number - 1 };
            self.found(missing, None);
            self.lose();
        }
        self.segment = number;
        self.misplaced = false;
        self.durability = Durability::Sync;
        if self.closed {
            self.found(FindingKind::BehindEnd, Some(0));
        }
        if content.length()? > SEGMENT_LIMIT {
            self.found(FindingKind::BehindEnd, Some(SEGMENT_LIMIT));
        }
        match SegmentHeader::read(content)? {
            Ok(sealed) => self.header(&sealed, trust),
            Err(fault) => {
                self.found(FindingKind::SegmentHeader(fault), Some(0));
                self.previous = None;
                self.lost = true;
            }
        }
        self.frames(content, last)?;
        for (first, last) in content.lost() {
            self.found(FindingKind::Decompression { first, last }, Some(first));
        }
        Ok(())
    }

    fn header(&mut self, sealed: &SealedHeader, trust: &Trust<'_>) {
        let header = &sealed.header;
        if header.stream != self.stream
            || header.number != self.segment
            || header.first_frame < self.next_frame
        {
            let (stream, number) = (header.stream, header.number);
            self.found(FindingKind::SegmentMisplaced { stream, number }, Some(0));
            self.misplaced = true;
            self.lose();
            return;
        }
        if let Some((checkpoint, _)) = self.begins.take().filter(|(_, hash)| *hash != sealed.hash) {
            self.found(FindingKind::BeginningDiffers { checkpoint }, Some(0));
        }
        if let Some(key) = trust.mac_key.as_ref().filter(|_| !self.key_asked) {
            self.key_asked = true;
            match key(header.key_epoch).and_then(|key| ChainKey::first(&key, self.stream).ok()) {
                Some(first) => self.key = Some((first, 0)),
                None => self.found(FindingKind::KeyUnknown(header.key_epoch), Some(0)),
            }
        }
        if self.signed(header.first_frame, |key| key.segment_mac_is(&sealed.hash, &sealed.mac)) == Some(false)
        {
            self.found(FindingKind::SegmentMac, Some(0));
            self.lose();
            return;
        }
        if header.number == 1 {
            self.says = header.predecessor.map_or(Says::First, Says::After);
        }
        self.expect(header.first_frame, header.first_record, header.previous, 0);
        self.next_frame = header.first_frame;
        self.next_record = header.first_record;
        self.previous = Some(sealed.hash);
        self.durability = header.durability;
        if header.first_frame == 0 {
            self.compare_heads(&sealed.hash, 0);
        }
    }

    fn frames(&mut self, content: &SegmentContent, last: bool) -> std::io::Result<()> {
        let mut walk = Walk::new(content, None)?;
        loop {
            if self.report.is_full() {
                self.report.cut_short = true;
                return Ok(());
            }
            match walk.step()? {
                // Reported as a whole; its frames belong elsewhere.
                Step::Frame { .. } if self.misplaced => {}
                Step::Frame { offset, .. } if self.closed => {
                    self.found(FindingKind::BehindEnd, Some(offset));
                    return Ok(());
                }
                Step::Frame { offset, frame } => self.frame(offset, &frame),
                Step::End { offset } => {
                    // Only the last segment of a stream that was not closed has a preallocated tail.
                    if (!last || self.closed) && content.length()? > offset {
                        self.found(FindingKind::BehindEnd, Some(offset));
                    }
                    return Ok(());
                }
                Step::Torn { offset } => {
                    if last && !self.closed {
                        self.found(FindingKind::TornFrame, Some(offset));
                    } else {
                        self.found(FindingKind::Frame(FrameFault::Incomplete), Some(offset));
                        self.lose();
                    }
                    return Ok(());
                }
                Step::Damaged(damage) if last && self.may_be_unflushed(&damage) => {
                    self.found(FindingKind::Unflushed, Some(damage.offset));
                    self.lacks_sectors = true;
                    self.pass(&damage);
                    self.unflushed = true;
                }
                Step::Damaged(damage) => self.damage(&damage),
            }
        }
    }

    fn frame(&mut self, offset: u64, frame: &Frame<'_>) {
        let header = &frame.header;
        if header.sequence < self.next_frame {
            self.found_at(FindingKind::FrameMisplaced, offset, frame);
            return;
        }
        if !frame.is_marked() {
            self.found_at(FindingKind::Frame(FrameFault::EndMark), offset, frame);
        }
        if self.signed(header.sequence, |key| key.frame_mac_is(&frame.hash(), &frame.mac())) == Some(false) {
            self.found_at(FindingKind::FrameMac, offset, frame);
            // What it says of itself counts only where it agrees with what stands before it.
            if header.sequence == self.next_frame {
                self.next_frame += 1;
                self.next_record = header.next_record();
            }
            self.lose();
            return;
        }
        self.expect(header.sequence, header.first_record, header.previous, offset);
        self.next_frame = header.sequence;
        self.next_record = header.first_record;
        self.decode(offset, frame);
        if frame.is_marked() {
            self.report.frames += 1;
            self.report.records += u64::from(header.count);
            self.report.unsigned_records += u64::from(header.count);
        }
        self.next_frame += 1;
        self.next_record = header.next_record();
        self.previous = Some(frame.hash());
        self.closed = header.kind == Kind::End;
        self.compare_heads(&frame.hash(), offset);
    }

    /// Compares the last link with what checkpoints saw at this place.
    fn compare_heads(&mut self, hash: &Hash, offset: u64) {
        self.pass_heads(self.next_frame);
        while let Some((seen, rest)) =
            self.heads.split_first().filter(|(seen, _)| seen.frames == self.next_frame)
        {
            self.heads = rest;
            if seen.hash != *hash || seen.records != self.next_record {
                let differs =
                    self.finding(FindingKind::HeadDiffers { checkpoint: seen.checkpoint }, Some(offset));
                self.report.add(Finding { frame: seen.frames.checked_sub(1), ..differs });
                // The others would say the same.
                self.heads = &[];
            } else {
                // This link stands for all before it.
                self.report.is_signed = true;
                self.report.unsigned_records = 0;
            }
        }
    }

    /// Leaves out what was seen of frames before this one, which are gone or damaged.
    fn pass_heads(&mut self, frames: u64) {
        let passed = self.heads.partition_point(|seen| seen.frames < frames);
        self.heads = self.heads.get(passed..).unwrap_or_default();
    }

    /// Reports what checkpoints saw behind the stream's end.
    fn compare_end(&mut self) {
        self.pass_heads(self.next_frame.saturating_add(1));
        if let Some(&Seen { checkpoint, frames, records, .. }) = self.heads.last() {
            self.found(FindingKind::EndMissing { checkpoint, frames, records }, None);
        }
    }

    /// Reads each record: intact bytes that this version cannot read are worth a note.
    fn decode(&mut self, offset: u64, frame: &Frame<'_>) {
        let mut contexts = Contexts::default();
        for ((index, range), record) in (0_u32..).zip(frame.ranges()).zip(frame.records()) {
            if !record.is_readable(&mut contexts) {
                let note = self.finding(FindingKind::Unreadable, Some(offset + range.start as u64));
                let record = Some(frame.header.first_record + u64::from(index));
                self.report.add(Finding { record, ..note });
            }
        }
    }

    fn damage(&mut self, damage: &Damage) {
        let known = damage.header.filter(|header| header.sequence >= self.next_frame);
        let finding = self.finding(FindingKind::Frame(damage.fault), Some(damage.offset));
        self.report.add(match (&known, &damage.record) {
            (Some(header), Some(record)) => Finding {
                frame: Some(header.sequence),
                record: Some(header.first_record + u64::from(record.index)),
                offset: Some(record.offset),
                event_id: record.event_id,
                ..finding
            },
            _ => finding,
        });
        self.pass(damage);
    }

    /// Goes on behind damage.
    fn pass(&mut self, damage: &Damage) {
        if let Some(header) = damage.header.filter(|header| header.sequence >= self.next_frame) {
            self.next_frame = header.sequence + 1;
            self.next_record = header.next_record();
        }
        self.lose();
    }

    /// Tells whether a power cut explains the damage: it is in a stream that was not closed, records counted before they
    /// were flushed, and no checkpoint saw what is missing. Whatever one names is on the disk.
    fn may_be_unflushed(&self, damage: &Damage) -> bool {
        let seen = self.heads.last().map_or(0, |seen| seen.frames);
        damage.lacks_sectors
            && self.durability == Durability::Written
            && !self.closed
            && !self.misplaced
            && seen <= self.next_frame
    }

    /// Compares a frame's or segment's place with the one expected here.
    fn expect(&mut self, frame: u64, record: u64, previous: Hash, offset: u64) {
        let skipped = frame > self.next_frame + u64::from(self.lost);
        if skipped && !(self.lost && (offset == 0 || self.unflushed)) {
            let first = self.next_frame;
            self.found(FindingKind::FramesMissing { first, last: frame - 1 }, Some(offset));
        } else if !self.lost && (frame != self.next_frame || record != self.next_record)
            || self.previous.is_some_and(|expected| expected != previous)
        {
            self.found(FindingKind::Chain, Some(offset));
        }
        self.lost = false;
        self.unflushed = false;
    }

    /// Asks the key of a frame; none without a key. A refused answer does not move the key on.
    fn signed(&mut self, frame: u64, check: impl FnOnce(&ChainKey) -> bool) -> Option<bool> {
        let (mut key, mut at) = self.key.take()?;
        let before = (frame > at).then(|| (key.clone(), at));
        while at < frame {
            if (frame - at > KEY_STEPS && frame > self.vouched) || key.evolve().is_err() {
                self.found(FindingKind::KeyOutOfReach, None);
                return None;
            }
            at += 1;
        }
        let good = check(&key);
        self.key = before.filter(|_| !good).or(Some((key, at)));
        Some(good)
    }

    fn lose(&mut self) {
        self.previous = None;
        self.lost = true;
        self.unflushed = false;
    }

    fn found(&mut self, kind: FindingKind, offset: Option<u64>) {
        let finding = self.finding(kind, offset);
        self.report.add(finding);
    }

    /// Reports a frame under the numbers it gives itself.
    fn found_at(&mut self, kind: FindingKind, offset: u64, frame: &Frame<'_>) {
        let finding = self.finding(kind, Some(offset));
        self.report.add(Finding {
            frame: Some(frame.header.sequence),
            record: Some(frame.header.first_record),
            event_id: frame.record(0).and_then(|record| record.event_id()),
            ..finding
        });
    }

    fn finding(&self, kind: FindingKind, offset: Option<u64>) -> Finding {
        Finding {
            stream: Some(self.stream),
            segment: Some(self.segment),
            offset,
            frame: Some(self.next_frame),
            record: Some(self.next_record),
            ..Finding::new(kind)
        }
    }
}

fn is_missing(error: &std::io::Error) -> bool {
    error.kind() == std::io::ErrorKind::NotFound
}

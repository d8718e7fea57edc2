//! Verification of checkpoints: of those in the journal's folder among themselves, and of those that were kept
//! elsewhere with them. What they say of streams is compared where the streams are walked.

use std::collections::BTreeMap;
use std::path::Path;

use super::trust::Trust;
use super::{Finding, FindingKind, Report};
use crate::checkpoint::{Beginning, Broken, Checkpoint, CheckpointFiles, Head, NotACheckpoint};
use crate::error::JournalError;
use crate::frame::Hash;
use crate::reader::SegmentId;
use crate::stream::StreamId;

/// What signed checkpoints say of the journal.
pub(super) struct Anchors {
    files: CheckpointFiles,
    heads: BTreeMap<StreamId, Vec<Seen>>,
    begins: Option<(u64, Beginning)>,
}

/// How far a checkpoint saw a stream.
#[derive(Clone, Copy)]
pub(super) struct Seen {
    pub(super) checkpoint: u64,
    pub(super) frames: u64,
    pub(super) records: u64,
    pub(super) hash: Hash,
}

impl Anchors {
    /// Reads and judges all checkpoints.
    pub(super) fn read(journal: &Path, trust: &Trust<'_>, report: &mut Report) -> Result<Self, JournalError> {
        let files = CheckpointFiles::of_journal(journal);
        let mut anchors = Self { files, heads: BTreeMap::new(), begins: None };
        let mut chain = Chain::new(trust);
        let list = anchors.files.list().map_err(JournalError::io("list", anchors.files.dir()))?;
        for (index, &number) in list.iter().enumerate() {
            let path = anchors.files.path(number);
            let read = anchors.files.read(number).map_err(JournalError::io("read", &path))?;
            for checkpoint in read.checkpoints {
                if report.is_full() {
                    break;
                }
                if chain.takes(&checkpoint, report) {
                    anchors.believe(&checkpoint);
                }
            }
            match read.broken {
                None => {}
                Some((_, Broken::Torn)) if index + 1 == list.len() => {
                    report.findings.push(Finding::new(FindingKind::CheckpointTorn));
                }
                Some((at, broken)) => {
                    let fault = match broken {
                        Broken::Not(fault) => fault,
                        Broken::Torn => NotACheckpoint::Text,
                    };
                    report.findings.push(Finding::new(FindingKind::CheckpointFile { path, at, fault }));
                    chain.lose();
                }
            }
        }
        let newest = chain.end(report);
        report.checkpoints = chain.count;
        report.newest_checkpoint = newest;
        anchors.compare(trust, &chain, report);
        anchors.begins = chain.begins;
        report.begins = anchors.begins.map(|(_, begins)| begins);
        for seen in anchors.heads.values_mut() {
            seen.sort_unstable_by_key(|seen| (seen.frames, seen.checkpoint));
        }
        Ok(anchors)
    }

    /// Compares checkpoints that were kept elsewhere with the journal's own.
    fn compare(&mut self, trust: &Trust<'_>, chain: &Chain<'_>, report: &mut Report) {
        for anchor in &trust.anchors {
            let number = anchor.number;
            let mut found = |kind| report.findings.push(Finding::new(kind));
            if !anchor.is_signed() {
                found(FindingKind::CheckpointSignature { number });
                continue;
            }
            if !chain.knows_key_of(anchor) {
                found(FindingKind::CheckpointKey { number, epoch: anchor.key_epoch });
                continue;
            }
            match chain.compared.get(&number) {
                Some(hash) if *hash != anchor.hash() => found(FindingKind::CheckpointDiffers { number }),
                None if chain.last.is_none_or(|(newest, _)| number > newest) => {
                    let newest = chain.last.map_or(0, |(newest, _)| newest);
                    found(FindingKind::RolledBack { number, newest });
                }
                // The same, or from before the first one that is kept.
                Some(_) | None => {}
            }
            self.believe(anchor);
        }
    }

    fn believe(&mut self, checkpoint: &Checkpoint) {
        for &Head { stream, frames, records, hash } in &checkpoint.heads {
            let seen = Seen { checkpoint: checkpoint.number, frames, records, hash };
            self.heads.entry(stream).or_default().push(seen);
        }
    }

    /// What was seen of a stream, least first.
    pub(super) fn of(&self, stream: StreamId) -> &[Seen] {
        self.heads.get(&stream).map_or(&[], Vec::as_slice)
    }

    /// Where the journal begins, and the checkpoint that says so; none if nothing was dropped.
    pub(super) fn begins(&self) -> Option<(u64, Beginning)> {
        self.begins
    }

    /// Tells whether a segment's time was up, at the beginning or, beside a running server, by now.
    pub(super) fn is_dropped(&self, segment: SegmentId, trust: &Trust<'_>) -> bool {
        let dropped = |begins: Option<Beginning>| begins.is_some_and(|begins| segment < begins.segment);
        let newer = || {
            let (_, newest) = self.files.newest().ok()??;
            (newest.is_signed() && trust.knows_key_of(&newest)).then_some(newest.begins).flatten()
        };
        dropped(self.begins.map(|(_, begins)| begins)) || dropped(newer())
    }

    /// Reports the ends of streams that are not there at all.
    pub(super) fn report_missing(&self, listed: &[StreamId], report: &mut Report) {
        for (&stream, seen) in &self.heads {
            let is_dropped = self.begins.is_some_and(|(_, begins)| stream < begins.segment.stream);
            if is_dropped || listed.contains(&stream) {
                continue;
            }
            if let Some(&Seen { checkpoint, frames, records, .. }) = seen.last() {
                let kind = FindingKind::EndMissing { checkpoint, frames, records };
                let place =
                    Finding { stream: Some(stream), frame: Some(0), record: Some(0), ..Finding::new(kind) };
                report.findings.push(place);
            }
        }
    }
}

/// The journal's checkpoints, one after the other.
struct Chain<'t> {
    trust: &'t Trust<'t>,
    /// Keys to which a key that is believed handed over.
    heirs: Vec<strongroom_crypto::ed25519::PublicKey>,
    /// Number of the first one, unless damage stands before it.
    first: Option<u64>,
    /// Number and hash of the last one; none at the beginning.
    last: Option<(u64, Hash)>,
    newest: Option<(u64, i64)>,
    /// Damage stands before the next one.
    lost: bool,
    count: u64,
    /// Intact ones by keys that are not believed: the next one that is, and that follows from them, vouches for them.
    unvouched: Vec<(u64, u32)>,
    begins: Option<(u64, Beginning)>,
    /// Hashes of those with which others are to be compared.
    compared: BTreeMap<u64, Hash>,
    wanted: Vec<u64>,
}

impl<'t> Chain<'t> {
    fn new(trust: &'t Trust<'t>) -> Self {
        Self {
            trust,
            heirs: Vec::new(),
            first: None,
            last: None,
            newest: None,
            lost: false,
            count: 0,
            unvouched: Vec::new(),
            begins: None,
            compared: BTreeMap::new(),
            wanted: trust.anchors.iter().map(|anchor| anchor.number).collect(),
        }
    }

    fn knows_key_of(&self, checkpoint: &Checkpoint) -> bool {
        self.trust.knows_key_of(checkpoint) || self.heirs.contains(&checkpoint.key)
    }

    fn lose(&mut self) {
        self.lost = true;
    }

    /// Judges the next checkpoint; tells whether it may be believed.
    fn takes(&mut self, checkpoint: &Checkpoint, report: &mut Report) -> bool {
        let number = checkpoint.number;
        let mut found = |kind| report.findings.push(Finding::new(kind));
        if !checkpoint.is_signed() {
            found(FindingKind::CheckpointSignature { number });
            self.lose();
            return false;
        }
        let hash = checkpoint.hash();
        match self.last {
            Some((last, _)) if number <= last => {
                found(FindingKind::CheckpointChain { number });
                return false;
            }
            Some((last, _)) if number > last + 1 => {
                if !self.lost {
                    found(FindingKind::CheckpointsMissing { first: last + 1, last: number - 1 });
                }
                self.unvouched.clear();
            }
            Some((_, previous)) if previous != checkpoint.previous => {
                found(FindingKind::CheckpointChain { number });
                self.unvouched.clear();
            }
            Some(_) => {}
            None => self.first = Some(number).filter(|_| !self.lost),
        }
        self.lost = false;
        self.last = Some((number, hash));
        self.newest = Some((number, checkpoint.time_ms));
        self.count += 1;
        if self.wanted.contains(&number) {
            self.compared.insert(number, hash);
        }
        if self.knows_key_of(checkpoint) {
            self.unvouched.clear();
            self.heirs.extend(checkpoint.next_key.map(|(_, key)| key));
            if let Some(begins) = checkpoint.begins {
                self.begins = Some((number, begins));
            }
        } else {
            self.unvouched.push((number, checkpoint.key_epoch));
        }
        true
    }

    /// Reports what is missing at the beginning, and what nobody vouches for; returns number and time of the newest checkpoint.
    fn end(&mut self, report: &mut Report) -> Option<(u64, i64)> {
        let kept = self.begins.map_or(1, |(_, begins)| begins.checkpoint);
        if let Some(first) = self.first.filter(|&first| first > kept) {
            let kind = FindingKind::CheckpointsMissing { first: kept, last: first - 1 };
            report.findings.push(Finding::new(kind));
        }
        if let Some(&(number, epoch)) = self.unvouched.first() {
            report.findings.push(Finding::new(FindingKind::CheckpointKey { number, epoch }));
        }
        self.newest
    }
}

//! What signed checkpoints say of the journal: those in its folder, and those that were kept elsewhere. What they say of
//! streams is compared where the streams are walked.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use strongroom_crypto::ed25519::PublicKey;

use super::signatures::Chain;
use super::trust::Trust;
use super::{Finding, FindingKind, Report};
use crate::checkpoint::{Beginning, Broken, Checkpoint, CheckpointStore, Head, NotACheckpoint};
use crate::error::JournalError;
use crate::frame::Hash;
use crate::reader::SegmentId;
use crate::storage::Storage;
use crate::stream::StreamId;

/// What signed checkpoints say of the journal.
pub(super) struct Anchors {
    files: Arc<dyn CheckpointStore>,
    heads: BTreeMap<StreamId, Vec<Seen>>,
    begins: Option<(u64, Beginning)>,
    /// Keys that signed what is believed, with their epochs.
    keys: Vec<Key>,
    /// A file of checkpoints that was listed was gone when it was to be read.
    missed: bool,
}

/// The public half of a key for checkpoints, behind its epoch.
pub(super) type Key = (u32, PublicKey);

/// How far a checkpoint saw a stream.
#[derive(Clone, Copy)]
pub(super) struct Seen {
    pub(super) checkpoint: u64,
    pub(super) frames: u64,
    pub(super) records: u64,
    pub(super) hash: Hash,
}

impl Anchors {
    /// Reads and judges all checkpoints, and compares those that were `kept` elsewhere.
    pub(super) fn read(
        journal: &dyn Storage,
        kept: &[&Checkpoint],
        trust: &Trust<'_>,
        report: &mut Report,
    ) -> Result<Self, JournalError> {
        let files = journal.checkpoints();
        let mut chain = Chain::new(trust, kept);
        let mut missed = false;
        let list = files.list().map_err(JournalError::io("list", &files.name()))?;
        for (index, &number) in list.iter().enumerate() {
            let path = files.name_of(number);
            let read = match files.read(number) {
                // A running server dropped it, because its time was up.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    missed = true;
                    continue;
                }
                read => read.map_err(JournalError::io("read", &path))?,
            };
            for checkpoint in read.checkpoints {
                if report.is_full() {
                    report.cut_short = true;
                    break;
                }
                chain.take(checkpoint, report);
            }
            match read.broken {
                None => {}
                Some((_, Broken::Torn)) if index + 1 == list.len() => {
                    report.add(Finding::new(FindingKind::CheckpointTorn));
                }
                Some((at, broken)) => {
                    let fault = match broken {
                        Broken::Not(fault) => fault,
                        Broken::Torn => NotACheckpoint::Text,
                    };
                    report.add(Finding::new(FindingKind::CheckpointFile { path, at, fault }));
                    chain.lose();
                }
            }
        }
        chain.end(report);
        report.checkpoints = chain.count;
        report.newest_checkpoint = chain.newest();
        let begins = chain.begins();
        report.begins = begins.map(|(_, begins)| begins);
        let heads = std::mem::take(&mut chain.heads);
        let mut anchors = Self { files, heads: BTreeMap::new(), begins, keys: Vec::new(), missed };
        for (checkpoint, heads) in &heads {
            anchors.believe(*checkpoint, heads);
        }
        anchors.compare(kept, &chain, report);
        anchors.keys = chain.keys;
        for seen in anchors.heads.values_mut() {
            seen.sort_unstable_by_key(|seen| (seen.frames, seen.checkpoint));
        }
        Ok(anchors)
    }

    /// Compares checkpoints that were kept elsewhere with the journal's own.
    fn compare(&mut self, kept: &[&Checkpoint], chain: &Chain<'_>, report: &mut Report) {
        for &anchor in kept {
            let number = anchor.number;
            let known = chain.hash_of(number);
            let mut found = |kind| report.add(Finding::new(kind));
            // One of the journal's own, which are believed already.
            if known == Some(anchor.hash()) && anchor.is_signed() {
                continue;
            }
            if !anchor.is_signed() {
                found(FindingKind::CheckpointSignature { number });
                continue;
            }
            if !chain.knows_key_of(anchor) {
                found(FindingKind::CheckpointKey { number, epoch: anchor.key_epoch });
                continue;
            }
            match (known, chain.newest()) {
                (Some(_), _) => found(FindingKind::CheckpointDiffers { number }),
                (None, Some((newest, _))) if number <= newest => {
                    // From before the first one that is kept, or missing, which was told.
                }
                (None, newest) => {
                    let newest = newest.map_or(0, |(newest, _)| newest);
                    found(FindingKind::RolledBack { number, newest });
                }
            }
            self.believe(number, &anchor.heads);
        }
    }

    fn believe(&mut self, checkpoint: u64, heads: &[Head]) {
        for &Head { stream, frames, records, hash } in heads {
            let seen = Seen { checkpoint, frames, records, hash };
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
        dropped(self.begins.map(|(_, begins)| begins)) || dropped(self.newest_beginning(trust))
    }

    /// Tells whether a running server has moved the journal's beginning since these were read.
    pub(super) fn have_moved(&self, trust: &Trust<'_>) -> bool {
        let now = self.newest_beginning(trust).map(|begins| begins.segment);
        self.missed || now > self.begins.map(|(_, begins)| begins.segment)
    }

    /// Where the newest checkpoint that can be believed says by now that the journal begins.
    fn newest_beginning(&self, trust: &Trust<'_>) -> Option<Beginning> {
        let believed = |checkpoint: &Checkpoint| {
            let named = (checkpoint.key_epoch, checkpoint.key);
            (trust.knows_key_of(checkpoint) || self.keys.contains(&named)) && checkpoint.is_signed()
        };
        self.files.newest(&believed).ok()??.begins
    }

    /// Reports the ends of streams that are not there at all.
    pub(super) fn report_all_missing(&self, listed: &[StreamId], report: &mut Report) {
        for &stream in self.heads.keys() {
            let is_dropped = self.begins.is_some_and(|(_, begins)| stream < begins.segment.stream);
            if !is_dropped && !listed.contains(&stream) {
                self.report_missing(stream, report);
            }
        }
    }

    /// Reports that nothing of a stream is there, if any checkpoint saw something of it; tells whether one did.
    pub(super) fn report_missing(&self, stream: StreamId, report: &mut Report) -> bool {
        let Some(&Seen { checkpoint, frames, records, .. }) = self.of(stream).last() else { return false };
        let kind = FindingKind::EndMissing { checkpoint, frames, records };
        report.add(Finding { stream: Some(stream), frame: Some(0), record: Some(0), ..Finding::new(kind) });
        true
    }
}

//! The journal's checkpoints among themselves: which of them are believed, and what is missing between them.
//!
//! A checkpoint is believed if a key signed it that is trusted, or to which one handed over that is. Others are believed
//! only for what follows from them: if they are a run in which each key handed over to the next one, of a later epoch,
//! and the last of them to the key of a believed one that names them by hash. So whoever knows a later key can follow an
//! earlier one back. All the others count for nothing, whoever names them.

use std::collections::{BTreeMap, BTreeSet};

use super::anchors::Key;
use super::trust::Trust;
use super::{Finding, FindingKind, Report};
use crate::checkpoint::{Beginning, Checkpoint, Head};
use crate::frame::Hash;

/// The journal's checkpoints, one after the other.
pub(super) struct Chain<'t> {
    trust: &'t Trust<'t>,
    /// Keys that signed what is believed, or were handed over to.
    pub(super) keys: Vec<Key>,
    /// Number of the first one, unless damage stands before it.
    first: Option<u64>,
    /// The last one that is believed.
    last: Option<Link>,
    /// Damage stands before the next one.
    lost: bool,
    pub(super) count: u64,
    /// Intact ones by a key that is not known, each following from the one before it.
    unvouched: Vec<Unvouched>,
    begins: Option<(u64, Beginning)>,
    /// What those that are believed saw, by their numbers.
    pub(super) heads: Vec<(u64, Vec<Head>)>,
    /// Hashes of those with which others are to be compared.
    compared: BTreeMap<u64, Hash>,
    wanted: BTreeSet<u64>,
}

/// What the next checkpoint follows from.
#[derive(Clone, Copy)]
struct Link {
    number: u64,
    time_ms: i64,
    hash: Hash,
    epoch: u32,
}

struct Unvouched {
    link: Link,
    key: Key,
    next_key: Option<Key>,
    previous: Hash,
    heads: Vec<Head>,
}

impl Unvouched {
    fn of(checkpoint: Checkpoint) -> Self {
        let Checkpoint { key, next_key, previous, .. } = checkpoint;
        let link = Link::of(&checkpoint);
        Self { link, key: (link.epoch, key), next_key, previous, heads: checkpoint.heads }
    }

    /// Tells whether this one leads to a checkpoint by another key.
    fn hands_over_to(&self, next: &Checkpoint) -> bool {
        self.link.is_before(next)
            && self.next_key == Some((next.key_epoch, next.key))
            && self.link.epoch < next.key_epoch
    }

    /// Tells whether a checkpoint follows from this one.
    fn leads_to(&self, next: &Checkpoint) -> bool {
        let same_key = self.key == (next.key_epoch, next.key) && self.link.is_before(next);
        same_key || self.hands_over_to(next)
    }
}

impl Link {
    fn of(checkpoint: &Checkpoint) -> Self {
        let &Checkpoint { number, time_ms, key_epoch: epoch, .. } = checkpoint;
        Self { number, time_ms, hash: checkpoint.hash(), epoch }
    }

    fn is_before(&self, next: &Checkpoint) -> bool {
        self.number.checked_add(1) == Some(next.number) && self.hash == next.previous
    }
}

impl<'t> Chain<'t> {
    pub(super) fn new(trust: &'t Trust<'t>, kept: &[&Checkpoint]) -> Self {
        Self {
            trust,
            keys: Vec::new(),
            first: None,
            last: None,
            lost: false,
            count: 0,
            unvouched: Vec::new(),
            begins: None,
            heads: Vec::new(),
            compared: BTreeMap::new(),
            wanted: kept.iter().map(|kept| kept.number).collect(),
        }
    }

    /// Tells whether a checkpoint names a key that is trusted, or to which one handed over that is.
    pub(super) fn knows_key_of(&self, checkpoint: &Checkpoint) -> bool {
        self.trust.knows_key_of(checkpoint) || self.keys.contains(&(checkpoint.key_epoch, checkpoint.key))
    }

    /// The hash of the believed checkpoint of this number, if it was asked for.
    pub(super) fn hash_of(&self, number: u64) -> Option<Hash> {
        self.compared.get(&number).copied()
    }

    /// Number and time of the newest that is believed.
    pub(super) fn newest(&self) -> Option<(u64, i64)> {
        self.last.map(|last| (last.number, last.time_ms))
    }

    /// Where the journal begins, and which checkpoint says so.
    pub(super) fn begins(&self) -> Option<(u64, Beginning)> {
        self.begins
    }

    /// Says that something stood here that could not be read.
    pub(super) fn lose(&mut self) {
        self.lost = true;
    }

    /// Judges the next checkpoint.
    pub(super) fn take(&mut self, checkpoint: Checkpoint, report: &mut Report) {
        if !checkpoint.is_signed() {
            report.add(Finding::new(FindingKind::CheckpointSignature { number: checkpoint.number }));
            self.lose();
            return;
        }
        // A key that has handed over, and may be stolen by now, is not heard any more.
        let is_outdated = self.last.is_some_and(|last| checkpoint.key_epoch < last.epoch);
        if self.knows_key_of(&checkpoint) && !is_outdated {
            let vouched = self.unvouched.last().is_some_and(|last| last.hands_over_to(&checkpoint));
            if vouched && self.unvouched_continue() {
                self.vouch(report);
            } else {
                self.disbelieve(report);
            }
            self.believe(checkpoint, report);
        } else if is_outdated || self.trust.knows_another_key_than(&checkpoint) {
            let Checkpoint { number, key_epoch: epoch, .. } = checkpoint;
            report.add(Finding::new(FindingKind::CheckpointKey { number, epoch }));
        } else {
            if self.unvouched.last().is_some_and(|last| !last.leads_to(&checkpoint)) {
                self.disbelieve(report);
            }
            self.unvouched.push(Unvouched::of(checkpoint));
        }
    }

    /// Tells whether those that are not vouched for follow from the last one that is believed.
    fn unvouched_continue(&self) -> bool {
        match (self.last, self.unvouched.first()) {
            (Some(last), Some(first)) if !self.lost => {
                last.number.checked_add(1) == Some(first.link.number) && last.hash == first.previous
            }
            _ => true,
        }
    }

    /// Believes those that a known key followed.
    fn vouch(&mut self, report: &mut Report) {
        for Unvouched { link, key, previous, heads, .. } in std::mem::take(&mut self.unvouched) {
            self.link(link, previous, report);
            self.heads.push((link.number, heads));
            if !self.keys.contains(&key) {
                self.keys.push(key);
            }
        }
    }

    /// Reports those for which nobody vouches.
    fn disbelieve(&mut self, report: &mut Report) {
        if let Some(Unvouched { link: Link { number, epoch, .. }, .. }) = self.unvouched.first() {
            let (number, epoch) = (*number, *epoch);
            report.add(Finding::new(FindingKind::CheckpointKey { number, epoch }));
        }
        self.unvouched.clear();
    }

    fn believe(&mut self, checkpoint: Checkpoint, report: &mut Report) {
        let number = checkpoint.number;
        if !self.link(Link::of(&checkpoint), checkpoint.previous, report) {
            return;
        }
        for key in [Some((checkpoint.key_epoch, checkpoint.key)), checkpoint.next_key].into_iter().flatten() {
            if !self.keys.contains(&key) {
                self.keys.push(key);
            }
        }
        let before = self.begins.map(|(_, begins)| begins.segment);
        if checkpoint.begins.map(|begins| begins.segment) < before {
            // What was dropped does not come back.
            report.add(Finding::new(FindingKind::CheckpointChain { number }));
        } else if let Some(begins) = checkpoint.begins {
            self.begins = Some((number, begins));
        }
        self.heads.push((number, checkpoint.heads));
    }

    /// Goes on to a checkpoint that is believed; tells whether it comes after the last one.
    fn link(&mut self, next: Link, previous: Hash, report: &mut Report) -> bool {
        let Link { number, hash, .. } = next;
        match self.last {
            Some(last) if number <= last.number => {
                report.add(Finding::new(FindingKind::CheckpointChain { number }));
                return false;
            }
            Some(last) if number > last.number + 1 => {
                if !self.lost {
                    let (first, last) = (last.number + 1, number - 1);
                    report.add(Finding::new(FindingKind::CheckpointsMissing { first, last }));
                }
            }
            Some(last) if last.hash != previous => {
                report.add(Finding::new(FindingKind::CheckpointChain { number }));
            }
            Some(_) => {}
            None => self.first = Some(number).filter(|_| !self.lost),
        }
        self.lost = false;
        self.last = Some(next);
        self.count += 1;
        if self.wanted.contains(&number) {
            self.compared.insert(number, hash);
        }
        true
    }

    /// Reports what is missing at the beginning, and what nobody vouches for.
    pub(super) fn end(&mut self, report: &mut Report) {
        let kept = self.begins.map_or(1, |(_, begins)| begins.checkpoint);
        if let Some(first) = self.first.filter(|&first| first > kept) {
            let kind = FindingKind::CheckpointsMissing { first: kept, last: first - 1 };
            report.add(Finding::new(kind));
        }
        self.disbelieve(report);
    }
}

//! Verification of the journals of all servers on a store: each by itself.

use std::collections::BTreeSet;
use std::io;
use std::path::Path;

use strongroom_store::Db;

use super::{Progress, Report, Trust, verify_chain};
use crate::checkpoint::{Beginning, Checkpoint};
use crate::error::JournalError;
use crate::segment::SegmentHeader;
use crate::storage::{Chain, Rows, Storage};
use crate::stream::StreamId;

/// What verification saw of the journals in a store.
#[derive(Clone, Debug, Default)]
pub struct StoreReport {
    /// The name of each server that has a journal there, and what there is to say of that.
    pub journals: Vec<(String, Report)>,
    /// Checkpoints that were kept elsewhere and are of none of them, by number and time (milliseconds since 1970 UTC): the
    /// whole journal of a server was removed.
    pub of_none: Vec<(u64, i64)>,
}

impl StoreReport {
    /// Tells whether all of them were looked at and are as they were written, as far as whoever verified can know.
    #[must_use]
    pub fn is_intact(&self) -> bool {
        self.of_none.is_empty() && self.journals.iter().all(|(_, report)| report.is_intact())
    }
}

/// Verifies the journals in a store, which has the tables of [`MIGRATIONS`](crate::MIGRATIONS), with what `trust` has: what
/// [`verify`](super::verify()) does for one in a folder.
pub fn verify_store(
    db: &Db,
    trust: &Trust<'_>,
    mut progress: impl FnMut(&Progress),
) -> Result<StoreReport, JournalError> {
    let name = Path::new("the journals in the store");
    let rows = Rows::open(db).map_err(JournalError::io("open", name))?;
    let mut report = StoreReport::default();
    let (mut claimed, mut dropped) = (BTreeSet::new(), Vec::new());
    for chain in rows.all_chains().map_err(JournalError::io("list", name))? {
        let kept = kept_of(&chain, &trust.anchors)?;
        let found = verify_chain(&*chain.storage, &kept, trust, &mut progress)?;
        claimed.extend(kept.into_iter().map(Checkpoint::hash));
        dropped.extend(found.begins.map(|begins| Dropped::before(&*chain.storage, begins)).transpose()?);
        report.journals.push((chain.name.to_string(), found));
    }
    let of_none = trust.anchors.iter().filter(|kept| !claimed.contains(&kept.hash()));
    let of_none = of_none.filter(|kept| !dropped.iter().any(|dropped| dropped.may_have_had(kept)));
    report.of_none = of_none.map(|kept| (kept.number, kept.time_ms)).collect();
    Ok(report)
}

/// What retention has taken of a chain, as far as can be told.
struct Dropped {
    begins: Beginning,
    /// When the chain's first segment that is left was begun (domain time, milliseconds since 1970 UTC); none if that is not
    /// the one that was signed.
    opened_ms: Option<i64>,
}

impl Dropped {
    fn before(storage: &dyn Storage, begins: Beginning) -> Result<Self, JournalError> {
        let name = storage.name_of(begins.segment);
        let sealed = match storage.open(begins.segment) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Ok(Self { begins, opened_ms: None });
            }
            opened => opened.and_then(|content| SegmentHeader::read(&content)),
        };
        let sealed = sealed.map_err(JournalError::io("read", &name))?;
        let sealed = sealed.ok().filter(|sealed| sealed.hash == begins.header);
        Ok(Self { begins, opened_ms: sealed.map(|sealed| sealed.header.opened_ms) })
    }

    /// Tells whether a checkpoint that is not there any more can have been the chain's: all that it saw was over before the
    /// chain's first segment that is left was begun. Streams of different servers tell nothing by their order, which is that
    /// of their beginnings.
    fn may_have_had(&self, kept: &Checkpoint) -> bool {
        kept.number < self.begins.checkpoint
            && kept.heads.iter().all(|head| head.stream < self.begins.segment.stream)
            && self.opened_ms.is_some_and(|opened_ms| kept.time_ms <= opened_ms)
    }
}

/// The checkpoints that are of a chain: they name one of its streams, or are among its own.
fn kept_of<'k>(chain: &Chain, kept: &'k [Checkpoint]) -> Result<Vec<&'k Checkpoint>, JournalError> {
    if kept.is_empty() {
        return Ok(Vec::new());
    }
    let storage = &chain.storage;
    let streams = storage.streams().map_err(JournalError::io("list", &storage.name()))?.streams;
    let streams: BTreeSet<StreamId> = streams.into_iter().collect();
    let mut own = BTreeSet::new();
    let checkpoints = storage.checkpoints();
    let name = checkpoints.name();
    let failed = || JournalError::io("read", &name);
    for stretch in checkpoints.list().map_err(failed())? {
        own.extend(checkpoints.read(stretch).map_err(failed())?.checkpoints.iter().map(Checkpoint::hash));
    }
    let is_of_it = |kept: &&Checkpoint| {
        kept.heads.iter().any(|head| streams.contains(&head.stream)) || own.contains(&kept.hash())
    };
    Ok(kept.iter().filter(is_of_it).collect())
}

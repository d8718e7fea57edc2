//! Gathering: which file each record joins. Commits with the follower's position.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use async_trait::async_trait;
use strongroom_crypto::random;
use strongroom_deriving::{Batch, Effect, Needs};
use strongroom_journal::{Position, Record, StreamId};
use strongroom_store::{StoreError, Tx};

use super::{HOUR_MS, Settings};
use crate::domain::destination::Destination;
use crate::domain::object;
use crate::domain::selection::Selection;
use crate::domain::trail::Trail;
use crate::repo::files::Share;
use crate::repo::{chains, files, trails};
use crate::trails::Trails;

/// Records after which a file is full, and bytes that they take in the journal. With what CloudTrail's form adds to each
/// of them, that stays under the 50 MB that AWS says of its files before they are compressed.
const MOST_RECORDS: u64 = 16_384;
const MOST_BYTES: u64 = 12 << 20;

/// The same of what goes to a log group, whose events are all in memory when they are put.
const MOST_EVENTS: u64 = 4_096;
const MOST_EVENT_BYTES: u64 = 2 << 20;

/// How long events for a log group are gathered. AWS's come after about five minutes; alarms on them need not wait.
const LOGS_MS: i64 = 5_000;

/// What the records of a batch are to trails.
pub(super) struct Facts {
    stream: StreamId,
    records: Vec<(Position, Record)>,
    /// What proves them.
    proof: Option<Vec<u8>>,
    /// What a record takes in the journal, on average.
    bytes: u64,
    now_ms: i64,
    /// The unique parts of files that may be begun. The same ones where the transaction runs again.
    fresh: Fresh,
}

/// Names of files, made as they are needed and the same at each run.
struct Fresh([u8; 16]);

impl Fresh {
    /// The name of the file of a trail in a Region.
    fn name(&self, trail_id: &str, region: &str, destination: Destination) -> String {
        let mut text = [self.0.as_slice(), trail_id.as_bytes(), region.as_bytes()].concat();
        if destination != Destination::Bucket {
            text.extend(destination.as_str().bytes());
        }
        let digest = strongroom_crypto::digest::sha256(&text);
        object::unique(std::array::from_fn(|at| digest.get(at).copied().unwrap_or_default()))
    }
}

/// Puts records into files.
pub(super) struct Gathering {
    trails: Arc<Trails>,
    settings: Settings,
}

impl Gathering {
    pub(super) fn new(trails: Arc<Trails>, settings: Settings) -> Self {
        Self { trails, settings }
    }

    /// When a file is due whose first record was made then.
    fn due_ms(&self, destination: Destination, made_ms: i64) -> i64 {
        match destination {
            Destination::Bucket => {
                let every_ms = self.settings.every_ms();
                made_ms.saturating_sub(made_ms.rem_euclid(every_ms)).saturating_add(every_ms)
            }
            Destination::Logs => made_ms.saturating_add(LOGS_MS.min(self.settings.every_ms())),
        }
    }

    /// Adds to a trail's file of a Region, or begins one.
    async fn join(
        &self,
        tx: &mut Tx<'_>,
        trail: &Trail,
        selection: &Selection,
        (region, destination): (&str, Destination),
        (facts, share): (&Facts, &Share),
    ) -> Result<(), StoreError> {
        let now_ms = facts.now_ms;
        // When its records were made, not when they were read: what is read late is delivered at once.
        let made_ms = share.newest_ms.min(now_ms);
        let open = files::find_open(tx, &trail.id, region, destination).await?;
        let (id, records, bytes) = match open {
            Some(open) if open.edition == selection.edition as i64 => {
                files::add(tx, &open.id, share).await?;
                (open.id, open.records + share.records, open.bytes + share.bytes)
            }
            other => {
                if let Some(open) = other {
                    // What it holds was chosen by other rules.
                    files::close(tx, &open.id, now_ms).await?;
                }
                let id = facts.fresh.name(&trail.id, region, destination);
                let of = (id.as_str(), trail, region, destination);
                let due_ms = self.due_ms(destination, made_ms);
                files::open(tx, of, selection, (now_ms, due_ms), share).await?;
                if destination == Destination::Logs {
                    // Sooner than the scheduler looks by itself; what it looks at waits for this transaction.
                    self.trails.agenda_changed();
                }
                (id, share.records, share.bytes)
            }
        };
        let (most_records, most_bytes) = match destination {
            Destination::Bucket => (MOST_RECORDS, MOST_BYTES),
            Destination::Logs => (MOST_EVENTS, MOST_EVENT_BYTES),
        };
        if records >= most_records || bytes >= most_bytes {
            files::close(tx, &id, now_ms).await?;
        }
        // Also of a trail that has stopped: what is read late is named by a last digest of its own.
        if trail.settings.is_validated && destination == Destination::Bucket {
            let start_ms = made_ms.saturating_sub(made_ms.rem_euclid(1000));
            chains::begin(tx, &trail.id, region, (start_ms, start_ms.saturating_add(HOUR_MS))).await?;
        }
        Ok(())
    }
}

#[async_trait]
impl Effect for Gathering {
    type Prepared = Facts;

    fn name(&self) -> &'static str {
        "trails"
    }

    fn needs(&self) -> Needs {
        Needs::Facts
    }

    fn prepare(&self, batch: Batch) -> Facts {
        let bytes = batch.bytes / (batch.records.len() as u64).max(1);
        // Without random numbers nothing is recorded either; names would still differ by their trail and batch.
        let fresh = random::bytes().unwrap_or_else(|_| batch_id(&batch));
        let now_ms = self.trails.clocks.domain_now();
        let Batch { stream, records, proof, .. } = batch;
        Facts { stream, records, proof, bytes, now_ms, fresh: Fresh(fresh) }
    }

    async fn commit(&self, tx: &mut Tx<'_>, facts: &Facts) -> Result<(), StoreError> {
        let accounts: BTreeSet<&str> =
            facts.records.iter().map(|(_, record)| record.account_id.as_str()).collect();
        for account in accounts {
            for trail in trails::all_of(tx, &self.trails.mac, account).await? {
                let selection = trail.selection();
                for (region, share) in shares(facts, account, &selection) {
                    for destination in Destination::of(&trail.settings) {
                        let place = (region, destination);
                        self.join(tx, &trail, &selection, place, (facts, &share)).await?;
                    }
                }
            }
        }
        Ok(())
    }
}

/// The records that a trail logs, by Region.
fn shares<'f>(facts: &'f Facts, account: &str, selection: &Selection) -> BTreeMap<&'f str, Share> {
    let mut shares: BTreeMap<&str, Share> = BTreeMap::new();
    for (position, record) in facts.records.iter().filter(|(_, record)| selection.has(account, record)) {
        let time_ms = record.event_time_ms;
        let share = shares.entry(record.aws_region.as_str()).or_insert(Share {
            stream: facts.stream,
            first: position.record,
            last: position.record,
            records: 0,
            bytes: 0,
            oldest_ms: time_ms,
            newest_ms: time_ms,
            proof: facts.proof.clone(),
        });
        share.last = position.record;
        share.records += 1;
        share.bytes += facts.bytes;
        share.oldest_ms = share.oldest_ms.min(time_ms);
        share.newest_ms = share.newest_ms.max(time_ms);
    }
    shares
}

/// What no other batch has.
fn batch_id(batch: &Batch) -> [u8; 16] {
    let first = batch.records.first().map_or(0, |(position, _)| position.record);
    let digest = strongroom_crypto::digest::sha256(
        &[batch.stream.as_bytes(), first.to_be_bytes().as_slice()].concat(),
    );
    std::array::from_fn(|at| digest.get(at).copied().unwrap_or_default())
}

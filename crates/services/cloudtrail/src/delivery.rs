//! Delivery: what trails log, put where it belongs.
//!
//! [`Gathering`] follows the journal and says which file a record joins; [`files`] puts files, [`digests`] what was put.
//! All of it becomes due in domain time, and is an [`Agenda`].

pub(crate) mod bucket;
mod digests;
mod files;
mod gathering;
mod log_events;
pub(crate) mod log_groups;
pub(crate) mod notices;
pub(crate) mod own_buckets;
mod writing;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use async_trait::async_trait;
use strongroom_deriving::{AtRest, DerivingError, Followed, Follower, Progress, Prover};
use strongroom_journal::{Position, Reader, StreamId};
use strongroom_runtime::{Agenda, BoxError, Due, Shutdown, Waker};
use strongroom_store::StoreError;

use crate::CloudTrail;
use crate::domain::trail::Trail;
use crate::repo::{chains, files as file_rows, status, trails as trail_rows};
use crate::trails::Trails;

pub use own_buckets::OwnBuckets;

use gathering::Gathering;

/// What the ids of items begin with. Of what is due at one moment, files come before the digests that name them, and both
/// before what is done with a trail when it has neither.
const FILE: &str = "file/";
const HOUR: &str = "hour/";
const TRAIL: &str = "trail/";

/// How often trails deliver: as often as AWS's, about every five minutes.
const EVERY: Duration = Duration::from_mins(5);

/// How long the window of a digest is.
pub(crate) const HOUR_MS: i64 = 60 * 60 * 1000;

/// How deliveries are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// How often files are delivered, in domain time.
    pub every: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self { every: EVERY }
    }
}

impl Settings {
    fn every_ms(self) -> i64 {
        i64::try_from(self.every.as_millis()).unwrap_or(i64::MAX).max(1)
    }
}

/// Delivers what trails log.
pub struct Deliveries {
    trails: Arc<Trails>,
    settings: Settings,
    follower: Arc<Follower<Gathering>>,
    prover: Prover,
    /// What files are made from.
    journal: RwLock<Reader>,
    /// Records of files that the journal did not show when the files were to be made, each time anew.
    missing: AtomicU64,
}

/// While it is held, nothing is gathered.
pub struct Quiet<'d>(AtRest<'d>);

impl Deliveries {
    /// The deliveries of those trails, of what `journal` reads.
    pub fn new(cloudtrail: &CloudTrail, journal: Reader, settings: Settings) -> Self {
        let trails = cloudtrail.trails.clone();
        let gathering = Arc::new(Gathering::new(trails.clone(), settings));
        let follower =
            Arc::new(Follower::new(trails.db.clone(), journal.clone(), gathering, &cloudtrail.root));
        let prover = Prover::new(&cloudtrail.root);
        Self { trails, settings, follower, prover, journal: RwLock::new(journal), missing: AtomicU64::new(0) }
    }

    /// The ARNs of trails that have a KMS key, where files are put to an S3 that knows none of the keys here: trails of before
    /// the operator chose it. What is put without the key would not be what they show, so that nothing of them is put.
    pub async fn out_of_reach(&self) -> Result<Vec<String>, StoreError> {
        let Trails { db, mac, buckets, .. } = &*self.trails;
        let (mut found, mut after) = (Vec::new(), String::new());
        while !buckets.encrypts() {
            let page = trail_rows::all(db, mac, &after).await?;
            let Some(last) = page.last() else { break };
            after.clone_from(&last.id);
            let under_keys = page.iter().filter(|trail| trail.settings.kms_key_arn.is_some());
            found.extend(under_keys.map(Trail::arn));
        }
        Ok(found)
    }

    /// Gathers what is logged until the shutdown begins. Files and digests are delivered by whoever runs the agenda. Trails of
    /// which nothing can be put are named.
    pub async fn follow(&self, shutdown: Shutdown) {
        match self.out_of_reach().await {
            Ok(trails) => trails.iter().for_each(|trail_arn| {
                tracing::warn!(
                    trail_arn,
                    "nothing of this trail is delivered: it has a KMS key, and the S3 of [trails] s3_endpoint knows none of \
                     the keys here; take the key off it with UpdateTrail (KmsKeyId \"\")"
                );
            }),
            Err(error) => tracing::warn!(%error, "trails were not looked at for keys that their S3 does not know"),
        }
        self.follower.clone().follow(shutdown).await;
    }

    /// Gathers everything that is in the journal now.
    pub async fn catch_up(&self) -> Result<(), DerivingError> {
        self.follower.catch_up().await
    }

    /// Whom to tell that something became due earlier.
    pub fn wake(&self, waker: Waker) {
        self.trails.wake(waker);
    }

    /// Waits until nothing is gathered, and keeps it so while the guard is held.
    pub async fn quiet(&self) -> Quiet<'_> {
        Quiet(self.follower.rest().await)
    }

    /// Begins anew with what `journal` reads. The store is empty.
    pub fn start_over(&self, quiet: Quiet<'_>, journal: Reader) {
        *self.journal.write().unwrap_or_else(PoisonError::into_inner) = journal.clone();
        self.trails.gathered(i64::MIN);
        self.follower.start_over(quiet.0, journal);
    }

    fn journal(&self) -> Reader {
        self.journal.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Takes a trail that was deleted off the store, once nothing of it is left to be gathered and delivered: that it was
    /// deleted is recorded after it was.
    async fn let_go(&self, trail_id: &str, due_ms: i64) -> Result<(), BoxError> {
        let again_ms = self.trails.clocks.domain_now().saturating_add(self.settings.every_ms());
        let Trails { db, mac, .. } = &*self.trails;
        let gathered_ms = self.trails.gathered_ms();
        let done = db.transaction(|tx| {
            Box::pin(async move {
                let Some(trail) = trail_rows::find_by_id(tx, mac, trail_id).await? else { return Ok(()) };
                let Some(deleted_ms) = trail.deleted_ms.filter(|deleted_ms| *deleted_ms <= due_ms) else {
                    return Ok(());
                };
                let waiting = file_rows::waiting(tx, trail_id, None).await?;
                if gathered_ms < deleted_ms || waiting > 0 || chains::count(tx, trail_id).await? > 0 {
                    return trail_rows::update(tx, mac, &trail, Some(again_ms)).await;
                }
                file_rows::forget_delivered(tx, trail_id, None).await?;
                status::delete(tx, trail_id).await?;
                trail_rows::delete(tx, trail_id).await
            })
        });
        Ok(done.await?)
    }
}

#[async_trait]
impl Agenda for Deliveries {
    fn name(&self) -> &'static str {
        "trails"
    }

    async fn first(&self, most: u32) -> Result<Vec<Due>, BoxError> {
        // What was recorded before a moment is delivered at that moment. What is read already is due all the same.
        let begun_ms = self.trails.clocks.domain_now();
        match self.follower.catch_up().await {
            // A call is recorded when it ends: those that began within one period may be under way.
            Ok(()) => self.trails.gathered(begun_ms.saturating_sub(self.settings.every_ms())),
            Err(error) => {
                tracing::debug!(error = &error as &dyn std::error::Error, "trails lag behind the journal");
            }
        }
        let db = &self.trails.db;
        let files = file_rows::due(db, most).await?.into_iter();
        let hours = chains::due(db, most).await?.into_iter();
        let trails = trail_rows::due(db, most).await?.into_iter();
        let mut due: Vec<_> = files
            .map(|(at_ms, id)| Due { at_ms, id: format!("{FILE}{id}") })
            .chain(hours.map(|(at_ms, id, region)| Due { at_ms, id: format!("{HOUR}{id}/{region}") }))
            .chain(trails.map(|(at_ms, id)| Due { at_ms, id: format!("{TRAIL}{id}") }))
            .collect();
        due.sort_unstable();
        due.truncate(most as usize);
        Ok(due)
    }

    async fn run(&self, item: &Due) -> Result<(), BoxError> {
        // Nothing happens that cannot be recorded.
        let outbox = &self.trails.outbox;
        if !outbox.is_ready() {
            outbox.probe().await;
            if !outbox.is_ready() {
                return Err("the audit journal cannot be written".into());
            }
        }
        if let Some(file_id) = item.id.strip_prefix(FILE) {
            return self.deliver_file(file_id, item.at_ms).await;
        }
        if let Some(trail_id) = item.id.strip_prefix(TRAIL) {
            return self.let_go(trail_id, item.at_ms).await;
        }
        let hour = item.id.strip_prefix(HOUR).and_then(|hour| hour.split_once('/'));
        let (trail_id, region) = hour.ok_or("the item names nothing")?;
        self.deliver_digest(trail_id, region, item.at_ms).await
    }
}

#[async_trait]
impl Followed for Deliveries {
    fn name(&self) -> &'static str {
        self.follower.name()
    }

    fn progress(&self) -> Progress {
        let progress = self.follower.progress();
        let missing = self.missing.load(Ordering::Relaxed);
        Progress { damaged: progress.damaged.saturating_add(missing), ..progress }
    }

    /// What files still to be delivered are made from is needed as much as what was not read yet.
    async fn read_to(&self, streams: &[StreamId]) -> Result<Option<Position>, DerivingError> {
        let Some(read_to) = self.follower.read_to(streams).await? else { return Ok(None) };
        let needed = file_rows::first_needed(&self.trails.db, streams).await?;
        Ok(Some(needed.map_or(read_to, |needed| needed.min(read_to))))
    }
}

/// Whether a trail signs what it delivers in a Region.
fn is_signed(trail: &Trail, region: &str) -> bool {
    trail.settings.is_validated && trail.is_logging() && trail.is_in(region)
}

//! How many metrics of its own an account may have in a Region: a flood of new ones takes the room of all.
//!
//! AWS names no such quota; what is too fast for it is throttled, and so is this. Each server knows how many it has counted
//! and let in itself: several on one store may let in as many times the rest, until each counts again.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use strongroom_store::{Db, StoreError, Tx};

use crate::domain::home::Home;
use crate::domain::metric::MetricKey;
use crate::domain::series::MINUTE_MS;
use crate::error::Refusal;
use crate::repo::metrics;

/// The quota: what ten thousand instances with a hundred metrics each have.
pub(crate) const MOST_METRICS: u32 = 1_000_000;

/// Accounts and Regions of which the count is kept.
const MOST_KEPT: usize = 10_000;

/// How long a count stands, in milliseconds: who has reached the quota costs a count a minute, and not one a call.
const STANDS_MS: i64 = MINUTE_MS;

/// The quota, and about how much of it is used.
pub(crate) struct Quota {
    most: u32,
    counted: Mutex<BTreeMap<Home, Counted>>,
    passed_over: AtomicU64,
}

/// What is known of the metrics of an account in a Region.
struct Counted {
    /// At least as many as this server knows of.
    metrics: u32,
    /// When they were counted, in milliseconds of domain time.
    at_ms: i64,
    /// Whether it was told since that there is no room.
    is_told: bool,
}

/// An account in a Region whose metrics are to be counted, outside any transaction, before it is known whether there is
/// room for new ones.
#[derive(Debug)]
pub struct Uncounted(pub(crate) Home);

/// Why samples of others are not kept.
#[derive(Debug, thiserror::Error)]
pub enum NotFed {
    /// Their metrics are to be [counted](crate::CloudWatch::count_metrics) first; then they are handed over again.
    #[error("the metrics of an account have not been counted lately")]
    Uncounted(Uncounted),
    /// The store does not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Quota {
    pub(crate) fn of(most: u32) -> Self {
        Self { most, counted: Mutex::default(), passed_over: AtomicU64::new(0) }
    }

    /// Refuses metrics that are new where there is no room for them. Those that are there have theirs.
    pub(crate) async fn check(
        &self,
        db: &Db,
        home: &Home,
        keys: &[MetricKey],
        now_ms: i64,
    ) -> Result<(), Refusal> {
        if self.takes_as_new(home, number_of(keys.len()), now_ms) {
            return Ok(());
        }
        let there = db.transaction(|tx| Box::pin(async move { metrics::there_among(tx, home, keys).await }));
        let new = number_of(keys.len().saturating_sub(there.await?.len()));
        if new == 0 {
            return Ok(());
        }
        let is_let_in = if let Some(is_let_in) = self.takes(home, new, now_ms) {
            is_let_in
        } else {
            self.count(db, home, now_ms).await?;
            self.takes(home, new, now_ms).unwrap_or(false)
        };
        if is_let_in { Ok(()) } else { Err(Refusal::TooMany) }
    }

    /// Which of these metrics are new and have no room, in the transaction that writes the others.
    pub(crate) async fn without_room(
        &self,
        tx: &mut Tx<'_>,
        home: &Home,
        keys: &[MetricKey],
        now_ms: i64,
    ) -> Result<Vec<MetricKey>, NotFed> {
        if self.takes_as_new(home, number_of(keys.len()), now_ms) {
            return Ok(Vec::new());
        }
        let there = metrics::there_among(tx, home, keys).await?;
        let new = keys.iter().copied().filter(|key| !there.contains(key));
        let mut without_room = Vec::new();
        for key in new {
            match self.takes(home, 1, now_ms) {
                Some(true) => {}
                Some(false) => without_room.push(key),
                None => return Err(NotFed::Uncounted(Uncounted(*home))),
            }
        }
        Ok(without_room)
    }

    /// Counts the metrics of an account in a Region: that stands for a minute.
    pub(crate) async fn count(&self, db: &Db, home: &Home, now_ms: i64) -> Result<(), StoreError> {
        let metrics = metrics::count(db, home, self.most.saturating_add(1)).await?;
        let mut kept = self.kept();
        if kept.len() >= MOST_KEPT {
            kept.clear();
        }
        kept.insert(*home, Counted { metrics, at_ms: now_ms, is_told: false });
        Ok(())
    }

    /// Tells that what is said of new metrics is passed over, once for a count.
    pub(crate) fn tell(&self, home: &Home) {
        let is_told = self.kept().get_mut(home).map(|counted| std::mem::replace(&mut counted.is_told, true));
        if is_told == Some(false) {
            let Home { account, region } = home;
            tracing::warn!(
                %account,
                region,
                "an account has as many metrics as it may have; what is said of new ones is passed over"
            );
        }
    }

    /// Notes of how many minutes samples were passed over.
    pub(crate) fn pass_over(&self, minutes: u64) {
        self.passed_over.fetch_add(minutes, Ordering::Relaxed);
    }

    /// Of how many minutes of new metrics the samples were passed over since the start.
    pub(crate) fn passed_over(&self) -> u64 {
        self.passed_over.load(Ordering::Relaxed)
    }

    /// Takes room for metrics as if all were new, which few are: there is nothing to look up while there is room for that.
    /// Where they have just been counted, none is taken for one that is there.
    fn takes_as_new(&self, home: &Home, metrics: u32, now_ms: i64) -> bool {
        self.kept()
            .get_mut(home)
            .is_some_and(|counted| !counted.stands(now_ms) && counted.take(metrics, self.most))
    }

    /// Takes room for new metrics, if there is any; `None` where they are to be counted to know.
    fn takes(&self, home: &Home, new: u32, now_ms: i64) -> Option<bool> {
        let mut kept = self.kept();
        let counted = kept.get_mut(home)?;
        let is_let_in = counted.take(new, self.most);
        (is_let_in || counted.stands(now_ms)).then_some(is_let_in)
    }

    fn kept(&self) -> MutexGuard<'_, BTreeMap<Home, Counted>> {
        self.counted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Counted {
    /// Whether they were counted a moment ago; whichever way the clock was moved since.
    fn stands(&self, now_ms: i64) -> bool {
        now_ms.abs_diff(self.at_ms) < STANDS_MS.unsigned_abs()
    }

    fn take(&mut self, wanted: u32, most: u32) -> bool {
        let with = self.metrics.saturating_add(wanted);
        if with <= most {
            self.metrics = with;
        }
        with <= most
    }
}

fn number_of(metrics: usize) -> u32 {
    u32::try_from(metrics).unwrap_or(u32::MAX)
}

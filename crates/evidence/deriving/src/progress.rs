//! How far followers are, for metrics and for whoever removes old records.

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};

use async_trait::async_trait;
use strongroom_journal::{Position, StreamId};

use crate::DerivingError;

/// What a follower of this process has done since it started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Records that it has had.
    pub records: u64,
    /// Records that it could not read.
    pub damaged: u64,
    /// The event time of the last record it has had, in milliseconds since 1970 UTC; none before the first.
    pub last_ms: Option<i64>,
    /// Whether the last try failed: it lags behind.
    pub is_failing: bool,
}

/// A follower, whatever it derives.
#[async_trait]
pub trait Followed: Send + Sync {
    /// Its name.
    fn name(&self) -> &'static str;

    /// How far it is.
    fn progress(&self) -> Progress;

    /// The last record of those streams, oldest first, up to which it has had everything; none if it has had nothing of
    /// them yet. What comes after must stay in the journal.
    async fn read_to(&self, streams: &[StreamId]) -> Result<Option<Position>, DerivingError>;
}

/// What a follower counts.
#[derive(Default)]
pub(crate) struct Counters {
    records: AtomicU64,
    damaged: AtomicU64,
    last_ms: AtomicI64,
    failing: AtomicBool,
}

impl Counters {
    pub(crate) fn had(&self, records: u64, last_ms: Option<i64>) {
        self.records.fetch_add(records, Ordering::Relaxed);
        if let Some(last_ms) = last_ms {
            self.last_ms.store(last_ms, Ordering::Relaxed);
        }
    }

    pub(crate) fn passed_over(&self, damaged: u64) {
        self.damaged.fetch_add(damaged, Ordering::Relaxed);
    }

    /// Notes how a try went, and tells how the one before did.
    pub(crate) fn tried(&self, failed: bool) -> bool {
        self.failing.swap(failed, Ordering::Relaxed)
    }

    pub(crate) fn read(&self) -> Progress {
        let records = self.records.load(Ordering::Relaxed);
        Progress {
            records,
            damaged: self.damaged.load(Ordering::Relaxed),
            last_ms: (records > 0).then(|| self.last_ms.load(Ordering::Relaxed)),
            is_failing: self.failing.load(Ordering::Relaxed),
        }
    }
}

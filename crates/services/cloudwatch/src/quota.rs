//! How many metrics of its own an account may have in a Region: a flood of new ones takes the room of all.
//!
//! AWS names no such quota; what is too fast for it is throttled, and so is this.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use strongroom_store::Db;

use crate::domain::home::Home;
use crate::domain::metric::MetricKey;
use crate::error::Refusal;
use crate::repo::metrics;

/// The quota: what ten thousand instances with a hundred metrics each have.
pub(crate) const MOST_METRICS: u32 = 1_000_000;

/// Accounts and Regions of which the count is kept.
const MOST_KEPT: usize = 10_000;

/// The quota, and about how much of it is used.
pub(crate) struct Quota {
    most: u32,
    /// At least as many as there are.
    counted: Mutex<BTreeMap<Home, u32>>,
}

impl Quota {
    pub(crate) fn of(most: u32) -> Self {
        Self { most, counted: Mutex::default() }
    }

    /// Refuses metrics that are new where there is no room for them. Those that are there have theirs.
    pub(crate) async fn check(&self, db: &Db, home: &Home, keys: &[MetricKey]) -> Result<(), Refusal> {
        let wanted = u32::try_from(keys.len()).unwrap_or(u32::MAX);
        // As if all were new, which few are.
        if self.take(home, wanted) {
            return Ok(());
        }
        let mut new = 0_u32;
        for key in keys {
            new += u32::from(!metrics::is_there(db, home, key).await?);
        }
        if new == 0 {
            return Ok(());
        }
        let counted = metrics::count(db, home, self.most.saturating_add(1)).await?;
        self.note(home, counted);
        if self.take(home, new) { Ok(()) } else { Err(Refusal::TooMany) }
    }

    fn take(&self, home: &Home, wanted: u32) -> bool {
        let mut kept = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(counted) = kept.get_mut(home) else { return false };
        let with = counted.saturating_add(wanted);
        if with <= self.most {
            *counted = with;
        }
        with <= self.most
    }

    fn note(&self, home: &Home, counted: u32) {
        let mut kept = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= MOST_KEPT {
            kept.clear();
        }
        kept.insert(*home, counted);
    }
}

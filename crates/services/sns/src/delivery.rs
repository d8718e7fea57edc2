//! Messages on their way: what waits, when it is tried, and what becomes of it.
//!
//! A delivery is a row. Whoever makes one leases it, so that of several servers one does; what a crash cuts off is made
//! again once the lease is over, with the same message id. Nobody's deliveries keep those of others waiting: each
//! subscription has a few places of the server's.

mod agenda;
mod links;
mod pace;
mod sending;
pub(crate) mod waiting;

use std::collections::HashMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use strongroom_runtime::Shutdown;
use strongroom_store::Engine;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use self::pace::Pace;
use crate::Notifications;
use crate::error::Refusal;
use crate::repo::deliveries::{self, Delivery};

/// The CloudFormation type under which records list topics.
pub(crate) const TOPIC_RESOURCE: &str = "AWS::SNS::Topic";

/// Deliveries at work at one time, and of one subscription.
const AT_WORK: usize = 64;
const AT_WORK_FOR_ONE: usize = 4;

/// Subscriptions that are looked at in one go.
const QUEUES: usize = 1024;

/// How long a delivery is somebody's, in milliseconds of real time: longer than it takes.
const LEASE_MS: i64 = 60_000;

/// The longest and the shortest sleep: another server may have added something.
const LONGEST_SLEEP_MS: i64 = 1_000;
const SHORTEST_SLEEP_MS: i64 = 10;

/// What this server is delivering.
struct Working {
    places: Arc<Semaphore>,
    by_subscription: Mutex<HashMap<String, usize>>,
    pace: Pace,
}

/// A place among the deliveries at work, until it is dropped.
struct Place {
    working: Arc<Working>,
    subscription_id: String,
    _permit: OwnedSemaphorePermit,
}

impl Working {
    fn new() -> Self {
        Self {
            places: Arc::new(Semaphore::new(AT_WORK)),
            by_subscription: Mutex::default(),
            pace: Pace::default(),
        }
    }

    /// How many more a subscription may have.
    fn room(&self, subscription_id: &str) -> usize {
        let taken = self.by_subscription.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = taken.get(subscription_id).copied().unwrap_or_default();
        AT_WORK_FOR_ONE.saturating_sub(taken).min(self.places.available_permits())
    }

    fn take(self: &Arc<Self>, subscription_id: &str) -> Option<Place> {
        let permit = self.places.clone().try_acquire_owned().ok()?;
        let mut taken = self.by_subscription.lock().unwrap_or_else(PoisonError::into_inner);
        *taken.entry(subscription_id.to_owned()).or_default() += 1;
        drop(taken);
        Some(Place { working: self.clone(), subscription_id: subscription_id.to_owned(), _permit: permit })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.working.by_subscription.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(number) = taken.get_mut(&self.subscription_id) {
            *number = number.saturating_sub(1);
            if *number == 0 {
                taken.remove(&self.subscription_id);
            }
        }
    }
}

impl Notifications {
    /// Delivers what is due until the shutdown begins; what is under way then is finished.
    pub async fn carry(self: Arc<Self>, shutdown: Shutdown) {
        if self.db.engine() == Engine::Sqlite
            && let Err(error) = deliveries::release_all(&self.db).await
        {
            tracing::warn!(%error, "what was being delivered when the server stopped waits for a minute");
        }
        let working = Arc::new(Working::new());
        loop {
            let sleep_ms = match self.clone().begin_due(&working, &shutdown).await {
                Ok(sleep_ms) => sleep_ms,
                Err(refusal) => {
                    let error = refusal.into_cause();
                    tracing::warn!(%error, "messages cannot be delivered now");
                    LONGEST_SLEEP_MS
                }
            };
            let sleep = Duration::from_millis(sleep_ms.unsigned_abs());
            tokio::select! {
                biased;
                () = shutdown.begun() => break,
                () = self.nudge.notified() => {}
                () = tokio::time::sleep(sleep) => {}
            }
        }
    }

    /// Begins what is due and has a place, and answers how long nothing else will be.
    async fn begin_due(self: Arc<Self>, working: &Arc<Working>, shutdown: &Shutdown) -> Result<i64, Refusal> {
        let queues = deliveries::waiting(&self.db, QUEUES).await?;
        self.waiting.store(queues.iter().map(|queue| queue.waiting).sum(), Ordering::Relaxed);
        let now_ms = self.clocks.domain_now();
        for queue in &queues {
            if queue.first_ms > now_ms {
                // They come in the order of their time.
                return Ok((queue.first_ms - now_ms).clamp(SHORTEST_SLEEP_MS, LONGEST_SLEEP_MS));
            }
            let room = working.room(&queue.subscription_id);
            if room == 0 {
                continue;
            }
            let times = (now_ms, self.clocks.real_now());
            let due = deliveries::list_due(&self.db, &queue.subscription_id, times, room).await?;
            for delivery in due {
                self.begin(working, delivery, shutdown).await?;
            }
        }
        Ok(LONGEST_SLEEP_MS)
    }

    /// Begins a delivery as a task of its own, if there is a place and nobody else has it.
    async fn begin(
        self: &Arc<Self>,
        working: &Arc<Working>,
        mut delivery: Delivery,
        shutdown: &Shutdown,
    ) -> Result<(), Refusal> {
        let Some(place) = working.take(&delivery.subscription.id) else { return Ok(()) };
        let until_ms = self.clocks.real_now().saturating_add(LEASE_MS);
        if !deliveries::lease(&self.db, &mut delivery, until_ms).await? {
            return Ok(());
        }
        let sns = self.clone();
        shutdown.spawn(async move {
            sns.deliver(&place.working.pace, delivery).await;
            drop(place);
            // There may be more for the same endpoint.
            sns.nudge.notify_one();
        });
        Ok(())
    }
}

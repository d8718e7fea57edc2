//! Messages on their way: what waits, when it is tried, and what becomes of it.
//!
//! A delivery is a row. Whoever makes one leases it, so that of several servers one does; what a crash cuts off is made
//! again once the lease is over, with the same message id. Nobody's deliveries keep those of others waiting: each
//! subscription, account and host has a few places of the server's.

mod agenda;
pub(crate) mod bounds;
mod links;
mod pace;
mod places;
mod sending;
pub(crate) mod waiting;

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use strongroom_identity::AccountId;
use strongroom_runtime::Shutdown;
use strongroom_store::Engine;

use self::pace::Pace;
use self::places::{Holder, Places};
use crate::Notifications;
use crate::error::Refusal;
use crate::repo::deliveries::{self, Delivery};
use crate::repo::subscriptions;

/// The CloudFormation type under which records list topics.
pub(crate) const TOPIC_RESOURCE: &str = "AWS::SNS::Topic";

/// Accounts, and subscriptions of one, that are looked at in one go.
const ACCOUNTS: usize = 1024;
const QUEUES: usize = 1024;

/// Subscriptions whose hosts are remembered.
const HOSTS: usize = 10_000;

/// How long a delivery is somebody's, in milliseconds of real time: longer than it takes.
const LEASE_MS: i64 = 60_000;

/// The longest and the shortest sleep: another server may have added something.
const LONGEST_SLEEP_MS: i64 = 1_000;
const SHORTEST_SLEEP_MS: i64 = 10;

/// What this server is delivering.
#[derive(Default)]
struct Working {
    places: Arc<Places>,
    /// By subscription. A subscription never gets another endpoint.
    hosts: Mutex<HashMap<String, String>>,
    pace: Pace,
    /// How often it was looked: accounts take turns at being the first.
    rounds: AtomicUsize,
}

impl Notifications {
    /// Delivers what is due until the shutdown begins; what is under way then is finished.
    pub async fn carry(self: Arc<Self>, shutdown: Shutdown) {
        if self.db.engine() == Engine::Sqlite
            && let Err(error) = deliveries::release_all(&self.db).await
        {
            tracing::warn!(%error, "what was being delivered when the server stopped waits for a minute");
        }
        let working = Arc::<Working>::default();
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
        let mut accounts = deliveries::accounts(&self.db, ACCOUNTS).await?;
        let first = working.rounds.fetch_add(1, Ordering::Relaxed).checked_rem(accounts.len());
        accounts.rotate_left(first.unwrap_or_default());
        let mut sleep_ms = LONGEST_SLEEP_MS;
        for account in accounts {
            if shutdown.has_begun() {
                break;
            }
            sleep_ms = sleep_ms.min(self.begin_due_of(account, working, shutdown).await?);
        }
        Ok(sleep_ms)
    }

    async fn begin_due_of(
        self: &Arc<Self>,
        account: AccountId,
        working: &Arc<Working>,
        shutdown: &Shutdown,
    ) -> Result<i64, Refusal> {
        // What is finished nudges.
        if working.places.room(&[Holder::Account(account)]) == 0 {
            return Ok(LONGEST_SLEEP_MS);
        }
        let now_ms = self.clocks.domain_now();
        for queue in deliveries::queues(&self.db, account, QUEUES).await? {
            if shutdown.has_begun() {
                break;
            }
            if queue.first_ms > now_ms {
                // They come in the order of their time.
                return Ok((queue.first_ms - now_ms).clamp(SHORTEST_SLEEP_MS, LONGEST_SLEEP_MS));
            }
            let host = self.host_of(working, &queue.subscription_id).await;
            let subscription = Holder::Subscription(queue.subscription_id.clone());
            let holders = [subscription, Holder::Account(account), Holder::Host(host)];
            let room = working.places.room(&holders);
            if room == 0 {
                continue;
            }
            let times = (now_ms, self.clocks.real_now());
            let due = deliveries::list_due(&self.db, &queue.subscription_id, times, room).await?;
            for delivery in due {
                self.begin(working, &holders, delivery, shutdown).await?;
            }
        }
        Ok(LONGEST_SLEEP_MS)
    }

    /// Where a subscription's messages go; nowhere if it is gone or cannot be read, which the attempt sees to.
    async fn host_of(&self, working: &Working, subscription_id: &str) -> String {
        let known =
            working.hosts.lock().unwrap_or_else(PoisonError::into_inner).get(subscription_id).cloned();
        if let Some(host) = known {
            return host;
        }
        let Ok(Some(found)) = subscriptions::find(&self.db, &self.mac, subscription_id).await else {
            return String::new();
        };
        let host = found.host();
        let mut hosts = working.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        if hosts.len() >= HOSTS {
            hosts.clear();
        }
        hosts.insert(subscription_id.to_owned(), host.clone());
        host
    }

    /// Begins a delivery as a task of its own, if there is a place and nobody else has it.
    async fn begin(
        self: &Arc<Self>,
        working: &Arc<Working>,
        holders: &[Holder],
        mut delivery: Delivery,
        shutdown: &Shutdown,
    ) -> Result<(), Refusal> {
        let Some(place) = working.places.take(holders) else { return Ok(()) };
        let until_ms = self.clocks.real_now().saturating_add(LEASE_MS);
        if !deliveries::lease(&self.db, &mut delivery, until_ms).await? {
            return Ok(());
        }
        let (sns, working) = (self.clone(), working.clone());
        shutdown.spawn(async move {
            sns.deliver(&working.pace, delivery).await;
            drop(place);
            // There may be more for the same endpoint.
            sns.nudge.notify_one();
        });
        Ok(())
    }
}

//! Clients: who is let in, what of theirs is done when, and what they are told.

mod call;
mod connection;
mod listener;
mod weight;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use strongroom_runtime::Shutdown;
use tokio::sync::{Semaphore, watch};

use crate::clock::Clock;
use crate::faults::Faults;
use crate::partition::Partition;
use crate::rules::Rules;

pub(crate) use listener::{bind, serve};

/// The most connections of clients at a time. (A cluster's HSM has 2,048 sessions.)
pub(crate) const MOST_CONNECTIONS: u32 = 4_096;

/// What an HSM counts.
#[derive(Default)]
pub(crate) struct Counts {
    pub(crate) connections: AtomicU32,
    pub(crate) under_way: AtomicU32,
    pub(crate) calls: AtomicU64,
    pub(crate) failures: AtomicU64,
    pub(crate) changes: AtomicU64,
    pub(crate) refused_connections: AtomicU64,
}

impl Counts {
    /// How many calls are under way, for clients that choose the least loaded.
    pub(crate) fn load(&self) -> u32 {
        self.under_way.load(Ordering::Relaxed)
    }
}

/// What serving needs.
pub(crate) struct Service {
    pub(crate) partition: Arc<Partition>,
    pub(crate) hsm_id: String,
    pub(crate) cluster_id: String,
    pub(crate) peers: watch::Receiver<Vec<String>>,
    pub(crate) rules: Rules,
    pub(crate) counts: Arc<Counts>,
    pub(crate) clock: Clock,
    pub(crate) faults: Faults,
    pub(crate) shutdown: Shutdown,
    /// Why the HSM has halted, once it has.
    pub(crate) halted: watch::Sender<Option<String>>,
    /// Changes when connections have to be looked at again: one may not be welcome any more.
    pub(crate) changed: watch::Receiver<u64>,
    /// Computing that takes long: as many at a time as there are cores.
    pub(crate) cores: Arc<Semaphore>,
    /// Passwords are hashed one at a time.
    pub(crate) passwords: Arc<Semaphore>,
    /// How many calls wait for that.
    pub(crate) waiting_passwords: AtomicU32,
}

impl Service {
    /// Waits for as long as an answer is to come late, which is not longer than the HSM is there.
    async fn come_late(&self) {
        tokio::select! {
            () = self.faults.delay() => {}
            () = self.shutdown.begun() => {}
        }
    }
}

//! From what is wanted to what is: the one place that starts, replaces and removes HSMs, and moves clusters on.
//!
//! It looks at everything again and again, at once when something may have changed: what callers want is in the
//! store, what there is say the placement and the HSMs themselves. Nothing of it is kept between two looks but
//! how often something was tried, so that a restart goes on where the last process stopped. Of several servers
//! one at a time does it, under a lease: the one that HSMs are connected to, as long as there is one fleet listener
//! for a store.

mod clusters;
mod hsms;
mod leftovers;
mod memory;
mod removal;
mod replacement;

use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use strongroom_crypto::{hex, random};
use strongroom_runtime::Shutdown;
use strongroom_store::Engine;
use tokio::sync::OwnedRwLockWriteGuard;

pub(crate) use self::memory::Memory;
use crate::ControlPlane;
use crate::domain::backup::Backup;
use crate::error::Refusal;
use crate::plane::StartError;
use crate::repo;

/// The longest time between two looks.
const TICK: Duration = Duration::from_secs(1);

/// Clusters that one statement reads.
const BATCH: usize = 100;

/// The lease, and how long it is held beyond the last look, in milliseconds.
const LEASE: &str = "reconciler";
const LEASE_MS: i64 = 15_000;

/// While it is held, the reconciler does nothing.
#[must_use = "the reconciler goes on as soon as this is dropped"]
pub struct Paused {
    _turn: OwnedRwLockWriteGuard<()>,
}

impl ControlPlane {
    /// Opens the listener for HSMs and begins to do what is to be done, until the shutdown begins. HSMs that run
    /// are taken over; they go on after the shutdown, unless they are [stopped](Self::stop_hsms).
    pub async fn start(self: &Arc<Self>, shutdown: &Shutdown) -> Result<(), StartError> {
        let fleet = self.open_fleet().await?;
        shutdown.spawn(self.clone().serve_fleet(fleet, shutdown.clone()));
        shutdown.spawn(self.clone().follow_rules(shutdown.clone()));
        shutdown.spawn(self.clone().reconcile(shutdown.clone()));
        Ok(())
    }

    async fn reconcile(self: Arc<Self>, shutdown: Shutdown) {
        let Ok(token) = random::bytes::<16>() else { return };
        // Only one process at a time has an embedded store: its lease needs not run out.
        let holder = match self.db.engine() {
            Engine::Sqlite => "local".to_owned(),
            Engine::Postgres => hex::encode(&token),
        };
        let mut changes = self.placement.changes();
        let mut looks = 0_u64;
        loop {
            match self.hold_lease(&holder).await {
                Ok(true) => {
                    if let Err(refusal) = self.look(&shutdown, looks).await {
                        tracing::error!(error = refusal.into_cause(), "clusters cannot be looked at");
                    }
                    looks += 1;
                }
                Ok(false) => {}
                Err(error) => tracing::error!(%error, "the reconciler's lease cannot be read"),
            }
            tokio::select! {
                biased;
                () = shutdown.begun() => return,
                () = self.nudged() => {}
                _ = changes.changed() => {}
                () = tokio::time::sleep(TICK) => {}
            }
        }
    }

    async fn hold_lease(&self, holder: &str) -> Result<bool, strongroom_store::StoreError> {
        let now_ms = self.clocks.real_now();
        let fence = repo::leases::hold(&self.db, LEASE, holder, now_ms, now_ms + LEASE_MS).await?;
        Ok(fence.is_some())
    }

    /// Looks at everything once, and begins what is to be done, each cluster and backup by itself.
    async fn look(self: &Arc<Self>, shutdown: &Shutdown, looks: u64) -> Result<(), Refusal> {
        let mut after = String::new();
        loop {
            let batch = repo::clusters::list_unsettled(&self.db, &self.mac, &after, BATCH).await?;
            let (Some((last, _)), whole) = (batch.last(), batch.len() == BATCH) else { break };
            after.clone_from(last);
            for (id, cluster) in batch {
                match cluster {
                    Ok(cluster) => self.begin(shutdown, &id, move |plane| async move {
                        plane.move_on(&cluster).await.map_err(Refusal::into_cause)
                    }),
                    Err(error) if looks.is_multiple_of(60) => {
                        tracing::error!(cluster = id, %error, "a cluster is left as it is");
                    }
                    Err(_) => {}
                }
            }
            if !whole {
                break;
            }
        }
        for backup in repo::backups::list_pending(&self.db, &self.mac).await? {
            match backup {
                Ok(backup) => {
                    let id = backup.id.clone();
                    self.begin(shutdown, &id, move |plane| async move { plane.work_on(&backup).await });
                }
                Err(error) if looks.is_multiple_of(60) => {
                    tracing::error!(%error, "a backup is left as it is");
                }
                Err(_) => {}
            }
        }
        if looks == 0 {
            self.name_strays().await?;
        }
        Ok(())
    }

    /// Begins a piece of work, unless it is being done already.
    fn begin<F>(
        self: &Arc<Self>,
        shutdown: &Shutdown,
        id: &str,
        work: impl FnOnce(Arc<Self>) -> F + Send + 'static,
    ) where
        F: Future<Output = Result<(), Box<dyn std::error::Error + Send + Sync>>> + Send + 'static,
    {
        let Some(ticket) = self.memory.begin(id) else { return };
        let (plane, id) = (self.clone(), id.to_owned());
        shutdown.spawn(async move {
            let turn = plane.memory.turn.clone().read_owned().await;
            let done = work(plane.clone()).await;
            drop(turn);
            let again = plane.memory.end(&id, ticket);
            match done {
                // Something has changed meanwhile, which it may not have seen.
                Ok(()) if again => plane.look_again(),
                Ok(()) => {}
                // To be tried again at the next look.
                Err(error) => tracing::warn!(what = id, error, "not done yet"),
            }
        });
    }

    async fn work_on(&self, backup: &Backup) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        match self.make_backup(backup).await {
            Err(crate::plane::BackUpError::NoHsm) => Ok(()),
            done => done.map_err(Into::into),
        }
    }

    /// Names the HSMs that a placement has and the store does not know. They are left alone: a store that was put
    /// back from an old copy has forgotten HSMs whose state is newer than its own.
    async fn name_strays(&self) -> Result<(), Refusal> {
        let placed = self.placement.list().await.map_err(|error| Refusal::Internal(error.into()))?;
        for id in placed {
            if repo::hsms::find(&self.db, &self.mac, &id).await?.is_none() {
                tracing::warn!(
                    hsm = id,
                    "an HSM that belongs to no cluster is on this machine, and is left alone"
                );
            }
        }
        Ok(())
    }

    /// Stops all HSMs; what they keep stays. For a server that takes its HSMs with it, after the shutdown.
    pub async fn stop_hsms(&self) {
        let placed = match self.placement.list().await {
            Ok(placed) => placed,
            Err(error) => {
                tracing::warn!(%error, "HSMs cannot be stopped");
                return;
            }
        };
        // All at once: each may have something to finish.
        let stop = |id| async move {
            if let Err(error) = self.placement.stop(id).await {
                tracing::warn!(hsm = id, %error, "an HSM is not stopped");
            }
        };
        let mut stops: Vec<_> = placed.iter().map(|id| Box::pin(stop(id.as_str()))).collect();
        std::future::poll_fn(|context| {
            stops.retain_mut(|stop| stop.as_mut().poll(context).is_pending());
            if stops.is_empty() { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }

    /// Waits for what is being done, and keeps anything from being begun while the guard is held.
    pub async fn pause(&self) -> Paused {
        Paused { _turn: self.memory.turn.clone().write_owned().await }
    }

    /// Removes all HSMs and forgets everything that is in memory, when the store is emptied. For development.
    pub async fn start_over(&self, _paused: &Paused) {
        self.fleet.close_all();
        match self.placement.list().await {
            Ok(placed) => {
                for id in placed {
                    if let Err(error) = self.placement.destroy(&id).await {
                        tracing::warn!(hsm = id, %error, "an HSM stays");
                    }
                }
            }
            Err(error) => tracing::warn!(%error, "HSMs cannot be removed"),
        }
        self.memory.clear();
        self.faults.clear();
    }
}

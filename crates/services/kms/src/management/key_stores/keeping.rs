//! What KMS does with key stores by itself: the work that their states stand for, and keeping those connected that are.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use strongroom_runtime::{BoxError, Shutdown};
use tokio::sync::RwLockWriteGuard;

use super::KeyStores;
use super::cluster::ClusterFacts;
use super::connecting::Work;
use crate::KeyManagement;
use crate::domain::key_store::{ConnectionState, KeyStore};
use crate::error::Refusal;
use crate::repo;

/// How often key stores are looked at, also if nobody asks: what failed is tried again, and what another server has
/// begun and not ended is found.
const PAUSE: Duration = Duration::from_secs(3);

/// While it is held, nothing is done with key stores that no caller asked for.
pub(in crate::management) struct StoresAtRest<'s> {
    _working: RwLockWriteGuard<'s, ()>,
}

impl KeyStores {
    /// Tells that there may be work.
    pub(super) fn nudge(&self) {
        self.nudge.notify_one();
    }

    /// Ends what is under way, as a crash would, and begins nothing while the guard is held.
    pub(in crate::management) async fn rest(&self) -> StoresAtRest<'_> {
        self.lines.interrupt_all();
        StoresAtRest { _working: self.working.write().await }
    }

    /// The key stores for which there is, or may be, something to do.
    async fn with_work(&self) -> Result<Vec<KeyStore>, Refusal> {
        let mut found = Vec::new();
        for state in [ConnectionState::Disconnecting, ConnectionState::Connecting, ConnectionState::Connected]
        {
            found.extend(repo::key_stores::list_in_state(&self.db, &self.mac, state).await?);
        }
        Ok(found)
    }

    /// Looks after a connected key store: it is dialled, and its client knows the HSMs that the cluster has now.
    async fn look_after(&self, store: &KeyStore) -> Result<Work, Refusal> {
        let line = self.lines.of(&store.home, &store.id);
        let Some(session) = line.session(store) else {
            let session = self.session(&store.home, &store.id).await?;
            if let Err(error) = session.cluster.connect().await {
                tracing::warn!(store = store.id, %error, "the cluster of a connected key store is out of reach");
            }
            return Ok(Work::Connected);
        };
        let facts = self.calls.cluster(&store.home, &store.cluster_id).await?;
        let servers: Vec<_> = facts.iter().flat_map(ClusterFacts::servers).collect();
        if line.note_servers(&servers) {
            session.cluster.learn(servers);
        }
        Ok(Work::Left)
    }
}

impl KeyManagement {
    /// Connects and disconnects key stores, and keeps them connected, until the shutdown begins.
    pub async fn keep_key_stores(self: Arc<Self>, shutdown: Shutdown) {
        let shutdown_of_all = shutdown.clone();
        let begun = shutdown_of_all.begun();
        tokio::pin!(begun);
        loop {
            match self.stores.with_work().await {
                Ok(stores) => {
                    for store in stores {
                        let (kms, shutdown) = (self.clone(), shutdown.clone());
                        let task = async move {
                            tokio::select! {
                                () = kms.work_on(store) => {}
                                () = shutdown.begun() => {}
                            }
                        };
                        // One cluster out of reach does not keep others waiting.
                        shutdown_of_all.spawn(task);
                    }
                }
                Err(error) => tracing::warn!(?error, "key stores were not looked at"),
            }
            tokio::select! {
                () = begun.as_mut() => return,
                () = self.stores.nudge.notified() => {}
                () = tokio::time::sleep(PAUSE) => {}
            }
        }
    }

    /// Does what there is to do with key stores now, one after the other, and returns when it is done.
    pub async fn settle_key_stores(&self) -> Result<(), BoxError> {
        for store in self.stores.with_work().await.map_err(Refusal::into_cause)? {
            self.work_on(store).await;
        }
        Ok(())
    }

    /// Works on a key store, if nobody does already.
    async fn work_on(&self, seen: KeyStore) {
        let stores = &self.stores;
        let _working = stores.working.read().await;
        let line = stores.lines.of(&seen.home, &seen.id);
        // Heard from here on: what interrupts comes after the change that it is about, and the row is read next.
        let mut interrupted = pin!(line.interrupted());
        interrupted.as_mut().enable();
        let is_connected = seen.state == ConnectionState::Connected;
        let work = async {
            if is_connected {
                return stores.look_after(&seen).await;
            }
            let _one = match seen.state {
                // Whoever has it was told to stop, or is about to dial in vain.
                ConnectionState::Disconnecting => line.dialing.lock().await,
                _ => match line.dialing.try_lock() {
                    Ok(one) => one,
                    Err(_) => return Ok(Work::Left),
                },
            };
            let found = repo::key_stores::find(&self.db, &self.mac, &seen.home, &seen.id).await?;
            match found {
                Some(store) => stores.take_up(store, &line).await,
                None => Ok(Work::Left),
            }
        };
        let done = tokio::select! {
            done = work => done,
            () = interrupted => Ok(Work::Done),
        };
        match done {
            Ok(Work::Left) => {}
            Ok(work) => {
                if work == Work::Connected {
                    self.store_connected(&seen.home, &seen.id);
                }
                // Whoever came meanwhile has found the work being done, and left it.
                if !is_connected {
                    stores.nudge();
                }
            }
            Err(error) => {
                tracing::warn!(store = seen.id, ?error, "work on a key store is tried again later");
            }
        }
    }
}

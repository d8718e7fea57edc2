//! What there is in memory of each key store's connection.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use strongroom_hsm_client::Server;
use tokio::sync::futures::Notified;
use tokio::sync::{Mutex, Notify};

use super::Session;
use crate::clusters::Cluster;
use crate::domain::identifier::Home;
use crate::domain::key_store::KeyStore;

/// The lines of all key stores that were used since the start.
#[derive(Default)]
pub(super) struct Lines(RwLock<HashMap<(Home, String), Arc<Line>>>);

/// The line to one cluster.
#[derive(Default)]
pub(super) struct Line {
    live: RwLock<Option<Live>>,
    /// Held by whoever dials, and by whoever connects or disconnects the key store.
    pub(super) dialing: Mutex<()>,
    /// Told when what is done with the key store is not wanted any more.
    interrupt: Notify,
}

/// A client, and what it was made from.
struct Live {
    session: Session,
    /// The sealed password. When the key store has another, it was connected anew, here or elsewhere.
    password: Option<Vec<u8>>,
    /// The HSMs that were known then.
    servers: Vec<Server>,
}

impl Lines {
    /// The line of a key store.
    pub(super) fn of(&self, home: &Home, store_id: &str) -> Arc<Line> {
        let name = (home.clone(), store_id.to_owned());
        if let Some(line) = self.0.read().unwrap_or_else(PoisonError::into_inner).get(&name) {
            return line.clone();
        }
        self.0.write().unwrap_or_else(PoisonError::into_inner).entry(name).or_default().clone()
    }

    /// Forgets the line of a key store that is gone.
    pub(super) fn remove(&self, home: &Home, store_id: &str) {
        let name = (home.clone(), store_id.to_owned());
        let line = self.0.write().unwrap_or_else(PoisonError::into_inner).remove(&name);
        if let Some(line) = line {
            line.hang_up();
        }
    }

    /// Has everybody stop who works on a key store.
    pub(super) fn interrupt_all(&self) {
        for line in self.0.read().unwrap_or_else(PoisonError::into_inner).values() {
            line.interrupt();
        }
    }

    /// Hangs up everywhere.
    pub(super) fn clear(&self) {
        let lines = std::mem::take(&mut *self.0.write().unwrap_or_else(PoisonError::into_inner));
        for line in lines.values() {
            line.hang_up();
        }
    }
}

impl Line {
    /// The live cluster, if it is still the one that the key store means.
    pub(super) fn session(&self, store: &KeyStore) -> Option<Session> {
        let live = self.live.read().unwrap_or_else(PoisonError::into_inner);
        let live = live
            .as_ref()
            .filter(|live| live.password == store.password && live.session.cluster_id == store.cluster_id)?;
        Some(live.session.clone())
    }

    /// Keeps a client in place of the one that there may be, which is closed.
    pub(super) fn keep(&self, store: &KeyStore, servers: Vec<Server>, cluster: Arc<dyn Cluster>) -> Session {
        let session = Session { cluster, cluster_id: store.cluster_id.clone() };
        let live = Live { session: session.clone(), password: store.password.clone(), servers };
        let former = self.live.write().unwrap_or_else(PoisonError::into_inner).replace(live);
        if let Some(former) = former {
            former.session.cluster.close();
        }
        session
    }

    /// Notes the HSMs that the cluster has now. Answers whether there are any that the live client was not told of.
    pub(super) fn note_servers(&self, servers: &[Server]) -> bool {
        let mut live = self.live.write().unwrap_or_else(PoisonError::into_inner);
        let Some(live) = live.as_mut() else { return false };
        let news = servers.iter().any(|server| !live.servers.contains(server));
        live.servers = servers.to_vec();
        news
    }

    /// Has whoever works on the key store stop.
    pub(super) fn interrupt(&self) {
        self.interrupt.notify_waiters();
    }

    /// Resolves when somebody interrupts.
    pub(super) fn interrupted(&self) -> Notified<'_> {
        self.interrupt.notified()
    }

    /// Ends the connection, if there is one.
    pub(super) fn hang_up(&self) {
        let live = self.live.write().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(live) = live {
            live.session.cluster.close();
        }
    }
}

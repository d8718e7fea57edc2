//! The fleet: HSMs that are connected to this control plane.
//!
//! An HSM dials in over mutual TLS, says who it is, and is told what to be. From then on both sides call: the
//! HSM appends to and reads the sealed log of its cluster, hands over reports, audit records and backups; the
//! control plane tells it that the log has grown, who may connect, and what to do next.

mod answers;
mod audit;
mod connection;
mod identity;
mod listener;
pub(crate) mod pushing;
mod registration;
mod session;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use strongroom_hsm_proto::fleet::HsmState;
use strongroom_seal::Root;
use strongroom_store::Db;

use self::identity::FleetIdentity;
pub(crate) use self::identity::NAME as IDENTITY;
pub(crate) use self::session::{CallError, Session};
use crate::plane::StartError;

/// HSMs that may be connected at once.
const MOST_SESSIONS: usize = 512;

/// Connections that may be open without having said who they are.
const MOST_STRANGERS: usize = 64;

/// Who is connected.
pub(crate) struct Fleet {
    identity: FleetIdentity,
    address: OnceLock<SocketAddr>,
    sessions: Mutex<HashMap<String, Arc<Session>>>,
    /// The last revision that any rules were sent under.
    revision: AtomicU64,
}

impl Fleet {
    /// The fleet, with the certificate that HSMs know the control plane by: kept, so that they know it again
    /// after a restart.
    pub(crate) async fn open(db: &Db, root: &Root) -> Result<Self, StartError> {
        Ok(Self {
            identity: FleetIdentity::open(db, root).await?,
            address: OnceLock::new(),
            sessions: Mutex::default(),
            revision: AtomicU64::new(0),
        })
    }

    /// Where HSMs connect to; none before the listener is open.
    pub(crate) fn address(&self) -> Option<SocketAddr> {
        self.address.get().copied()
    }

    /// Notes where the listener is open. The first one stays.
    fn listens_at(&self, address: SocketAddr) {
        self.address.get_or_init(|| address);
    }

    /// The certificate that HSMs pin, as PEM.
    pub(crate) fn certificate_pem(&self) -> &str {
        self.identity.certificate_pem()
    }

    /// The session of an HSM.
    pub(crate) fn session(&self, hsm_id: &str) -> Option<Arc<Session>> {
        self.lock().get(hsm_id).cloned()
    }

    /// All sessions of a cluster.
    pub(crate) fn sessions_of(&self, cluster_id: &str) -> Vec<Arc<Session>> {
        self.lock().values().filter(|session| session.cluster_id == cluster_id).cloned().collect()
    }

    /// All sessions.
    pub(crate) fn sessions(&self) -> Vec<Arc<Session>> {
        self.lock().values().cloned().collect()
    }

    /// Some HSM of a cluster that serves, of those that are connected and not among `except`. One that says nothing
    /// of itself, or failed at what it was asked for, is the last to be asked.
    pub(crate) fn serving(&self, cluster_id: &str, except: &[&str], now_ms: i64) -> Option<Arc<Session>> {
        let mut serving: Vec<_> = self
            .sessions_of(cluster_id)
            .into_iter()
            .filter(|session| session.state() == Some(HsmState::Serving))
            .filter(|session| !except.contains(&session.hsm_id.as_str()))
            .collect();
        serving.sort_by_cached_key(|session| (session.doubts(now_ms), session.hsm_id.clone()));
        serving.into_iter().next()
    }

    /// Takes a session in, in place of an older one of the same HSM, which ends. `false` when there are too many.
    fn admit(&self, session: &Arc<Session>) -> bool {
        let mut sessions = self.lock();
        if sessions.len() >= MOST_SESSIONS && !sessions.contains_key(&session.hsm_id) {
            return false;
        }
        if let Some(former) = sessions.insert(session.hsm_id.clone(), session.clone()) {
            former.close();
        }
        true
    }

    /// Forgets a session that has ended, unless another has taken its place.
    fn part(&self, session: &Arc<Session>) {
        let mut sessions = self.lock();
        if sessions.get(&session.hsm_id).is_some_and(|current| Arc::ptr_eq(current, session)) {
            sessions.remove(&session.hsm_id);
        }
    }

    /// Ends all sessions.
    pub(crate) fn close_all(&self) {
        for session in std::mem::take(&mut *self.lock()).into_values() {
            session.close();
        }
    }

    /// A revision for rules, greater than all before, those of former processes included.
    fn next_revision(&self, real_now_ms: i64) -> u64 {
        self.revision.fetch_max(real_now_ms.unsigned_abs(), Ordering::SeqCst);
        self.revision.fetch_add(1, Ordering::SeqCst) + 1
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Arc<Session>>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

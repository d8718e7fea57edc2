//! The server as a whole.

use std::sync::{Arc, PoisonError, RwLock};

use strongroom_identity::Credentials;
use strongroom_runtime::{Clocks, Shutdown};
use strongroom_sigv4::SigningKeyCache;
use tokio::net::TcpListener;
use tokio::sync::{Mutex, Semaphore};

use crate::body::BodyMemory;
use crate::date::DateHeader;
use crate::security_log::SecurityLog;
use crate::unsigned::Strangers;
use crate::{Admission, DevTools, Limits, Origins, Recorder, Registry, listener};

/// How many derived signing keys are kept: one for each access key, day, Region and service in use.
const SIGNING_KEYS: usize = 4_096;

/// What a server is made of.
pub struct ServerParts {
    /// The services.
    pub registry: Registry,
    /// The access keys.
    pub credentials: Arc<dyn Credentials>,
    /// The journal's end of the seam.
    pub recorder: Arc<dyn Recorder>,
    /// Both clocks.
    pub clocks: Clocks,
    /// Every bound.
    pub limits: Limits,
    /// The web origins whose pages may call.
    pub origins: Origins,
    /// Who may refuse calls for being too many; nobody where there are no rates.
    pub admission: Option<Arc<dyn Admission>>,
    /// What dev mode can do; nothing in production.
    pub dev: Option<Arc<dyn DevTools>>,
}

/// One server: stateless but for caches, on one or more listeners.
pub struct Server {
    parts: ServerParts,
    shutdown: Shutdown,
    signing_keys: RwLock<Arc<SigningKeyCache>>,
    security_log: SecurityLog,
    strangers: Strangers,
    body_memory: BodyMemory,
    date: DateHeader,
    connections: Arc<Semaphore>,
    operations: Semaphore,
    dev_turn: Mutex<()>,
}

impl Server {
    /// A server that stops with `shutdown`.
    pub fn new(parts: ServerParts, shutdown: Shutdown) -> Arc<Self> {
        let limits = &parts.limits;
        Arc::new(Self {
            shutdown,
            signing_keys: RwLock::new(no_signing_keys()),
            security_log: SecurityLog::default(),
            strangers: Strangers::new(limits.unsigned_requests),
            body_memory: BodyMemory::new(limits.body_memory),
            date: DateHeader::default(),
            connections: Arc::new(Semaphore::new(limits.connections.min(Semaphore::MAX_PERMITS))),
            operations: Semaphore::new(limits.places() as usize),
            dev_turn: Mutex::new(()),
            parts,
        })
    }

    /// Serves on `listener` until the shutdown begins.
    pub async fn serve(self: Arc<Self>, listener: TcpListener) {
        let shutdown = self.shutdown.clone();
        listener::serve(self, listener, shutdown).await;
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.parts.limits
    }

    pub(crate) fn registry(&self) -> &Registry {
        &self.parts.registry
    }

    pub(crate) fn credentials(&self) -> &dyn Credentials {
        &*self.parts.credentials
    }

    pub(crate) fn recorder(&self) -> &dyn Recorder {
        &*self.parts.recorder
    }

    pub(crate) fn clocks(&self) -> &Clocks {
        &self.parts.clocks
    }

    pub(crate) fn shutdown(&self) -> &Shutdown {
        &self.shutdown
    }

    /// The derived signing keys. A request takes them before it looks for its secret: if all are forgotten in
    /// between, what it derives is forgotten with them.
    pub(crate) fn signing_keys(&self) -> Arc<SigningKeyCache> {
        self.signing_keys.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Forgets all derived signing keys.
    pub(crate) fn forget_signing_keys(&self) {
        *self.signing_keys.write().unwrap_or_else(PoisonError::into_inner) = no_signing_keys();
    }

    pub(crate) fn security_log(&self) -> &SecurityLog {
        &self.security_log
    }

    pub(crate) fn strangers(&self) -> &Strangers {
        &self.strangers
    }

    pub(crate) fn body_memory(&self) -> &BodyMemory {
        &self.body_memory
    }

    pub(crate) fn date(&self) -> &DateHeader {
        &self.date
    }

    pub(crate) fn connections(&self) -> Arc<Semaphore> {
        self.connections.clone()
    }

    pub(crate) fn operations(&self) -> &Semaphore {
        &self.operations
    }

    pub(crate) fn origins(&self) -> &Origins {
        &self.parts.origins
    }

    pub(crate) fn admission(&self) -> Option<&dyn Admission> {
        self.parts.admission.as_deref()
    }

    pub(crate) fn dev(&self) -> Option<&Arc<dyn DevTools>> {
        self.parts.dev.as_ref()
    }

    /// Whoever has it moves the clock or resets, alone.
    pub(crate) fn dev_turn(&self) -> &Mutex<()> {
        &self.dev_turn
    }

    /// Whether calls can be recorded, and so served.
    pub(crate) fn is_ready(&self) -> bool {
        self.parts.recorder.is_ready()
    }
}

fn no_signing_keys() -> Arc<SigningKeyCache> {
    Arc::new(SigningKeyCache::new(SIGNING_KEYS))
}

//! The server as a whole.

use std::sync::Arc;

use strongroom_identity::Credentials;
use strongroom_runtime::{Clocks, Shutdown};
use strongroom_sigv4::SigningKeyCache;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use crate::body::BodyMemory;
use crate::security_log::SecurityLog;
use crate::{Limits, Recorder, Registry, listener};

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
}

/// One server: stateless but for caches, on one or more listeners.
pub struct Server {
    parts: ServerParts,
    shutdown: Shutdown,
    signing_keys: SigningKeyCache,
    security_log: SecurityLog,
    body_memory: BodyMemory,
    connections: Arc<Semaphore>,
    operations: Semaphore,
}

impl Server {
    /// A server that stops with `shutdown`.
    pub fn new(parts: ServerParts, shutdown: Shutdown) -> Arc<Self> {
        let limits = &parts.limits;
        let places = |count: usize| Semaphore::new(count.min(Semaphore::MAX_PERMITS));
        Arc::new(Self {
            shutdown,
            signing_keys: SigningKeyCache::new(SIGNING_KEYS),
            security_log: SecurityLog::default(),
            body_memory: BodyMemory::new(limits.body_memory),
            connections: Arc::new(places(limits.connections)),
            operations: places(limits.requests),
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

    pub(crate) fn signing_keys(&self) -> &SigningKeyCache {
        &self.signing_keys
    }

    pub(crate) fn security_log(&self) -> &SecurityLog {
        &self.security_log
    }

    pub(crate) fn body_memory(&self) -> &BodyMemory {
        &self.body_memory
    }

    pub(crate) fn connections(&self) -> Arc<Semaphore> {
        self.connections.clone()
    }

    pub(crate) fn operations(&self) -> &Semaphore {
        &self.operations
    }

    /// Whether calls can be recorded, and so served.
    pub(crate) fn is_ready(&self) -> bool {
        self.parts.recorder.is_ready()
    }
}

//! The server as a whole.

use std::sync::Arc;

use strongroom_identity::Credentials;
use strongroom_runtime::{Clocks, Shutdown};
use strongroom_sigv4::SigningKeyCache;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use crate::security_log::SecurityLog;
use crate::{Limits, Recorder, Registry, listener};

/// How many derived signing keys are kept: one for each access key, day, Region and service in use.
const SIGNING_KEYS: usize = 4_096;

/// Kibibytes that the bodies of all requests under way may take together.
const BODY_KIBIBYTES: usize = 256 * 1024;

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
    body_memory: Semaphore,
    operations: Semaphore,
}

impl Server {
    /// A server that stops with `shutdown`.
    pub fn new(parts: ServerParts, shutdown: Shutdown) -> Arc<Self> {
        let operations = Semaphore::new(parts.limits.requests);
        Arc::new(Self {
            parts,
            shutdown,
            signing_keys: SigningKeyCache::new(SIGNING_KEYS),
            security_log: SecurityLog::default(),
            body_memory: Semaphore::new(BODY_KIBIBYTES),
            operations,
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

    pub(crate) fn body_memory(&self) -> &Semaphore {
        &self.body_memory
    }

    pub(crate) fn operations(&self) -> &Semaphore {
        &self.operations
    }

    /// Whether calls can be recorded, and so served.
    pub(crate) fn is_ready(&self) -> bool {
        self.parts.recorder.is_ready()
    }
}

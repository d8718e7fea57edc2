//! The server as a whole.

use std::net::IpAddr;
use std::sync::{Arc, PoisonError, RwLock};

use strongroom_identity::Credentials;
use strongroom_runtime::{Clocks, Shutdown};
use strongroom_service::ApiError;
use strongroom_sigv4::SigningKeyCache;
use tokio::net::TcpListener;
use tokio::sync::{Mutex, Semaphore};

use crate::body::BodyMemory;
use crate::connection::Crowd;
use crate::date::DateHeader;
use crate::metrics::{Metrics, Reading};
use crate::places::Places;
use crate::registry::Found;
use crate::renewal::SignedBy;
use crate::security_log::SecurityLog;
use crate::unsigned::Strangers;
use crate::{
    Admission, Certificate, DevTools, Documents, FailureLog, Figure, Figures, Freshness, Limits, Origins,
    Recorder, Registry, Scrapers, listener,
};

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
    /// Who knows how old the authority is that callers have; nobody where this server alone changes it.
    pub freshness: Option<Arc<dyn Freshness>>,
    /// Who keeps failed authentication; nobody where it is only logged.
    pub failures: Option<Arc<dyn FailureLog>>,
    /// From where metrics may be read.
    pub scrapers: Scrapers,
    /// Whose figures they have beside the server's own.
    pub figures: Vec<Arc<dyn Figures>>,
    /// What services show to anybody; nobody does, where there is nothing.
    pub documents: Option<Arc<dyn Documents>>,
    /// What dev mode can do; nothing in production.
    pub dev: Option<Arc<dyn DevTools>>,
}

/// One server: stateless but for caches, on one or more listeners.
pub struct Server {
    parts: ServerParts,
    shutdown: Shutdown,
    signing_keys: RwLock<Arc<SigningKeyCache>>,
    security_log: SecurityLog,
    metrics: Metrics,
    strangers: Strangers,
    body_memory: BodyMemory,
    date: DateHeader,
    connections: Arc<Semaphore>,
    crowd: Crowd,
    operations: Semaphore,
    uploads: Arc<Places>,
    downloads: Arc<Places>,
    dev_turn: Mutex<()>,
}

impl Server {
    /// A server that stops with `shutdown`.
    pub fn new(mut parts: ServerParts, shutdown: Shutdown) -> Arc<Self> {
        let metrics = Metrics::new(std::mem::take(&mut parts.figures));
        let limits = &parts.limits;
        Arc::new(Self {
            shutdown,
            signing_keys: RwLock::new(no_signing_keys()),
            security_log: SecurityLog::new(parts.failures.clone()),
            metrics,
            strangers: Strangers::new(limits.unsigned_requests),
            body_memory: BodyMemory::new(limits.body_memory),
            date: DateHeader::default(),
            crowd: Crowd::default(),
            connections: Arc::new(Semaphore::new(limits.connections.min(Semaphore::MAX_PERMITS))),
            operations: Semaphore::new(limits.places() as usize),
            uploads: Places::new(limits.uploads),
            downloads: Places::new(limits.downloads),
            dev_turn: Mutex::new(()),
            parts,
        })
    }

    /// Serves on `listener` until the shutdown begins.
    pub async fn serve(self: Arc<Self>, listener: TcpListener) {
        let shutdown = self.shutdown.clone();
        listener::serve(self, listener, None, shutdown).await;
    }

    /// The same over TLS.
    pub async fn serve_tls(self: Arc<Self>, listener: TcpListener, certificate: Certificate) {
        let shutdown = self.shutdown.clone();
        listener::serve(self, listener, Some(certificate), shutdown).await;
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

    /// Who signs with an access key, to be found again.
    pub(crate) fn signed_by(&self, access_key_id: &str) -> SignedBy {
        SignedBy {
            credentials: self.parts.credentials.clone(),
            freshness: self.parts.freshness.clone(),
            access_key_id: access_key_id.to_owned(),
            session_token: None,
            version: 0,
            patience: self.limits().operation_time,
        }
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

    /// Notes that a request was refused because nobody knows who made it, or claims to be `access_key_id`.
    pub(crate) fn unauthenticated(
        &self,
        now_ms: i64,
        source: IpAddr,
        access_key_id: Option<&str>,
        code: &str,
    ) {
        self.metrics.unauthenticated(code);
        self.security_log.refused(now_ms, source, access_key_id, code);
    }

    pub(crate) fn security_log(&self) -> &SecurityLog {
        &self.security_log
    }

    pub(crate) fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    pub(crate) fn scrapers(&self) -> &Scrapers {
        &self.parts.scrapers
    }

    /// What the server has in hand at this moment.
    pub(crate) fn figures(&self) -> [Figure; 4] {
        let limits = self.limits();
        let taken = |most: usize, left: usize| Reading::Gauge(most.saturating_sub(left) as f64);
        let gauge = |name, help, value| Figure { name, help, value };
        [
            gauge(
                "ready",
                "1 if calls are served, 0 if they are refused because they cannot be recorded",
                Reading::Gauge(f64::from(u8::from(self.is_ready()))),
            ),
            gauge(
                "connections",
                "Connections at this moment",
                taken(limits.connections, self.connections.available_permits()),
            ),
            gauge(
                "calls_at_work",
                "Calls at work at this moment",
                taken(limits.places() as usize, self.operations.available_permits()),
            ),
            gauge(
                "body_memory_bytes",
                "Memory that bodies take at this moment",
                Reading::Gauge(self.body_memory.taken() as f64),
            ),
        ]
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

    pub(crate) fn crowd(&self) -> &Crowd {
        &self.crowd
    }

    pub(crate) fn operations(&self) -> &Semaphore {
        &self.operations
    }

    /// The places of bodies that are read while they come.
    pub(crate) fn uploads(&self) -> &Arc<Places> {
        &self.uploads
    }

    /// The places of answers that are read while they are sent.
    pub(crate) fn downloads(&self) -> &Arc<Places> {
        &self.downloads
    }

    pub(crate) fn origins(&self) -> &Origins {
        &self.parts.origins
    }

    pub(crate) fn admission(&self) -> Option<&dyn Admission> {
        self.parts.admission.as_deref()
    }

    /// The mark of this moment, or what a caller of `found` is told when there is none.
    pub(crate) fn mark(&self, found: &Found) -> Result<Mark, ApiError> {
        let Some(freshness) = &self.parts.freshness else { return Ok(Mark(None)) };
        let mark = freshness.mark().ok_or_else(|| freshness.refusal(found.schema(), found.operation()))?;
        Ok(Mark(Some(mark)))
    }

    /// Whether what was in memory at the mark may still be acted on; if not, what a caller of `found` is told.
    pub(crate) fn expect_fresh(&self, mark: Mark, found: &Found) -> Result<(), ApiError> {
        match (&self.parts.freshness, mark) {
            (Some(freshness), Mark(Some(mark))) if !freshness.holds(mark) => {
                Err(freshness.refusal(found.schema(), found.operation()))
            }
            _ => Ok(()),
        }
    }

    /// Whether what is in memory may be acted on at all.
    pub(crate) fn is_fresh(&self) -> bool {
        self.parts.freshness.as_ref().is_none_or(|freshness| freshness.mark().is_some())
    }

    pub(crate) fn documents(&self) -> Option<&Arc<dyn Documents>> {
        self.parts.documents.as_ref()
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

/// How old what is in memory was when a call came; nothing where it does not age.
#[derive(Clone, Copy)]
pub(crate) struct Mark(Option<u64>);

impl Mark {
    /// As whoever gave it knows it.
    pub(crate) fn number(self) -> Option<u64> {
        self.0
    }
}

fn no_signing_keys() -> Arc<SigningKeyCache> {
    Arc::new(SigningKeyCache::new(SIGNING_KEYS))
}

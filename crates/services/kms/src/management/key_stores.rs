//! Custom key stores: found, changed for callers, and kept connected.
//!
//! A connection state is work to do. ConnectCustomKeyStore commits CONNECTING and is done; a task takes up key stores
//! in that state, does the work and commits what came of it. A crash anywhere leaves a row that is taken up at the
//! next start. See `docs/adr/0013-connecting-is-work-that-a-row-describes.md`.

mod calls;
mod changing;
mod cluster;
mod connecting;
mod credentials;
mod describing;
mod faults;
mod keeping;
mod lines;
mod network;
mod recording;

use std::sync::Arc;
use std::time::Duration;

use strongroom_api_cloudhsm::CloudHsm;
use strongroom_api_ec2::Ec2;
use strongroom_hsm_client::{Credentials, Server};
use strongroom_hsm_proto::command::Role;
use strongroom_identity::RequestContext;
use strongroom_outbox::{OnBehalf, Outbox};
use strongroom_policy::services::KEY_STORES;
use strongroom_runtime::Clocks;
use strongroom_secret::SecretString;
use strongroom_store::{Db, RowMac};
use tokio::sync::{Notify, RwLock};

use self::calls::Calls;
pub(crate) use self::changing::{KeyStoreChange, NewKeyStore};
use self::cluster::ClusterFacts;
pub(super) use self::credentials::Passwords;
pub(crate) use self::credentials::key_store_context;
pub(crate) use self::describing::WhichKeyStores;
pub(super) use self::keeping::StoresAtRest;
use self::lines::{Line, Lines};
use super::following::forget_what_changes;
use crate::cache::Cache;
use crate::clusters::{Cluster, ClusterAddress, Dialer, TrustAnchors};
use crate::domain::identifier::Home;
use crate::domain::key_store::{ConnectionState, HSMS_FOR_KEYS, KMS_USER, KeyStore};
use crate::error::Refusal;
use crate::faults::ConnectFaults;
use crate::repo;
use crate::throttling::Throttling;

/// Key stores kept in memory.
const KEPT: usize = 10_000;

/// What callers are told when a cluster is out of reach. AWS's words.
const NO_COMMUNICATION: &str = "KMS cannot communicate with your CloudHSM cluster";

/// What key stores stand on.
pub(super) struct Ground {
    pub(super) db: Db,
    pub(super) mac: RowMac,
    pub(super) passwords: Passwords,
    pub(super) outbox: Arc<Outbox>,
    pub(super) clocks: Clocks,
    pub(super) cloudhsm: Arc<dyn CloudHsm>,
    pub(super) ec2: Arc<dyn Ec2>,
    pub(super) anchors: Arc<dyn TrustAnchors>,
    pub(super) dialer: Arc<dyn Dialer>,
    pub(super) deadline: Duration,
    pub(super) throttling: Arc<Throttling>,
}

/// The key stores of all accounts.
pub(crate) struct KeyStores {
    db: Db,
    mac: RowMac,
    passwords: Passwords,
    calls: Calls,
    outbox: Arc<Outbox>,
    clocks: Clocks,
    anchors: Arc<dyn TrustAnchors>,
    dialer: Arc<dyn Dialer>,
    /// How long a cluster may take for a call.
    deadline: Duration,
    throttling: Arc<Throttling>,
    /// Attempts to connect that are to fail.
    faults: ConnectFaults,
    rows: Arc<Cache<(Home, String), KeyStore>>,
    lines: Lines,
    /// Told whenever there may be work.
    nudge: Notify,
    /// Held by everybody who works on a key store by himself.
    working: RwLock<()>,
}

/// A live cluster, in which KMS is logged in.
#[derive(Clone)]
pub(crate) struct Session {
    pub(crate) cluster: Arc<dyn Cluster>,
    pub(crate) cluster_id: String,
}

impl KeyStores {
    pub(super) fn new(ground: Ground) -> Self {
        let Ground {
            db,
            mac,
            passwords,
            outbox,
            clocks,
            cloudhsm,
            ec2,
            anchors,
            dialer,
            deadline,
            throttling,
        } = ground;
        let rows = Arc::new(Cache::new(KEPT, usize::MAX));
        forget_what_changes(&db, repo::topics::STORES, &rows, repo::topics::read);
        Self {
            db,
            mac,
            passwords,
            calls: Calls {
                cloudhsm,
                ec2,
                on_behalf: OnBehalf::new(KEY_STORES, outbox.clone(), clocks.clone()),
            },
            outbox,
            clocks,
            anchors,
            dialer,
            deadline,
            throttling,
            faults: ConnectFaults::default(),
            rows,
            lines: Lines::default(),
            nudge: Notify::new(),
            working: RwLock::default(),
        }
    }

    /// The key store of that id: [`Refusal::NoSuchKeyStore`] if there is none.
    pub(crate) async fn find(&self, home: &Home, store_id: &str) -> Result<Arc<KeyStore>, Refusal> {
        let name = (home.clone(), store_id.to_owned());
        let ticket = match self.rows.get(&name) {
            Ok(store) => return Ok(store),
            Err(ticket) => ticket,
        };
        let found = if is_id(store_id) {
            repo::key_stores::find(&self.db, &self.mac, home, store_id).await?
        } else {
            None
        };
        let store = Arc::new(found.ok_or_else(|| Refusal::NoSuchKeyStore(store_id.to_owned()))?);
        self.rows.keep(ticket, name, store.clone());
        Ok(store)
    }

    /// Counts cryptography for a caller against the key store's quota.
    pub(crate) fn admit(&self, store_id: &str) -> Result<(), Refusal> {
        self.throttling.take_of_key_store(store_id, self.clocks.domain_now())
    }

    /// The key store's live cluster, for cryptography: `KMSInvalidStateException` if it is not connected. One that
    /// was connected before KMS was started is dialled again.
    pub(crate) async fn session(&self, home: &Home, store_id: &str) -> Result<Session, Refusal> {
        let store = self.find(home, store_id).await?;
        expect_in_use(&store)?;
        let line = self.lines.of(home, store_id);
        if let Some(session) = line.session(&store) {
            return Ok(session);
        }
        let _one = line.dialing.lock().await;
        // Whoever held it may have disconnected the key store, or connected it with another password.
        self.forget(home, store_id);
        let store = self.find(home, store_id).await?;
        expect_in_use(&store)?;
        if let Some(session) = line.session(&store) {
            return Ok(session);
        }
        self.dial_connected(&store, &line).await
    }

    /// The client of the key store's cluster, if there is one now. Nothing is dialled.
    pub(crate) fn live(&self, store: &KeyStore) -> Option<Arc<dyn Cluster>> {
        self.lines.of(&store.home, &store.id).session(store).map(|session| session.cluster)
    }

    /// How long a cluster may take for a call.
    pub(crate) fn deadline(&self) -> Duration {
        self.deadline
    }

    /// The key store's live cluster, for a new key: it is connected and has HSMs enough.
    pub(crate) async fn for_new_key(
        &self,
        context: &RequestContext,
        store_id: &str,
    ) -> Result<Session, Refusal> {
        let home = Home::of(context);
        let store = self.find(&home, store_id).await?;
        store.expect_connected()?;
        let facts = self.calls.cluster(&home, &store.cluster_id).await?;
        let facts = facts.ok_or_else(|| Refusal::InvalidState(NO_COMMUNICATION.to_owned()))?;
        facts.expect_hsms(HSMS_FOR_KEYS)?;
        self.session(&home, store_id).await
    }

    /// Dials the cluster of a connected key store, and keeps the client.
    async fn dial_connected(&self, store: &KeyStore, line: &Line) -> Result<Session, Refusal> {
        let out_of_reach = || Refusal::InvalidState(NO_COMMUNICATION.to_owned());
        let facts = self.calls.cluster(&store.home, &store.cluster_id).await?.ok_or_else(out_of_reach)?;
        let password = store.password.as_ref();
        let password =
            password.ok_or_else(|| Refusal::internal("a connected key store without a password"))?;
        let password = self.passwords.open(store, password)?;
        let address = self.address(store, &facts).await?;
        if address.servers.is_empty() {
            return Err(out_of_reach());
        }
        let servers = address.servers.clone();
        let cluster = self.dialer.dial(address, Some(credentials(password)));
        let cluster = cluster.map_err(|error| {
            tracing::warn!(store = store.id, %error, "the cluster of a key store cannot be dialled");
            out_of_reach()
        })?;
        Ok(line.keep(store, servers, cluster))
    }

    /// Where the key store's cluster is now.
    async fn address(&self, store: &KeyStore, facts: &ClusterFacts) -> Result<ClusterAddress, Refusal> {
        let sources = self.calls.interface_addresses(&store.home, &store.cluster_id).await;
        Ok(ClusterAddress {
            cluster_id: store.cluster_id.clone(),
            trust_anchor: store.trust_anchor.clone(),
            servers: facts.servers().collect::<Vec<Server>>(),
            sources: sources.map_err(|error| Refusal::Internal(error.into()))?,
            deadline: self.deadline,
        })
    }

    /// Drops what is in memory of a key store that has changed.
    fn forget(&self, home: &Home, store_id: &str) {
        self.rows.forget(&(home.clone(), store_id.to_owned()));
    }

    /// Attempts to connect that are to fail on demand.
    pub(super) fn connect_faults(&self) -> &ConnectFaults {
        &self.faults
    }

    /// Drops everything that is in memory, and ends every connection.
    pub(super) fn clear(&self) {
        self.lines.clear();
        self.faults.forget(|_| true);
        self.rows.clear();
    }
}

/// Refuses cryptography with the keys of a key store that is not connected: `KMSInvalidStateException`.
fn expect_in_use(store: &KeyStore) -> Result<(), Refusal> {
    if store.state == ConnectionState::Connected {
        return Ok(());
    }
    Err(Refusal::InvalidState(format!(
        "Custom key store {} is not connected to its CloudHSM cluster. Its connection state is {}.",
        store.id,
        store.state.as_str()
    )))
}

/// Who KMS is in a cluster.
fn credentials(password: SecretString) -> Credentials {
    Credentials { username: KMS_USER.to_owned(), role: Role::CryptoUser, password }
}

/// Whether a key store can have that id. What callers send may be anything, and the store takes not everything.
fn is_id(text: &str) -> bool {
    text.strip_prefix("cks-").is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_alphanumeric()))
}

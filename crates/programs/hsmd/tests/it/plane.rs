//! A control plane in memory: a log, blobs, and what HSMs report. It speaks the fleet's protocol and knows
//! nothing of what it keeps.

mod connection;
mod store;

use std::net::SocketAddr;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use strongroom_crypto::ec::{Curve, PrivateKey};
use strongroom_hsm_proto::fleet::{
    AssignedRole, ClusterCertificates, FromHsm, HsmAnswer, HsmCall, Report, Rules,
};
use strongroom_hsm_proto::tls::fleet::plane_config;
use strongroom_pki::{Identity, Kind, Name, Validity, self_sign};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio_rustls::TlsAcceptor;

pub(crate) use store::{Store, TOKEN};

/// How long a test waits for what has to come, on a machine that does other things too.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);
pub(crate) const CLUSTER: &str = "cluster-abcdefghijk";

/// The control plane.
pub(crate) struct Plane {
    shared: Arc<Shared>,
    pub(crate) certificate: String,
    key: Vec<u8>,
    address: SocketAddr,
    runtime: Option<Runtime>,
}

/// What its connections share.
pub(crate) struct Shared {
    store: Mutex<Store>,
    changed: Condvar,
}

impl Shared {
    fn store(&self) -> MutexGuard<'_, Store> {
        self.store.lock().unwrap()
    }

    fn change<T>(&self, change: impl FnOnce(&mut Store) -> T) -> T {
        let changed = change(&mut self.store());
        self.changed.notify_all();
        changed
    }
}

impl Plane {
    pub(crate) fn start() -> Self {
        let key = PrivateKey::generate(Curve::P256).unwrap();
        let name = Name::new().common_name("control plane");
        let validity = Validity { not_before: 1_600_000_000, not_after: 4_000_000_000 };
        let certificate = self_sign(&Identity::new(name, Kind::Endpoint, validity), &key).unwrap();
        let mut plane = Self {
            shared: Arc::new(Shared { store: Mutex::default(), changed: Condvar::new() }),
            certificate: certificate.to_pem(),
            key: key.to_pkcs8().unwrap().expose().clone(),
            address: "127.0.0.1:0".parse().unwrap(),
            runtime: None,
        };
        plane.go_on();
        plane
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Kills it: connections break, what is in the store stays.
    pub(crate) fn kill(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // Its listener has to be gone before another takes its place.
            let begun = Instant::now();
            runtime.shutdown_timeout(PATIENCE);
            assert!(begun.elapsed() < PATIENCE, "the control plane does not end");
        }
        self.shared.change(Store::forget_connections);
    }

    /// Starts it again at the same address.
    pub(crate) fn go_on(&mut self) {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let certificate = strongroom_pki::Certificate::from_pem(&self.certificate).unwrap();
        let tls =
            TlsAcceptor::from(Arc::new(plane_config(&[certificate.as_der().to_vec()], &self.key).unwrap()));
        let (shared, address) = (self.shared.clone(), self.address);
        let listener = runtime.block_on(async move {
            let socket = tokio::net::TcpSocket::new_v4().unwrap();
            socket.set_reuseaddr(true).unwrap();
            socket.bind(address).unwrap();
            socket.listen(64).unwrap()
        });
        self.address = listener.local_addr().unwrap();
        runtime.spawn(listen(listener, tls, shared));
        self.runtime = Some(runtime);
    }

    /// Lets an HSM in, as this.
    pub(crate) fn expect(&self, hsm_id: &str, role: AssignedRole) {
        self.shared.change(|store| store.expect(hsm_id, role));
    }

    pub(crate) fn store<T>(&self, look: impl FnOnce(&mut Store) -> T) -> T {
        self.shared.change(look)
    }

    /// Waits until something is so.
    pub(crate) fn wait<T>(&self, what: &str, mut look: impl FnMut(&Store) -> Option<T>) -> T {
        let store = self.shared.store();
        let mut found = None;
        let waited = self.shared.changed.wait_timeout_while(store, PATIENCE, |store| {
            found = look(store);
            found.is_none()
        });
        drop(waited);
        found.unwrap_or_else(|| panic!("waited in vain for {what}"))
    }

    /// Waits for a report of an HSM that is like this.
    pub(crate) fn wait_report(&self, hsm_id: &str, what: &str, is_it: impl Fn(&Report) -> bool) -> Report {
        self.wait(&format!("{hsm_id}: {what}"), |store| {
            store.report(hsm_id).filter(|report| is_it(report)).cloned()
        })
    }

    /// Calls an HSM.
    pub(crate) fn call(&self, hsm_id: &str, call: HsmCall) -> HsmAnswer {
        let connection = self.wait("its connection", |store| store.connection(hsm_id));
        let (sender, answer) = std::sync::mpsc::channel();
        connection.send((call, sender)).unwrap();
        let FromHsm { answer } = answer.recv_timeout(PATIENCE).unwrap();
        answer.unwrap()
    }

    /// Lets these sources in, on all HSMs.
    pub(crate) fn allow(&self, networks: &[&str]) {
        let (rules, connected) = self.shared.change(|store| (store.allow(networks), store.connected()));
        for hsm_id in connected {
            let rules: Rules = rules.clone();
            assert!(matches!(self.call(&hsm_id, HsmCall::SetRules(rules)), HsmAnswer::Done(_)));
        }
    }

    /// Installs what the customer signed, on all HSMs.
    pub(crate) fn initialize(&self, cluster_certificate: &str, trust_anchor: &str) {
        let certificates = ClusterCertificates {
            cluster_certificate: cluster_certificate.to_owned(),
            trust_anchor: trust_anchor.to_owned(),
        };
        let connected = self.shared.change(|store| {
            store.certificates = Some(certificates.clone());
            store.connected()
        });
        for hsm_id in connected {
            let answer = self.call(&hsm_id, HsmCall::SetCertificates(certificates.clone()));
            assert!(matches!(answer, HsmAnswer::Done(_)), "{answer:?}");
        }
    }
}

async fn listen(listener: TcpListener, tls: TlsAcceptor, shared: Arc<Shared>) {
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        let (tls, shared) = (tls.clone(), shared.clone());
        tokio::task::spawn(async move {
            if let Ok(stream) = tls.accept(stream).await {
                connection::serve(stream, shared).await;
            }
        });
    }
}

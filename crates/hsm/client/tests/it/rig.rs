//! HSMs of one cluster in this process: the real core behind real TLS, around a log in memory. They can be killed,
//! silenced and held back.

use std::collections::HashMap;
use std::io::{Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

use rustls::{ServerConfig, ServerConnection, StreamOwned};
use strongroom_crypto::digest::sha256;
use strongroom_crypto::ec::{Curve, PrivateKey};
use strongroom_hsm_core::{
    ClusterScheme, ConnectionId, Hsm, HsmIdentity, Mode, Now, Options as HsmOptions, Outcome, Peer,
};
use strongroom_hsm_proto::command::{
    self, Activate, Answer, Call, Command, CreateUser, Cursor, Failure, FailureCode, Hello, Login,
    OpenSession, Result as Done, Role, Welcome,
};
use strongroom_hsm_proto::frame::{Decoder, Encoder, Header, Kind, MAX_ANSWER, MAX_CALL};
use strongroom_hsm_proto::tls::{ClientAnchors, ClusterSigner, SchemeOfCluster, server_config};
use strongroom_pki::{Certificate, Identity, Kind as CertificateKind, Name, Validity, issue, self_sign};
use strongroom_secret::Key256;

/// The password of every user.
pub(crate) const PASSWORD: &str = "password1";
/// Crypto users of an activated cluster.
pub(crate) const CRYPTO_USERS: [&str; 3] = ["cu1", "cu2", "cu3"];
/// Administrators of an activated cluster, besides `admin`.
pub(crate) const ADMINISTRATORS: [&str; 2] = ["officer1", "officer2"];

/// How long what is bound to happen may take on a machine that has much to do.
const PATIENCE: Duration = Duration::from_mins(1);

const VALIDITY: Validity = Validity { not_before: 1_700_000_000, not_after: 4_000_000_000 };

/// An authority that signs certificates of clusters, or of clients.
pub(crate) struct Authority {
    key: PrivateKey,
    certificate: Certificate,
}

impl Authority {
    pub(crate) fn new(name: &str) -> Self {
        let key = PrivateKey::generate(Curve::P256).unwrap();
        let kind = CertificateKind::Authority { path_length: None };
        let certificate =
            self_sign(&Identity::new(Name::new().common_name(name), kind, VALIDITY), &key).unwrap();
        Self { key, certificate }
    }

    pub(crate) fn pem(&self) -> String {
        self.certificate.to_pem()
    }

    fn sign(&self, name: &str, public_key: &[u8]) -> String {
        let identity = Identity::new(Name::new().common_name(name), CertificateKind::Endpoint, VALIDITY);
        issue(&identity, public_key, &self.certificate, &self.key).unwrap().to_pem()
    }

    /// A client's certificate and key, as PEM.
    #[allow(dead_code, reason = "not every test that includes this file needs it")]
    pub(crate) fn client(&self) -> (String, String) {
        let key = PrivateKey::generate(Curve::P256).unwrap();
        let certificate = self.sign("client", &key.public_key().to_spki().unwrap());
        let pem = {
            use base64::Engine as _;
            let text = base64::engine::general_purpose::STANDARD.encode(key.to_pkcs8().unwrap().expose());
            let lines: Vec<_> =
                text.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
            format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", lines.join("\n"))
        };
        (certificate, pem)
    }
}

/// A cluster.
pub(crate) struct Rig {
    pub(crate) nodes: Vec<Arc<Node>>,
    pub(crate) authority: String,
    pub(crate) log: Arc<Mutex<Log>>,
}

/// What all HSMs of the cluster apply.
#[derive(Default)]
pub(crate) struct Log {
    entries: Vec<Vec<u8>>,
    hashes: Vec<Vec<u8>>,
    answers: HashMap<Vec<u8>, command::Outcome>,
}

impl Log {
    /// How many changes there were.
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }
}

/// What is wrong with an HSM.
#[derive(Default)]
pub(crate) struct Faults {
    /// It does not catch up with the log, and writes nothing to it.
    pub(crate) is_behind: AtomicBool,
    /// It has halted.
    pub(crate) is_halted: AtomicBool,
    /// It answers nothing.
    pub(crate) is_mute: AtomicBool,
    /// Log-ins are done and not answered: the connection closes.
    pub(crate) is_mute_at_login: AtomicBool,
    /// It tells nobody whether it has a key.
    pub(crate) forbids: AtomicBool,
    /// So many calls are answered with BUSY.
    pub(crate) busy: AtomicU64,
    /// So many calls are done and not answered: the connection closes.
    pub(crate) swallowed: AtomicU64,
    /// So many calls are to pass before they are swallowed.
    pub(crate) passing: AtomicU64,
    /// Sent instead of the next answers, as it is. `REQUEST` in it becomes the call's number.
    pub(crate) nonsense: Mutex<Vec<Vec<u8>>>,
}

/// Stands for the number of the call that is answered.
pub(crate) const REQUEST: [u8; 8] = *b"REQUEST!";

/// One HSM.
pub(crate) struct Node {
    pub(crate) hsm: Hsm,
    pub(crate) address: SocketAddr,
    pub(crate) faults: Faults,
    /// Calls that came in.
    pub(crate) calls: AtomicU64,
    log: Arc<Mutex<Log>>,
    applied: Mutex<usize>,
    tls: ServerConfig,
    anchors: ClientAnchors,
    peers: Mutex<Vec<String>>,
    /// Where the last connection came from.
    last_client: Mutex<Option<IpAddr>>,
    running: Mutex<Option<Sockets>>,
    started: Instant,
}

/// The connections of an HSM that runs; none once it is to stop.
type Sockets = Arc<Mutex<Option<Vec<TcpStream>>>>;

struct Signer(Arc<Hsm>);

impl ClusterSigner for Signer {
    fn sign(&self, scheme: SchemeOfCluster, message: &[u8]) -> Option<Vec<u8>> {
        let scheme = match scheme {
            SchemeOfCluster::PssSha256 => ClusterScheme::PssSha256,
            SchemeOfCluster::PssSha384 => ClusterScheme::PssSha384,
            SchemeOfCluster::PssSha512 => ClusterScheme::PssSha512,
        };
        self.0.sign_with_cluster_key(scheme, message).ok()
    }
}

/// The cluster of most rigs.
pub(crate) const CLUSTER: &str = "cluster-rigrigrigri";

fn new_hsm(number: usize, cluster_id: &str) -> Hsm {
    let identity = HsmIdentity {
        hsm_id: format!("hsm-{number:011}"),
        cluster_id: cluster_id.to_owned(),
        serial_number: format!("{number:08}"),
        reboot_counter: 1,
    };
    let hsm = Hsm::new(identity, HsmOptions::new(Mode::NonFips));
    hsm.set_epoch(1, 1, &Key256::new([0x33; 32]));
    hsm
}

/// The states in which clusters begin: founded, and activated with users. Made once: passwords take their time.
fn beginnings() -> &'static (Vec<u8>, Vec<u8>) {
    static BEGINNINGS: OnceLock<(Vec<u8>, Vec<u8>)> = OnceLock::new();
    BEGINNINGS.get_or_init(|| {
        let hsm = new_hsm(0, CLUSTER);
        let now = Now { domain_ms: 1_800_000_000_000, monotonic_ms: 1 };
        hsm.apply(&hsm.found(now).unwrap(), now).unwrap();
        let founded = hsm.snapshot();
        let connection = hsm.connect(Peer::default());
        let run = |session, command| {
            let call = Call { session, command: Some(command), ..Call::default() };
            match hsm.execute(connection, &call, now) {
                Outcome::Done(reply) => reply.result,
                Outcome::Refused(failure) => panic!("{failure:?}"),
                Outcome::Change(planned) => {
                    hsm.apply(&planned.effects, now).unwrap();
                    hsm.settle(planned, None, now);
                    None
                }
            }
        };
        let password = || PASSWORD.to_owned();
        run(0, Command::Activate(Activate { password: password() }));
        let Some(Done::Session(opened)) = run(0, Command::OpenSession(OpenSession {})) else { panic!() };
        let login = Login { username: "admin".to_owned(), role: Role::Admin.into(), password: password() };
        run(opened.session, Command::Login(login));
        let users = [(ADMINISTRATORS.as_slice(), Role::Admin), (CRYPTO_USERS.as_slice(), Role::CryptoUser)];
        for (names, role) in users {
            for name in names {
                let create =
                    CreateUser { username: (*name).to_owned(), role: role.into(), password: password() };
                run(opened.session, Command::CreateUser(create));
            }
        }
        (founded, hsm.snapshot())
    })
}

/// An address of this machine that nobody else here listens at: the port of an HSM that is killed is taken by no other test
/// until it is back.
fn own_address() -> Ipv4Addr {
    static GIVEN: AtomicU32 = AtomicU32::new(0);
    let number = std::process::id().wrapping_mul(499).wrapping_add(GIVEN.fetch_add(1, Ordering::SeqCst));
    let [.., third, fourth] = (number % (255 << 8)).to_be_bytes();
    Ipv4Addr::new(127, 0, third + 1, fourth)
}

impl Rig {
    /// HSMs that nobody has activated.
    pub(crate) fn founded(count: usize) -> Self {
        Self::begun(count, CLUSTER, &beginnings().0, &Authority::new("customer"))
    }

    /// HSMs with users.
    pub(crate) fn activated(count: usize) -> Self {
        Self::begun(count, CLUSTER, &beginnings().1, &Authority::new("customer"))
    }

    /// HSMs with users, of a cluster of that id, whose certificate this authority signs.
    #[allow(dead_code, reason = "not every test that includes this file needs it")]
    pub(crate) fn named(count: usize, cluster_id: &str, authority: &Authority) -> Self {
        Self::begun(count, cluster_id, &beginnings().1, authority)
    }

    fn begun(count: usize, cluster_id: &str, snapshot: &[u8], authority: &Authority) -> Self {
        let log = Arc::new(Mutex::new(Log::default()));
        let mut nodes = Vec::new();
        let mut certificate = None;
        for number in 0..count {
            let hsm = new_hsm(number, cluster_id);
            hsm.load(snapshot).unwrap();
            // The one that signs handshakes only has to have the same key.
            let signing = Arc::new(new_hsm(number, cluster_id));
            signing.load(snapshot).unwrap();
            let certificate = certificate
                .get_or_insert_with(|| authority.sign("cluster", &hsm.cluster_public_key().unwrap()));
            let anchors = ClientAnchors::default();
            let tls =
                server_config(certificate, &authority.pem(), Arc::new(Signer(signing)), anchors.clone())
                    .unwrap();
            let listener = TcpListener::bind((own_address(), 0)).unwrap();
            let node = Arc::new(Node {
                hsm,
                address: listener.local_addr().unwrap(),
                faults: Faults::default(),
                calls: AtomicU64::new(0),
                log: Arc::clone(&log),
                applied: Mutex::new(0),
                tls,
                anchors,
                peers: Mutex::default(),
                last_client: Mutex::default(),
                running: Mutex::default(),
                started: Instant::now(),
            });
            node.serve(listener);
            nodes.push(node);
        }
        let addresses: Vec<_> = nodes.iter().map(|node| node.address.to_string()).collect();
        for node in &nodes {
            let own = node.address.to_string();
            *node.peers.lock().unwrap() =
                addresses.iter().filter(|address| **address != own).cloned().collect();
        }
        Self { nodes, authority: authority.pem(), log }
    }

    /// How many changes there were since the cluster began.
    #[allow(dead_code, reason = "not every test that includes this file needs it")]
    pub(crate) fn changes(&self) -> usize {
        self.log.lock().unwrap().len()
    }

    /// How many calls came in, at each HSM.
    #[allow(dead_code, reason = "not every test that includes this file needs it")]
    pub(crate) fn calls(&self) -> Vec<u64> {
        self.nodes.iter().map(|node| node.calls.load(Ordering::SeqCst)).collect()
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        for node in &self.nodes {
            node.kill();
        }
    }
}

impl Node {
    /// All connections break, and no new one is made.
    pub(crate) fn kill(&self) {
        if let Some(running) = self.running.lock().unwrap().take() {
            let sockets = running.lock().unwrap().take();
            // Wakes the listener.
            let _ = TcpStream::connect(self.address);
            for socket in sockets.into_iter().flatten() {
                let _ = socket.shutdown(Shutdown::Both);
            }
            // With the process its sessions are gone at once.
            let begun = Instant::now();
            while self.hsm.occupancy().sessions > 0 {
                if begun.elapsed() >= PATIENCE {
                    // A test that has failed already ends with why.
                    assert!(std::thread::panicking(), "a session stays at an HSM that is killed");
                    return;
                }
                std::thread::yield_now();
            }
        }
    }

    /// It is there again, at the same address.
    #[allow(dead_code, reason = "not every test that includes this file needs it")]
    pub(crate) fn revive(self: &Arc<Self>) {
        // The old listener may not have closed yet.
        let begun = Instant::now();
        let listener = loop {
            match TcpListener::bind(self.address) {
                Ok(listener) => break listener,
                Err(error) => {
                    assert!(begun.elapsed() < PATIENCE, "{}: {error}", self.address);
                    std::thread::yield_now();
                }
            }
        };
        self.serve(listener);
    }

    /// Where the last connection came from.
    #[allow(dead_code, reason = "not every test that includes this file needs it")]
    pub(crate) fn last_client(&self) -> Option<IpAddr> {
        *self.last_client.lock().unwrap()
    }

    /// What the HSM names as the others of its cluster.
    #[allow(dead_code, reason = "not every test that includes this file needs it")]
    pub(crate) fn name_peers(&self, peers: Vec<String>) {
        *self.peers.lock().unwrap() = peers;
    }

    fn serve(self: &Arc<Self>, listener: TcpListener) {
        let sockets: Sockets = Arc::new(Mutex::new(Some(Vec::new())));
        *self.running.lock().unwrap() = Some(Arc::clone(&sockets));
        let node = Arc::clone(self);
        std::thread::spawn(move || {
            for socket in listener.incoming() {
                // Whoever comes in is known to whoever kills, or comes too late.
                let mut sockets = sockets.lock().unwrap();
                let Some(sockets) = sockets.as_mut() else { return };
                let Ok(socket) = socket else { continue };
                sockets.push(socket.try_clone().unwrap());
                let node = Arc::clone(&node);
                std::thread::spawn(move || node.talk(socket));
            }
        });
    }

    /// One connection, until it breaks.
    fn talk(&self, socket: TcpStream) {
        socket.set_nodelay(true).unwrap();
        *self.last_client.lock().unwrap() = socket.peer_addr().ok().map(|address| address.ip());
        // The handshake asks for certificates by what the state says.
        self.catch_up();
        let tls = ServerConnection::new(Arc::new(self.tls.clone())).unwrap();
        let mut stream = StreamOwned::new(tls, socket);
        let mut decoder = Decoder::new(MAX_CALL);
        let mut connection = None;
        while let Some((header, payload)) = receive(&mut stream, &mut decoder) {
            if self.faults.is_mute.load(Ordering::SeqCst) {
                continue;
            }
            match header.kind {
                Kind::Hello => {
                    let hello = <Hello as prost::Message>::decode(payload.as_slice()).unwrap();
                    assert_eq!(hello.version, 1);
                    self.refresh_anchors();
                    let certificates = stream.conn.peer_certificates().unwrap_or_default();
                    let anchor = self.anchors.reference_of(certificates, 1_800_000_000);
                    connection =
                        Some(self.hsm.connect(Peer { address: String::new(), trust_anchor: anchor }));
                    self.catch_up();
                    let welcome = Welcome {
                        version: 1,
                        hsm_id: self.hsm.identity().hsm_id.clone(),
                        cluster_id: self.hsm.identity().cluster_id.clone(),
                        cursor: Some(self.cursor()),
                        peers: self.peers.lock().unwrap().clone(),
                        load: 0,
                    };
                    if !send(&mut stream, Header::of(Kind::Welcome), &welcome) {
                        break;
                    }
                }
                Kind::Call => {
                    let call = <Call as prost::Message>::decode(payload.as_slice()).unwrap();
                    let Some(connection) = connection else { break };
                    self.calls.fetch_add(1, Ordering::SeqCst);
                    let nonsense = self.faults.nonsense.lock().unwrap().pop();
                    if let Some(mut bytes) = nonsense {
                        if let Some(at) = bytes.windows(8).position(|window| window == REQUEST) {
                            bytes[at..at + 8].copy_from_slice(&header.request.to_be_bytes());
                        }
                        let _ = stream.write_all(&bytes).and_then(|()| stream.flush());
                        continue;
                    }
                    let outcome = self.outcome(connection, &call);
                    let is_login = matches!(call.command, Some(Command::Login(_)));
                    let is_swallowed = is_login && self.faults.is_mute_at_login.load(Ordering::SeqCst)
                        || !count_down(&self.faults.passing) && count_down(&self.faults.swallowed);
                    let answer = Answer { cursor: Some(self.cursor()), outcome: Some(outcome), load: 0 };
                    if is_swallowed || !send(&mut stream, Header::answer(header.request), &answer) {
                        break;
                    }
                    if self.hsm.unwelcome().contains(&connection) {
                        break;
                    }
                }
                _ => break,
            }
        }
        if let Some(connection) = connection {
            self.hsm.disconnect(connection, self.now());
        }
        let _ = stream.sock.shutdown(Shutdown::Both);
    }

    fn outcome(&self, connection: ConnectionId, call: &Call) -> command::Outcome {
        let fail = |code: FailureCode| {
            command::Outcome::Failure(Failure { code: code.into(), text: format!("{code:?}") })
        };
        if self.faults.is_halted.load(Ordering::SeqCst) {
            return fail(FailureCode::Halted);
        }
        if count_down(&self.faults.busy) {
            return fail(FailureCode::Busy);
        }
        if self.faults.forbids.load(Ordering::SeqCst) && matches!(call.command, Some(Command::ConfirmKey(_)))
        {
            return fail(FailureCode::Forbidden);
        }
        self.catch_up();
        let applied = *self.applied.lock().unwrap() as u64;
        if call.cursor.as_ref().is_some_and(|cursor| cursor.sequence > applied) {
            return fail(FailureCode::Behind);
        }
        loop {
            if let Some(known) = self.log.lock().unwrap().answers.get(&call.command_id) {
                return known.clone();
            }
            match self.hsm.execute(connection, call, self.now()) {
                Outcome::Done(reply) => return command::Outcome::Reply(reply),
                Outcome::Refused(failure) => return command::Outcome::Failure(failure),
                // Its changes would lose every race.
                Outcome::Change(_) if self.faults.is_behind.load(Ordering::SeqCst) => {
                    return fail(FailureCode::Behind);
                }
                Outcome::Change(planned) => {
                    let mut log = self.log.lock().unwrap();
                    let mut applied = self.applied.lock().unwrap();
                    if *applied < log.entries.len() {
                        drop(applied);
                        drop(log);
                        self.catch_up();
                        continue;
                    }
                    let before = log.hashes.last().cloned().unwrap_or_default();
                    log.hashes.push(sha256(&[before, planned.effects.clone()].concat()).to_vec());
                    log.entries.push(planned.effects.clone());
                    let answer = planned.answer.clone();
                    if !call.command_id.is_empty() {
                        log.answers.insert(call.command_id.clone(), answer.clone());
                    }
                    self.hsm.apply(&planned.effects, self.now()).unwrap();
                    *applied += 1;
                    self.hsm.settle(planned, None, self.now());
                    drop(applied);
                    self.refresh_anchors();
                    return answer;
                }
            }
        }
    }

    fn catch_up(&self) {
        if self.faults.is_behind.load(Ordering::SeqCst) {
            return;
        }
        let log = self.log.lock().unwrap();
        let mut applied = self.applied.lock().unwrap();
        for effects in &log.entries[*applied..] {
            self.hsm.apply(effects, self.now()).unwrap();
        }
        *applied = log.entries.len();
        drop(log);
        drop(applied);
        self.refresh_anchors();
    }

    fn refresh_anchors(&self) {
        let anchors = self.hsm.trust_anchors();
        let listed = anchors.iter().map(|anchor| (anchor.certificate_reference, anchor.certificate.as_str()));
        let is_mandatory = self.hsm.mtls_enforcement() == command::EnforcementLevel::Cluster;
        self.anchors.set(listed, is_mandatory).unwrap();
    }

    fn cursor(&self) -> Cursor {
        let sequence = *self.applied.lock().unwrap();
        let log = self.log.lock().unwrap();
        let hash = sequence.checked_sub(1).and_then(|last| log.hashes.get(last)).cloned().unwrap_or_default();
        Cursor { incarnation: 1, sequence: sequence as u64, hash, mac: Vec::new(), epoch: 1 }
    }

    fn now(&self) -> Now {
        let elapsed = u64::try_from(self.started.elapsed().as_millis()).unwrap() + 1_000;
        Now { domain_ms: 1_800_000_000_000 + elapsed as i64, monotonic_ms: elapsed }
    }
}

/// Whether one was left.
fn count_down(counter: &AtomicU64) -> bool {
    counter.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok()
}

type Stream = StreamOwned<ServerConnection, TcpStream>;

fn receive(stream: &mut Stream, decoder: &mut Decoder) -> Option<(Header, Vec<u8>)> {
    loop {
        if let Some(frame) = decoder.next().ok()? {
            return Some((frame.header, frame.payload.to_vec()));
        }
        match stream.read(decoder.space()) {
            Ok(0) | Err(_) => return None,
            Ok(count) => decoder.filled(count),
        }
    }
}

fn send(stream: &mut Stream, header: Header, message: &impl prost::Message) -> bool {
    let mut encoder = Encoder::new();
    encoder.push(header, message, MAX_ANSWER).unwrap();
    stream.write_all(encoder.bytes()).and_then(|()| stream.flush()).is_ok()
}

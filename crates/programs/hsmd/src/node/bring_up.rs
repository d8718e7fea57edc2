//! From an assignment to a partition at work, and to its clients.

use std::sync::atomic::AtomicU32;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use prost::Message as _;
use strongroom_hsm_cluster::{ClusterError, Replica};
use strongroom_hsm_core::{Hsm, HsmIdentity, Mode, Options};
use strongroom_hsm_proto::fleet::{AssignedRole, Assignment, ClusterCertificates, ClusterMode};
use strongroom_hsm_proto::tls::server_config;
use tokio::sync::Semaphore;

use super::{Ending, Node, Running};
use crate::partition::{Begun, Care, Desk, Ground, LogError, Partition, Signer, Writer};
use crate::serve::{self, Service};
use crate::state::Assigned;

const ASSIGNMENT: &str = "assignment";
/// How often an HSM without a partition tries what it was told to be, before it asks again what it is to be: it may
/// have been told to join, and nobody is left who could let it in.
const MOST_TRIES: u32 = 10;
/// How long to wait before something is tried again.
const AGAIN: Duration = Duration::from_secs(1);

impl Node {
    /// Goes on with the partition in the state folder, if there is one: also when the control plane is away.
    pub(super) fn resume(self: &Arc<Self>) -> anyhow::Result<()> {
        let Some(kept) = self.folder.read_sealed(ASSIGNMENT)? else { return Ok(()) };
        let mut assigned = Assigned::decode(kept.expose().as_slice())?;
        assigned.starts = assigned.starts.saturating_add(1);
        let ground = self.ground(&assigned);
        if let Some(begun) = ground.resume()? {
            self.folder.write_sealed(ASSIGNMENT, &assigned.encode_to_vec())?;
            // One that was let in but has not seen it yet, or whose founding or restore was cut off, goes on when
            // the control plane is there.
            let is_whole = ground.hsm.cluster_public_key().is_ok() && !ground.is_restoring()?;
            if begun.ledger.ask(Replica::is_member) && is_whole {
                self.go(&ground, begun);
            }
        }
        Ok(())
    }

    /// Makes sure that there is a partition and that it has all that the log has.
    pub(super) async fn bring_up(self: Arc<Self>, assignment: Box<Assignment>) {
        let _alone = self.bringing_up.lock().await;
        let mut tries = 0;
        loop {
            let done = match self.partition() {
                // Also when the log is shorter than it was: what it lost is given back.
                Some(partition) => partition.log.turn().await.catch_up().await.map(drop),
                None => self.begin(&assignment).await,
            };
            match done {
                Ok(()) => break,
                Err(error) if error.halt().is_some() => {
                    self.halt(error.to_string());
                    break;
                }
                Err(error @ LogError::Cluster(ClusterError::Superseded)) => {
                    tracing::warn!(%error, "another HSM was faster");
                    // What this one is to be now, the next assignment says.
                    self.plane.give_up();
                    return;
                }
                Err(LogError::Plane(error)) if error.is_expulsion() => {
                    return self.end(Ending::Stop("it is no member of the cluster any more"));
                }
                Err(error) => {
                    tracing::warn!(%error, "the partition is not there yet");
                    self.say_trouble(error.to_string());
                }
            }
            tries += 1;
            if tries >= MOST_TRIES && self.partition().is_none() {
                self.plane.give_up();
                return;
            }
            if !self.plane.is_there() {
                // The next assignment goes on.
                return;
            }
            tokio::time::sleep(AGAIN).await;
        }
        self.say_trouble(String::new());
        self.news.notify_one();
    }

    /// Reports why the HSM does not get on; nothing is that it does.
    fn say_trouble(&self, trouble: String) {
        let is_new = self.trouble.send_if_modified(|before| {
            let is_new = *before != trouble;
            *before = trouble;
            is_new
        });
        if is_new {
            self.news.notify_one();
        }
    }

    async fn begin(self: &Arc<Self>, assignment: &Assignment) -> Result<(), LogError> {
        let assigned = Assigned {
            cluster_id: assignment.cluster_id.clone(),
            fips: assignment.mode() == ClusterMode::Fips,
            starts: 0,
        };
        let ground = self.ground(&assigned);
        let begun = if let Some(begun) = ground.resume()? {
            ground.complete(&begun).await?;
            begun
        } else {
            self.folder.write_sealed(ASSIGNMENT, &assigned.encode_to_vec()).map_err(LogError::disk)?;
            match assignment.role() {
                AssignedRole::Found => ground.found().await?,
                AssignedRole::Join => ground.join().await?,
                AssignedRole::Restore => {
                    let from = assignment.restore.as_ref();
                    let from = from.ok_or_else(|| LogError::Core("no backup is named".to_owned()))?;
                    ground.restore(from).await?
                }
                AssignedRole::Resume => {
                    return Err(LogError::Core("there is no partition to go on with".to_owned()));
                }
            }
        };
        if begun.ledger.ask(Replica::is_member) {
            begun.audit.go_on_from(assignment.audit_next)?;
            self.go(&ground, begun);
            return Ok(());
        }
        // It was let in once, and the log has gone on without it. It begins with an empty core.
        drop(begun);
        let ground = self.ground(&assigned);
        let begun = ground.join().await?;
        begun.audit.go_on_from(assignment.audit_next)?;
        self.go(&ground, begun);
        Ok(())
    }

    fn ground(&self, assigned: &Assigned) -> Ground {
        let identity = HsmIdentity {
            hsm_id: self.hsm_id.clone(),
            cluster_id: assigned.cluster_id.clone(),
            serial_number: self.device.serial_number(),
            reboot_counter: assigned.starts,
        };
        let options = Options::new(if assigned.fips { Mode::Fips } else { Mode::NonFips });
        Ground {
            folder: self.folder.clone(),
            device: self.device.clone(),
            plane: self.plane.clone(),
            clock: self.clock.clone(),
            faults: self.faults.clone(),
            hsm: Arc::new(Hsm::new(identity, options)),
        }
    }

    /// Puts a partition to work.
    fn go(self: &Arc<Self>, ground: &Ground, begun: Begun) {
        let Begun { ledger, view, log, audit } = begun;
        if let Some(halt) = ledger.ask(|replica| replica.halted().map(ToString::to_string)) {
            self.halt(halt);
        }
        let desk = Desk {
            hsm: ground.hsm.clone(),
            ledger: ledger.clone(),
            log: log.clone(),
            plane: self.plane.clone(),
            clock: self.clock.clone(),
            halted: self.halted.clone(),
        };
        let partition = Arc::new(Partition {
            hsm: ground.hsm.clone(),
            ledger,
            view,
            log,
            writer: Writer::start(desk, &self.shutdown),
            audit,
            folder: self.folder.clone(),
            saving: Mutex::new(()),
        });
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let service = Arc::new(Service {
            partition: partition.clone(),
            hsm_id: self.hsm_id.clone(),
            cluster_id: partition.hsm.identity().cluster_id.clone(),
            peers: self.peers.subscribe(),
            rules: self.rules.clone(),
            counts: self.counts.clone(),
            clock: self.clock.clone(),
            faults: self.faults.clone(),
            shutdown: self.shutdown.clone(),
            halted: self.halted.clone(),
            changed: self.changed.subscribe(),
            cores: Arc::new(Semaphore::new(cores)),
            passwords: Arc::new(Semaphore::new(1)),
            waiting_passwords: AtomicU32::new(0),
        });
        if self.running.set(Running { partition: partition.clone(), service }).is_err() {
            return;
        }
        self.is_up.send_replace(true);
        self.spawn(Node::follow_state);
        let care = Care::new(partition, self.plane.clone(), self.clock.clone(), self.compact_after);
        self.spawn(|_| care.look_after());
    }

    /// Keeps what depends on the state in step with it: the trust anchors of clients.
    async fn follow_state(self: Arc<Self>) {
        let Some(partition) = self.partition().cloned() else { return };
        let mut moves = partition.view.watch();
        let mut before = None;
        loop {
            let now = (
                partition.hsm.trust_anchors(),
                partition.hsm.mtls_enforcement(),
                partition.hsm.is_activated(),
            );
            if before.as_ref() != Some(&now) {
                let (anchors, enforcement, _) = &now;
                let anchors =
                    anchors.iter().map(|anchor| (anchor.certificate_reference, anchor.certificate.as_str()));
                if let Err(error) = self.anchors.set(anchors, i32::from(*enforcement) != 0) {
                    tracing::error!(%error, "a trust anchor of clients cannot be read; the ones before it stay");
                }
                self.changed.send_modify(|changes| *changes += 1);
                self.news.notify_one();
                before = Some(now);
            }
            if moves.changed().await.is_err() {
                return;
            }
        }
    }

    /// Waits for a partition and for the cluster's certificate, and serves clients then.
    pub(super) async fn serve_clients(self: Arc<Self>) {
        let mut is_up = self.is_up.subscribe();
        let _ = is_up.wait_for(|is_up| *is_up).await;
        let Some(Running { partition, service }) = self.running.get() else { return };
        let mut installed = self.certificates.subscribe();
        let certificates = match installed.wait_for(Option::is_some).await {
            Ok(certificates) => certificates.clone().unwrap_or_default(),
            Err(_) => return,
        };
        loop {
            match self.listen(partition, service, &certificates) {
                Ok(serving) => {
                    tracing::info!(address = %self.listen, "clients are served");
                    self.is_serving.send_replace(true);
                    self.say_trouble(String::new());
                    self.news.notify_one();
                    return serving.await;
                }
                Err(error) => {
                    tracing::error!(%error, address = %self.listen, "clients cannot be served");
                    self.say_trouble(format!("clients cannot be served at {}: {error:#}", self.listen));
                    tokio::time::sleep(AGAIN).await;
                }
            }
        }
    }

    fn listen(
        &self,
        partition: &Arc<Partition>,
        service: &Arc<Service>,
        certificates: &ClusterCertificates,
    ) -> anyhow::Result<impl Future<Output = ()> + use<>> {
        let signer = Arc::new(Signer(partition.hsm.clone()));
        let ClusterCertificates { cluster_certificate, trust_anchor } = certificates;
        let tls = server_config(cluster_certificate, trust_anchor, signer, self.anchors.clone())?;
        let listener = serve::bind(self.listen)?;
        Ok(serve::serve(service.clone(), listener, tls, self.anchors.clone()))
    }
}

//! One HSM: what it is told to be, and everything that runs for it.

mod attend;
mod bring_up;
mod obey;
mod report;

use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use anyhow::{Context as _, Result};
use prost::Message as _;
use strongroom_hsm_proto::fleet::ClusterCertificates;
use strongroom_hsm_proto::tls::ClientAnchors;
use strongroom_runtime::{Shutdown, ShutdownOwner, termination};
use strongroom_secret::SecretString;
use tokio::sync::{Mutex, Notify, watch};

use crate::clock::Clock;
use crate::faults::Faults;
use crate::fleet::{Dialer, Plane};
use crate::partition::Partition;
use crate::rules::Rules;
use crate::serve::{Counts, Service};
use crate::state::{Device, Folder};

const CERTIFICATES: &str = "certificates";
/// How often the state folder is looked for.
const LOOK: Duration = Duration::from_secs(1);
/// How often those at work are looked for when the HSM stops.
const AT_WORK: Duration = Duration::from_millis(10);
/// How long those at work may take to finish when the HSM stops.
const FINISH: Duration = Duration::from_secs(15);

/// What an HSM is made of.
pub(crate) struct Parts {
    pub(crate) hsm_id: String,
    pub(crate) token: SecretString,
    pub(crate) listen: SocketAddr,
    pub(crate) folder: Folder,
    pub(crate) device: Device,
    pub(crate) clock: Clock,
    pub(crate) faults: Faults,
    pub(crate) dialer: Dialer,
    /// After how many entries the log is compacted; 0 leaves it to the program.
    pub(crate) compact_after: u64,
}

/// One HSM. Tasks share it.
pub(crate) struct Node {
    hsm_id: String,
    token: SecretString,
    listen: SocketAddr,
    folder: Arc<Folder>,
    device: Arc<Device>,
    clock: Clock,
    faults: Faults,
    compact_after: u64,
    plane: Plane,
    rules: Rules,
    anchors: ClientAnchors,
    counts: Arc<Counts>,
    shutdown: Shutdown,
    peers: watch::Sender<Vec<String>>,
    certificates: watch::Sender<Option<ClusterCertificates>>,
    halted: watch::Sender<Option<String>>,
    /// Why the HSM does not get on, while it starts.
    trouble: watch::Sender<String>,
    /// Grows when connections have to be looked at again.
    changed: watch::Sender<u64>,
    running: OnceLock<Running>,
    /// There is a partition now.
    is_up: watch::Sender<bool>,
    /// Clients are served.
    is_serving: watch::Sender<bool>,
    /// Held while the partition is being brought up.
    bringing_up: Mutex<()>,
    /// Something is worth reporting.
    news: Notify,
    ending: watch::Sender<Option<Ending>>,
}

/// A partition at work.
struct Running {
    partition: Arc<Partition>,
    service: Arc<Service>,
}

/// Why the process ends.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Ending {
    /// It was asked to stop, or has no business any more.
    Stop(&'static str),
    /// It was asked to wipe its state.
    Destroy,
}

/// Runs an HSM until it is asked to stop.
pub(crate) async fn run(parts: Parts) -> Result<()> {
    let terminated = termination().context("listening for signals")?;
    let owner = ShutdownOwner::new();
    let Parts { hsm_id, token, listen, folder, device, clock, faults, dialer, compact_after } = parts;
    let node = Arc::new(Node {
        hsm_id,
        token,
        listen,
        folder: Arc::new(folder),
        device: Arc::new(device),
        clock,
        faults,
        compact_after,
        plane: Plane::new(),
        rules: Rules::default(),
        anchors: ClientAnchors::default(),
        counts: Arc::default(),
        shutdown: owner.handle(),
        peers: watch::Sender::default(),
        certificates: watch::Sender::default(),
        halted: watch::Sender::default(),
        trouble: watch::Sender::default(),
        changed: watch::Sender::default(),
        running: OnceLock::new(),
        is_up: watch::Sender::new(false),
        is_serving: watch::Sender::new(false),
        bringing_up: Mutex::new(()),
        news: Notify::new(),
        ending: watch::Sender::new(None),
    });
    node.read_certificates()?;
    node.resume()?;

    node.spawn(Node::serve_clients);
    node.spawn(Node::keep_reporting);
    node.spawn_to_the_last(|node| node.attend(dialer));
    let mut ending = node.ending.subscribe();
    let ending = tokio::select! {
        () = terminated => Ending::Stop("it was asked to"),
        () = node.folder_is_gone() => Ending::Stop("its state folder is gone"),
        ending = ending.wait_for(Option::is_some) => match ending.map(|ending| ending.clone()) {
            Ok(Some(ending)) => ending,
            _ => Ending::Stop("nobody needs it"),
        },
    };
    tracing::info!(?ending, "the HSM stops");
    node.say_good_bye(&ending).await;
    if !owner.finish(FINISH).await {
        tracing::warn!("not everything that was under way has finished");
    }
    node.put_down(&ending)
}

impl Node {
    /// Runs a task for the HSM until it ends by itself or the HSM stops.
    fn spawn<F: Future<Output = ()> + Send + 'static>(self: &Arc<Self>, task: impl FnOnce(Arc<Self>) -> F) {
        let (task, shutdown) = (task(self.clone()), self.shutdown.clone());
        self.shutdown.spawn(async move {
            tokio::select! {
                biased;
                () = shutdown.begun() => {}
                () = task => {}
            }
        });
    }

    /// Runs a task until the HSM stops and those who are at work have finished.
    fn spawn_to_the_last<F: Future<Output = ()> + Send + 'static>(
        self: &Arc<Self>,
        task: impl FnOnce(Arc<Self>) -> F,
    ) {
        let (task, shutdown, counts) = (task(self.clone()), self.shutdown.clone(), self.counts.clone());
        self.shutdown.spawn(async move {
            let finished = async {
                shutdown.begun().await;
                while counts.load() > 0 {
                    tokio::time::sleep(AT_WORK).await;
                }
            };
            tokio::select! {
                biased;
                () = finished => {}
                () = task => {}
            }
        });
    }

    fn partition(&self) -> Option<&Arc<Partition>> {
        self.running.get().map(|running| &running.partition)
    }

    fn end(&self, ending: Ending) {
        self.ending.send_if_modified(|current| {
            let is_first = current.is_none() || ending == Ending::Destroy;
            if is_first {
                *current = Some(ending);
            }
            is_first
        });
    }

    /// The HSM stands still, and says why from now on.
    fn halt(&self, reason: String) {
        tracing::error!(reason, "the HSM has halted; an operator has to decide");
        self.halted.send_replace(Some(reason));
        self.news.notify_one();
    }

    async fn folder_is_gone(&self) {
        while self.folder.is_there() {
            tokio::time::sleep(LOOK).await;
        }
    }

    fn read_certificates(&self) -> Result<()> {
        if let Some(kept) = self.folder.read(CERTIFICATES)? {
            let kept = ClusterCertificates::decode(kept.expose().as_slice())
                .with_context(|| format!("the file \"{CERTIFICATES}\" of the state folder is damaged"))?;
            self.certificates.send_replace(Some(kept));
        }
        Ok(())
    }

    /// Takes the cluster's certificate and anchor, which never change once they are there.
    fn take_certificates(&self, certificates: ClusterCertificates) -> Result<(), String> {
        if certificates.cluster_certificate.is_empty() {
            return Ok(());
        }
        match &*self.certificates.borrow() {
            Some(ours) if *ours == certificates => return Ok(()),
            Some(_) => return Err("the cluster has another certificate already".to_owned()),
            None => {}
        }
        self.folder
            .write(CERTIFICATES, &certificates.encode_to_vec())
            .map_err(|error| format!("the certificates could not be written: {error:#}"))?;
        self.certificates.send_replace(Some(certificates));
        Ok(())
    }

    /// Tells the control plane, if it is there.
    async fn say_good_bye(&self, ending: &Ending) {
        if let Ending::Stop(reason) = ending {
            // It sees the connection close in any case.
            let _ = self.plane.leaving(reason).await;
        }
    }

    /// Leaves the state folder as it should be found.
    fn put_down(&self, ending: &Ending) -> Result<()> {
        if *ending == Ending::Destroy {
            self.folder.destroy().context("wiping the state folder")?;
            tracing::info!("the HSM's state is wiped");
            return Ok(());
        }
        if let Some(partition) = self.partition()
            && self.folder.is_there()
        {
            partition.save().context("writing what this HSM must not forget")?;
            if let Err(error) = partition.ledger.write_down() {
                tracing::warn!(%error, "the next start reads the log's tail");
            }
        }
        Ok(())
    }
}

//! The control plane proper: what is wanted of clusters, changed for callers in one transaction each, with the
//! permission asked for on the very state that the change commits on.

mod agenda;
mod backing_up;
mod backups;
mod clusters;
mod hsms;
mod tags;

use std::sync::{Arc, OnceLock};

use strongroom_api_ec2::Ec2;
use strongroom_identity::{Action, RequestContext};
use strongroom_journal::Record;
use strongroom_outbox::Outbox;
use strongroom_policy::Authority;
use strongroom_runtime::{Clocks, Waker};
use strongroom_seal::{Root, SealError};
use strongroom_store::{Db, RowMac, StoreError};
use tokio::sync::Notify;

pub(crate) use self::backing_up::BackUpError;
use self::backing_up::BackUps;
use crate::domain::home::Home;
use crate::domain::resource::Absent;
use crate::error::Refusal;
use crate::faults::Faults;
use crate::fleet::Fleet;
use crate::network::{Network, NetworkRules};
use crate::placement::Placement;
use crate::reconciler::Memory;

pub(crate) use self::backups::BackupPlace;
pub(crate) use self::clusters::NewCluster;
pub(crate) use self::hsms::Which;

/// The CloudFormation types under which records list clusters and backups.
pub(crate) const CLUSTER_RESOURCE: &str = "AWS::CloudHSM::Cluster";
pub(crate) const BACKUP_RESOURCE: &str = "AWS::CloudHSM::Backup";

/// Why the control plane does not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The seal does not give its subkeys, or does not open what it sealed.
    #[error("the seal does not give the keys that CloudHSM needs")]
    Seal(#[from] SealError),
    /// The store cannot be read.
    #[error("what CloudHSM keeps cannot be read")]
    Store(#[from] StoreError),
    /// The certificate that HSMs know the control plane by cannot be made or used.
    #[error("the control plane's certificate cannot be used: {0}")]
    Identity(String),
    /// The fleet's listener cannot be opened.
    #[error("HSMs cannot be listened for at {address}")]
    Listen {
        /// Where.
        address: std::net::SocketAddr,
        /// Why not.
        source: std::io::Error,
    },
}

/// What an operator chooses.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Options {
    /// Development: HSMs heed the moved clock, and this machine may connect to them.
    pub dev: bool,
    /// Whether clusters are backed up every day.
    pub daily_backups: bool,
    /// Clusters that an account may have in a Region. AWS's default is 4.
    pub most_clusters: i64,
    /// HSMs that an account may have in a Region. AWS's default is 6.
    pub most_hsms: i64,
    /// After how many milliseconds what CloudHSM made in EC2 is removed if no HSM and no cluster came of it. Longer
    /// than a request takes to write down for what it made it.
    pub leftover_ms: i64,
}

impl Default for Options {
    fn default() -> Self {
        Self { dev: false, daily_backups: true, most_clusters: 4, most_hsms: 6, leftover_ms: 60_000 }
    }
}

/// What the control plane is made of.
pub struct Parts<'r> {
    /// The store.
    pub db: Db,
    /// The seal.
    pub root: &'r Root,
    /// Who decides.
    pub authority: Authority,
    /// Where records go.
    pub outbox: Arc<Outbox>,
    /// Both clocks.
    pub clocks: Clocks,
    /// EC2.
    pub ec2: Arc<dyn Ec2>,
    /// What EC2's security groups let through.
    pub rules: Arc<dyn NetworkRules>,
    /// Where HSMs run.
    pub placement: Arc<dyn Placement>,
    /// What the operator has chosen.
    pub options: Options,
}

/// The CloudHSM service over one store and one seal.
pub struct ControlPlane {
    pub(crate) db: Db,
    pub(crate) mac: RowMac,
    pub(crate) authority: Authority,
    pub(crate) outbox: Arc<Outbox>,
    pub(crate) clocks: Clocks,
    pub(crate) network: Network,
    pub(crate) rules: Arc<dyn NetworkRules>,
    pub(crate) placement: Arc<dyn Placement>,
    pub(crate) options: Options,
    pub(crate) fleet: Fleet,
    pub(crate) memory: Memory,
    pub(crate) faults: Faults,
    /// What gives the service's half of backup keys, of the epoch that each backup names.
    root: Root,
    back_ups: BackUps,
    waker: OnceLock<Waker>,
    /// Told whenever what is wanted, or what is, may have changed.
    nudge: Notify,
}

impl ControlPlane {
    /// The service, which does nothing by itself before [`run`](Self::run).
    pub async fn open(parts: Parts<'_>) -> Result<Self, StartError> {
        let Parts { db, root, authority, outbox, clocks, ec2, rules, placement, options } = parts;
        let mac = RowMac::new(root);
        let fleet = Fleet::open(&db, root).await?;
        let network = Network::new(ec2, outbox.clone(), clocks.clone());
        Ok(Self {
            db,
            mac,
            authority,
            outbox,
            clocks,
            network,
            rules,
            placement,
            options,
            fleet,
            memory: Memory::default(),
            faults: Faults::default(),
            root: root.clone(),
            back_ups: BackUps::default(),
            waker: OnceLock::new(),
            nudge: Notify::new(),
        })
    }

    /// Has `waker` woken whenever a change may have brought the next due item forward. The first one stays.
    pub fn wake(&self, waker: Waker) {
        drop(self.waker.set(waker));
    }

    /// Tells whoever does what is due that something may be due earlier than before.
    pub(crate) fn agenda_changed(&self) {
        if let Some(waker) = self.waker.get() {
            waker.wake();
        }
    }

    /// Tells the reconciler to look again.
    pub(crate) fn nudge(&self) {
        self.memory.changed();
        self.nudge.notify_one();
    }

    /// Has the reconciler look again although nothing has changed.
    pub(crate) fn look_again(&self) {
        self.nudge.notify_one();
    }

    /// Resolves when somebody has nudged since the last time.
    pub(crate) async fn nudged(&self) {
        self.nudge.notified().await;
    }

    /// The refusal of a call that names what is not there: that the caller may not do `A` to such a thing, and
    /// `missing` if he may.
    fn absent<A: Action>(
        &self,
        context: &RequestContext,
        home: &Home,
        id: &str,
        missing: fn(&str) -> Refusal,
    ) -> Refusal {
        match self.authority.authorize::<A, _>(context, Absent { home, id }) {
            Ok(_) => missing(id),
            Err(denied) => denied.into(),
        }
    }

    /// Records what has been done and committed. If it cannot be recorded now it is later: its draft is in
    /// the store.
    pub(crate) async fn publish(&self, record: Record) {
        let event = record.event_name.clone();
        if let Err(error) = self.outbox.record(record, true).await {
            tracing::warn!(event, %error, "the record of what CloudHSM did by itself is still to be written");
        }
    }
}

//! Where HSMs run.
//!
//! The reconciler decides which HSMs there are to be; a [`Placement`] makes processes of them. One of them is
//! [`LocalProcesses`]: processes on this machine.

mod local;

pub use local::{LocalOptions, LocalProcesses};

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use async_trait::async_trait;
use strongroom_secret::SecretString;
use tokio::sync::watch;

/// Why a placement does not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PlacementError {
    /// No HSM can listen at this address here; the text says what to do about it.
    #[error("{0}")]
    Unreachable(String),
    /// The program of HSMs is not to be found.
    #[error("the HSM's program cannot be started from {path}; say where it is with --hsmd")]
    Program {
        /// Where it was looked for.
        path: PathBuf,
        /// Why it does not start.
        source: std::io::Error,
    },
    /// A file or process cannot be dealt with.
    #[error("{what}")]
    Io {
        /// What was tried.
        what: String,
        /// Why it failed.
        source: std::io::Error,
    },
}

/// What an address is like where an HSM is to listen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spot {
    /// An HSM can listen there.
    Free,
    /// Something listens there already.
    InUse,
}

/// What there is of an HSM where it is placed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    /// Nothing: it has never been started, or was destroyed, or what it kept is lost.
    Absent,
    /// What it keeps is there, and no process.
    Stopped,
    /// Its process runs.
    Running,
}

/// What an HSM is started with.
#[derive(Clone, Debug)]
pub struct Order {
    /// The HSM, `hsm-...`.
    pub hsm_id: String,
    /// Its Availability Zone.
    pub zone: String,
    /// Where it serves clients.
    pub listen: SocketAddr,
    /// Where the control plane listens.
    pub plane: SocketAddr,
    /// The control plane's certificate as PEM.
    pub plane_certificate: String,
    /// What it enrols with; none for one that has enrolled.
    pub enrolment_token: Option<SecretString>,
    /// Whether it heeds the clock of development mode.
    pub dev: bool,
}

/// Makes processes of HSMs, and keeps none of its own state but what it finds again after a restart.
#[async_trait]
pub trait Placement: Send + Sync {
    /// Whether an HSM of that zone could listen at `address`. An error says what the operator is to do.
    async fn survey(&self, zone: &str, address: Ipv4Addr) -> Result<Spot, PlacementError>;

    /// What there is of an HSM.
    async fn observe(&self, hsm_id: &str) -> Result<Condition, PlacementError>;

    /// Starts an HSM that does not run.
    async fn start(&self, order: &Order) -> Result<(), PlacementError>;

    /// Ends the process of an HSM; what it keeps stays. Nothing happens if it does not run.
    async fn stop(&self, hsm_id: &str) -> Result<(), PlacementError>;

    /// Ends the process of an HSM as a failure does, without asking; what it keeps stays. For development.
    async fn kill(&self, hsm_id: &str) -> Result<(), PlacementError> {
        self.stop(hsm_id).await
    }

    /// Ends the process of an HSM and removes everything that it keeps.
    async fn destroy(&self, hsm_id: &str) -> Result<(), PlacementError>;

    /// Every HSM that there is anything of.
    async fn list(&self) -> Result<Vec<String>, PlacementError>;

    /// A number that grows whenever the condition of some HSM has changed by itself.
    fn changes(&self) -> watch::Receiver<u64>;
}

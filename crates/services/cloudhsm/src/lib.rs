//! CloudHSM: clusters, their HSMs and backups, and what brings them about.
//!
//! [`ControlPlane`] answers the CloudHSM API and keeps what is wanted; its reconciler makes it so, through a
//! [`Placement`] that makes processes of HSMs; its fleet listener is what HSMs connect to. A call goes through
//! `api` (input rules), `plane` (authorisation and change in one transaction), `domain` (rules without a store)
//! and `repo` (rows).
//!
//! The crate knows no key, no user and no log-in of a cluster: what HSMs hand it to keep is sealed by them for
//! each other. Networks are EC2's, asked for through its API.

#![warn(missing_docs)]

mod api;
mod audit_log;
mod certificates;
mod domain;
mod error;
mod events;
mod faults;
mod fleet;
mod measures;
mod network;
mod placement;
mod plane;
mod reconciler;
mod repo;
mod resealing;

pub use audit_log::{AuditLine, audit_line};
pub use faults::{HsmFault, HsmFaultError};
pub use measures::{HsmCounts, HsmMeasures};
pub use network::{Cidr, NetworkOwner, NetworkRules};
pub use placement::{Condition, LocalOptions, LocalProcesses, Order, Placement, PlacementError, Spot};
pub use plane::{ControlPlane, Options, Parts, StartError};
pub use repo::{MIGRATIONS, STATEMENTS};
pub use resealing::{BackupHalves, SEALED};

//! EC2's networks: VPCs, subnets, security groups and network interfaces, for each account and Region.
//!
//! [`Networks`] answers the EC2 API. A call goes through `api` (input rules, answers), `networks`
//! (authorisation and the transaction), `domain` (rules without a store) and `repo` (rows). Beside the API,
//! [`Networks::allowed_sources`] says whom security groups let in, and [`Networks::changes`] when to ask
//! again.
//!
//! The crate moves no packet and knows no HSM: an address here is a fact in a table. Who listens on it, and
//! holds to the rules, is somebody else's business.

#![warn(missing_docs)]

mod api;
mod domain;
mod error;
mod networks;
mod recording;
mod repo;

pub use networks::{Networks, Settings, SettingsError, SourcesError};
pub use recording::recorded_parameters;
pub use repo::{MIGRATIONS, STATEMENTS};

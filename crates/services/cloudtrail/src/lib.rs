//! CloudTrail: the journal as AWS shows it, and trails that carry it to where a stranger can verify it.
//!
//! [`CloudTrail`] answers LookupEvents from the event history and keeps trails. [`Deliveries`] follows the journal,
//! gathers each trail's records into files, puts them into buckets every five minutes, and signs every hour what was put.
//! The service writes no record; that is the server's and the journal's work.
//!
//! # Once, whatever stops in between
//!
//! The follower commits its position together with the files that a batch's records join: a file is a row that says which
//! stretches of the journal it was gathered from, and by which selection. So its content can be made again, byte for
//! byte. It is put under a name that was committed before, as often as it takes, and then noted as delivered. The same
//! holds for digests: what one says and its signature are committed before it is put. Events for a log group are gathered
//! in the same way, for seconds, and put under a name that the group's side remembers.

#![warn(missing_docs)]

mod api;
mod delivery;
mod domain;
mod error;
mod repo;
mod resealing;
mod service;
mod signing;
mod trails;

pub use delivery::bucket::{Behalf, Buckets, DeliveryError, Put};
pub use delivery::log_groups::{LogEvent, LogGroups, Obstacle};
pub use delivery::{Deliveries, OwnBuckets, Quiet, Settings};
pub use domain::log_place::LogPlace;
pub use repo::{MIGRATIONS, STATEMENTS};
pub use resealing::SEALED;
pub use service::{CloudTrail, Parts};

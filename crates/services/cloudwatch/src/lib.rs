//! CloudWatch: metrics, and the alarms that watch them, for each account and Region.
//!
//! [`CloudWatch`] answers the CloudWatch API. A call goes through `api` (input rules, authorisation), `domain` (rules without
//! a store and a clock) and `repo` (rows). Points of metrics come from PutMetricData, from the journal (`emitted`: each
//! record is counted once), and from what the program measures ([`Gauge`]). Every minute of domain time the
//! alarms are looked at (`watching`); what one has to tell goes to SNS through its API.
//!
//! The crate knows no key and no HSM, only records of what was done with them.

#![warn(missing_docs)]
#![cfg_attr(test, allow(clippy::float_cmp, reason = "tests say which numbers come out"))]

mod acting;
mod api;
mod changing;
mod composing;
mod directory;
mod domain;
mod emitted;
mod error;
mod feeding;
mod gauges;
#[doc(hidden)]
pub mod grammars;
mod judging;
mod queries;
mod quota;
mod reading;
mod repo;
mod service;
mod tidying;
mod watching;

pub use feeding::{Fed, Feeder, Summary};
pub use gauges::Gauge;
pub use quota::{NotFed, Uncounted};
pub use repo::{METRIC_MIGRATIONS, MIGRATIONS, STATEMENTS};
pub use service::{CloudWatch, Emission, Parts, Quiet};

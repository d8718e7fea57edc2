//! CloudWatch through its API, on both engines.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a failed step is a failed test")]
#![allow(clippy::float_cmp, reason = "tests say which numbers come out")]

mod actions;
mod alarms;
mod composites;
mod counting;
mod feeding;
mod fixture;
mod history;
mod keeping;
mod math;
mod metrics;
mod operations;
mod refusals;
mod servers;
mod statements;
mod tags;
mod validations;

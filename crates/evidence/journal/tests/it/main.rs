//! What `strongroom-journal` promises, through its public API.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may stop at the first surprise")]
#![allow(clippy::disallowed_methods, reason = "tests run in runtimes of their own")]

mod ahead;
mod append;
mod checkpoints;
mod cloudtrail;
mod compressed;
mod crash;
mod disk_full;
mod fixture;
mod forged;
mod golden;
mod killed;
mod power_cut;
mod proof;
mod record;
mod reports;
mod retention;
mod rows;
mod streams;
mod tamper;
mod unsure;

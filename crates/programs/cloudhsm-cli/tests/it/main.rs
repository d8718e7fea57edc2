//! The programs as people and scripts use them: what can be typed, what is answered, what is written to files; from
//! end to end against HSMs in this process.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on should stop")]
#![allow(clippy::disallowed_methods, reason = "HSMs in a test measure time by themselves")]

mod cluster;
mod configure;
mod crypto;
mod describe_clusters;
mod desk;
mod grammar;
mod interactive;
mod keys;
mod learning;
mod listing;
mod mfa;
mod quorum;
mod replication;
#[path = "../../../../hsm/client/tests/it/rig.rs"]
mod rig;
mod signer;
mod terminal;
mod users;
mod wrapping;

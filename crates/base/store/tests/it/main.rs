//! The store through its public API, the same suite on both engines.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a failed step is a failed test")]

mod cancellation;
mod clear;
mod crash;
mod dialect;
mod erasing;
mod errors;
mod feed;
mod mac;
mod meta;
mod migrations;
mod opening;
mod outbox;
mod resealing;
mod snapshot;
mod tables;
mod transactions;

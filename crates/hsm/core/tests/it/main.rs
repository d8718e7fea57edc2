//! What `strongroom-hsm-core` promises, through its public API.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on should stop")]

mod audit;
mod cache;
mod derived;
mod first_use;
mod fixture;
mod golden;
mod keys;
mod lab;
mod parse;
mod quorum;
mod token;
mod users;

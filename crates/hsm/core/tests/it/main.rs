//! What `strongroom-hsm-core` promises, through its public API.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on should stop")]

mod agreement;
mod anchors;
mod approvals;
mod audit;
mod cache;
mod clones;
mod data_keys;
mod derived;
mod epochs;
mod first_use;
mod fixture;
mod golden;
mod keys;
mod lab;
mod mechanisms;
mod model;
mod pairs;
mod parse;
mod permissions;
mod quorum;
mod scale;
mod sessions;
mod strangers;
mod stress;
mod token;
mod types;
mod users;
mod wrapping;
mod wycheproof;

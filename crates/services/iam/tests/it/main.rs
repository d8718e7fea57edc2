//! Access keys and STS through their public API, on both engines.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a failed step is a failed test")]

mod access_keys;
mod altered;
mod at_rest;
mod fixture;
mod statements;
mod sts;

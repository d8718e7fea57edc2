//! Accounts, Regions, principals and the request's context through the public API.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a failed step is a failed test")]

mod again;
mod condition_keys;
mod context;
mod names;

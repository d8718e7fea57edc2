//! Backups through the crate's public API.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a failed step is a failed test")]

mod container;
mod content;

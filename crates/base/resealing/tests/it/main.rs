//! Rotations over a small store of two tables, on both engines.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on should stop")]

mod beside;
mod crashes;
mod rotations;
mod servers;
mod vault;

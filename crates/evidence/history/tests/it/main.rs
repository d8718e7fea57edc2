//! The event history over real journals.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a failed step is a failed test")]

mod against_a_scan;
mod continuations;
mod damage;
mod fixture;
mod keeping;
mod paging;
mod servers;

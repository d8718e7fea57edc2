//! CloudHSM through its API, on both engines, with HSMs that only seem to be some.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a failed step is a failed test")]

mod backups;
mod clusters;
mod conditions;
mod faults;
mod fixture;
mod fleet;
mod hsms;
mod leaving;
mod leftovers;
mod life;
mod local;
mod lost_answers;
mod model;
mod resealing;
mod slow;
mod snapshots;
mod statements;

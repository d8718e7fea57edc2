//! SNS through its API, on both engines, with endpoints that only seem to be some.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a failed step is a failed test")]

mod deliveries;
mod encryption;
mod fairness;
mod fixture;
mod permissions;
mod publishing;
mod statements;
mod subscriptions;
mod topics;

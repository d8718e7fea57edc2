//! Event history through the CloudTrail API, over a real journal.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a failed step is a failed test")]

mod events;
mod fixture;
mod paging;
mod refusals;
mod selection;

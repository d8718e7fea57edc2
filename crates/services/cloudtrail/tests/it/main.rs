//! CloudTrail through its API, over a real journal: event history, and trails with a bucket in memory.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a failed step is a failed test")]

mod bucket;
mod changes;
mod crashes;
mod delivery;
mod digests;
mod events;
mod fixture;
mod incomplete;
mod log_events;
mod log_group;
mod paging;
mod refusals;
mod selection;
mod selectors;
mod statements;
mod tag_refusals;
mod trails;
mod world;

//! EC2's networks through their API, on both engines.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a failed step is a failed test")]

mod altered;
mod companions;
mod concurrency;
mod conditions;
mod drafts;
mod filters;
mod fixture;
mod groups;
mod interfaces;
mod operations;
mod paging;
mod recording;
mod refusals;
mod resetting;
mod rules;
mod sources;
mod statements;
mod subnets;
mod tags;
mod vpcs;
mod zones;

//! CloudWatch Logs through its API, on both engines.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a failed step is a failed test")]

mod arriving;
mod encryption;
mod filtering;
mod fixture;
mod groups;
mod keeping;
mod keys;
mod operations;
mod permissions;
mod putting;
mod reading;
mod saying;
mod statements;
mod streams;
mod tags;

//! The program itself: what it says, how it starts and how it ends, however it is ended.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]
#![allow(clippy::disallowed_methods, reason = "tests sign at the time that it is")]
#![allow(clippy::disallowed_macros, reason = "a long run says how much it did, and under which seed")]

mod audit;
mod choices;
mod client;
mod cluster_crash;
mod crash;
mod ending;
mod key_store_crash;
mod program;
mod seal;
mod seed;
mod start;
mod words;

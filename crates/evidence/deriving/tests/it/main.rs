//! Once for each record, whatever stops in between.
#![allow(clippy::unwrap_used, reason = "tests")]

mod exactly_once;
mod fixture;
mod planted;
mod rereading;
mod retention;
mod streams;

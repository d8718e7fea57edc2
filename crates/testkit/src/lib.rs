//! What tests of several crates need and no product code may use.
//!
//! The crate depends on none of ours, so that every crate can use it, the lowest included: it hands out
//! places (URLs, directories), and the test opens them. It panics where a test cannot go on, with a text
//! that says what to do.
//!
//! Start from [`on_both_engines!`], which makes one test body two tests, on SQLite and on PostgreSQL.

#![warn(missing_docs)]

mod database;
mod engines;
mod postgres;

pub use database::TestDatabase;
pub use engines::run;
pub use postgres::{TempPg, TempPgError};

//! CloudTrail: the journal as AWS shows it.
//!
//! [`CloudTrail`] answers LookupEvents from the event history. The service writes no record; that is the
//! server's and the journal's work.

#![warn(missing_docs)]

mod api;
mod error;

pub use api::events::CloudTrail;

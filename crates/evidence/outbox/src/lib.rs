//! From changes to records: no effect outruns its record, whatever happens in between.
//!
//! A change to state commits together with the draft of its record. The record proper follows within
//! moments, and the draft is then taken out again, many at a time. After a crash in between, the draft is
//! what is left, and becomes the record at the next start; where several servers share a store, at another one that
//! notices that it is gone ([`Others`]).
//!
//! [`OnBehalf`] does so for services that call others by themselves.
//!
//! [`Outbox`] makes the drafts and writes the records, to one store and one journal. It knows neither
//! services nor HTTP; what a record says is its maker's matter.

#![warn(missing_docs)]

mod on_behalf;
mod others;
mod outbox;

pub use on_behalf::{Change, OnBehalf, OnBehalfError};
pub use others::Others;
pub use outbox::{Outbox, OutboxError};

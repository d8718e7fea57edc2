//! From changes to records: no effect outruns its record, whatever happens in between.
//!
//! A change to state commits together with the draft of its record. The record proper follows within
//! moments, and the draft is then taken out again, many at a time. After a crash in between, the draft is
//! what is left, and becomes the record at the next start; where several servers share a store, at another one that
//! notices that it is gone ([`Others`]).
//!
//! [`OnBehalf`] does so for services that call others by themselves, [`PassedOn`] for those that call others for their
//! callers.
//!
//! [`Outbox`] makes the drafts and writes the records, to one store and one journal. It knows neither
//! services nor HTTP; what a record says is its maker's matter.

#![warn(missing_docs)]

mod asked;
mod identity;
mod on_behalf;
mod others;
mod outbox;
mod owners;
mod passed_on;
mod post;

pub use asked::Asked;
pub use identity::identity_of;
pub use on_behalf::{Change, OnBehalf, OnBehalfError};
pub use others::Others;
pub use outbox::{Outbox, OutboxError};
pub use owners::{DENIED, is_denial, recorded_code, records_of_owners};
pub use passed_on::PassedOn;
pub use post::post;

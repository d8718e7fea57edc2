//! Who calls, where, and under what request: accounts, Regions, principals and the context that every
//! operation is given.
//!
//! The crate decides nothing (that is `strongroom-policy`) and knows no service and no protocol. Start at
//! [`RequestContext`].

#![warn(missing_docs)]

mod account;
mod action;
mod condition_keys;
mod context;
mod credential;
mod notes;
mod principal;
mod region;

pub use account::{AccountId, InvalidAccountId};
pub use action::Action;
pub use condition_keys::{ConditionKeys, KeyValue};
pub use context::{RequestContext, RequestId, Tls};
pub use credential::{Credential, Credentials};
pub use notes::{AuditNotes, NoteValue, RecordDraft, TouchedResource};
pub use principal::{Caller, Principal};
pub use region::{PARTITION, Region};

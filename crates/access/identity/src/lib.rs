//! Who calls, where, and under what request: accounts, Regions, principals and the context that every
//! operation is given.
//!
//! The crate decides nothing (that is `strongroom-policy`) and knows no service and no protocol. Start at
//! [`RequestContext`].

#![warn(missing_docs)]

mod account;
mod action;
mod caller;
mod condition_keys;
mod context;
mod credential;
mod notes;
mod principal;
mod principals;
mod region;
mod renewal;
mod signing;
mod web_identity;

pub use account::{AccountId, InvalidAccountId};
pub use action::Action;
pub use caller::{Caller, Origin, Permissions, Session, SessionTag};
pub use condition_keys::{ConditionKeys, KeyValue};
pub use context::{RequestContext, RequestId, Tls};
pub use credential::{Credential, Credentials, NoCredential};
pub use notes::{AuditNotes, DecisionNote, NoteValue, RecordDraft, TouchedResource};
pub use principal::{Entity, Principal};
pub use principals::Principals;
pub use region::{PARTITION, Region};
pub use renewal::{NotRenewed, Renewal, Renewed};
pub use signing::Signing;
pub use web_identity::{Vouched, WebIdentity};

//! The kernel of an HSM cluster: a replicated state machine over a sealed log that an untrusted store keeps.
//!
//! It does no input or output and reads no clock, and it refuses to know what is replicated: no users, no keys,
//! no certificates. The caller hands in a [`Machine`], bytes that the store gave, and the time; it gets back
//! bytes to append, to persist and to send. Start from [`Replica`].
//!
//! ```text
//! plan -> Replica::propose -> sealed entry -> store appends it -> Replica::appended -> persist -> reply
//!              ^                                   | occupied
//!              `------ plan again <- Replica::replay of what is there
//! ```
//!
//! The store orders entries and keeps them; it can lose, reorder, forge, repeat and fork them, and each of these
//! is found out: the replica then stands still with a [`Halt`] and never goes on by itself.

#![warn(missing_docs)]

pub mod entry;

mod backup;
mod codec;
mod cursor;
mod error;
mod halt;
mod ids;
mod keys;
mod ledger;
mod limits;
mod machine;
mod member;
mod replica;
mod snapshot;
mod state;
mod tail;

pub use backup::{Archive, BackupKey};
pub use cursor::{Admit, CURSOR_LENGTH};
pub use error::{ClusterError, Halt};
pub use ids::{Command, CommandId, Head, MemberId, PartitionId};
pub use keys::TokenKey;
pub use limits::*;
pub use machine::{Machine, Refused};
pub use member::{Identity, JoinRequest, Member, MemberSecret};
pub use replica::{
    Admission, Answer, Event, Extent, Founding, Own, Progress, Proposed, Recovered, Replica, SealedEntry,
    Standing,
};

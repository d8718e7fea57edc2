//! What is derived from the journal: once for each record, whatever stops in between.
//!
//! A [`Follower`] reads the journal's streams, each in its order, in bounded batches, and hands each batch to its
//! [`Effect`]. What that makes of it is committed together with how far the follower has come, in one transaction of
//! the database that holds the effect. So a crash leaves both or neither, and nothing is derived twice or not at all.
//!
//! Servers that share a store share its followers' positions. Each of them may read the same batch; a position moves only
//! from where its reader found it, so one of them commits, and the other one looks again.
//!
//! The crate knows no service and no protocol. Records that are damaged are passed over: naming them is
//! `audit verify`'s work.
//!
//! The database has the tables of [`MIGRATIONS`]; where a database file is no part of the services' store, whoever opens
//! it passes them too.

#![warn(missing_docs)]

mod effect;
mod error;
mod follower;
mod positions;
mod progress;
mod reading;

pub use effect::{Batch, Effect, Needs};
pub use error::DerivingError;
pub use follower::{AtRest, Follower};
pub use positions::{MIGRATIONS, STATEMENTS};
pub use progress::{Followed, Progress};
pub use reading::reread;

//! What is derived from the journal: once for each record, whatever stops in between.
//!
//! A [`Follower`] reads the journal's streams, each in its order, in bounded batches, and hands each batch to its
//! [`Effect`]. What that makes of it is committed together with how far the follower has come, in one transaction of
//! the database that holds the effect. So a crash leaves both or neither, and nothing is derived twice or not at all.
//!
//! Servers that share a store share its followers' positions. Each of them may read the same batch; a position moves only
//! from where its reader found it, so one of them commits, and the other one looks again.
//!
//! What is derived is signed, rings alarms, and is believed: so each frame is [proved](Prover) to be of this seal's servers, and
//! positions carry MACs. Whoever writes the database, where that holds the journal, plants nothing.
//!
//! The crate knows no service and no protocol. Records that are damaged or planted are passed over: naming them is
//! `audit verify`'s work.
//!
//! The database has the tables of [`MIGRATIONS`]; where a database file is no part of the services' store, whoever opens
//! it passes them too. A server then [adopts](adopt) what versions before left in them.

#![warn(missing_docs)]

mod effect;
mod error;
mod follower;
mod positions;
mod progress;
mod proving;
mod reading;

pub use effect::{Batch, Effect, Needs};
pub use error::DerivingError;
pub use follower::{AtRest, Follower};
pub use positions::{MIGRATIONS, STATEMENTS, adopt};
pub use progress::{Followed, Progress};
pub use proving::{Prover, SEALED, sealed_proofs};
pub use reading::{Kept, reread};

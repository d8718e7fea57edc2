//! CloudWatch Logs: groups, streams, and the events in them.
//!
//! [`Logs`] answers the API. A call goes through `api` (input rules, authorisation), `domain` (rules without a store and a
//! clock) and `repo` (rows). Groups, streams and the keys that events are sealed under are rows of the services' store; the
//! events, of which there are many, are in a database of their own, so that they keep nobody waiting. What other parts of the
//! program log goes in through [`Logs::admit`].
//!
//! What events say by metric filters commits with them, and is taken from there ([`Logs::emissions`]). The crate knows no HSM
//! and no trail, and not how metrics are kept.

#![warn(missing_docs)]

mod api;
mod arriving;
mod delivering;
mod domain;
mod emitting;
mod error;
mod filtering;
#[doc(hidden)]
pub mod grammars;
mod keys;
mod kms_refusals;
mod logs;
mod permitting;
mod reading;
mod recording;
mod repo;
mod resealing;
mod sweeping;

pub use arriving::{Admitted, Arrival, Arrivals, NotAdmitted};
pub use emitting::{Emission, Emissions, Emitted};
pub use logs::{Logs, Parts};
pub use recording::conceal_events;
pub use repo::{EVENT_MIGRATIONS, EVENT_STATEMENTS, MIGRATIONS, STATEMENTS};
pub use resealing::SEALED;

//! SNS: topics, their subscriptions, and messages that are carried to endpoints.
//!
//! [`Notifications`] answers the SNS API. A call goes through `api` (input rules, authorisation, the transaction), `domain`
//! (rules without a store) and `repo` (rows). A message that is published waits, sealed, in the store with the deliveries
//! that are to be made of it; `delivery` makes them, again and again if need be, through a [`Carrier`]. The crate opens no
//! connection itself, and knows neither metrics ([`Measures`]) nor the server that shows its certificates
//! ([`Notifications::certificate_at`]).

#![warn(missing_docs)]

mod api;
mod carrier;
mod delivery;
mod domain;
mod encryption;
mod error;
mod events;
mod measures;
mod notifications;
mod recording;
mod repo;
mod resealing;
mod signing;

pub use carrier::{Carrier, Mail, Undelivered};
pub use measures::{MeasuredTopic, Measures, Metric};
pub use notifications::{Notifications, Parts};
pub use recording::conceal_content;
pub use repo::{MIGRATIONS, STATEMENTS};
pub use resealing::SEALED;
pub use signing::is_certificate_path;

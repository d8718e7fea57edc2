//! Talking to the HSMs of a cluster: one connection, and all of them.
//!
//! A [`Cluster`] is what a program that waits uses (the command line, a PKCS#11 library): it starts no thread and
//! needs no runtime. It knows every HSM of the cluster, logs in to each, sends a call to the least loaded, and when
//! an HSM breaks, is behind or is busy, sends it to another, so that a change takes effect once. It keeps the
//! highest [`Cursor`](strongroom_hsm_proto::command::Cursor) that it has seen and shows it to every HSM, so that
//! the caller reads what it wrote, and it tells that a key was made when a second HSM has it. A [`Pool`] is the same
//! for servers: on tokio, any number of calls at a time.
//!
//! The crate refuses to know what commands mean beyond what their routing needs, what files hold the
//! configuration, and AWS's services.
//!
//! ```text
//! Cluster, Pool          which HSM, log-ins, retries, availability of keys
//!   Attempts, Availability, Roster
//!                        the same decisions, without input and output
//! Connection             one TLS connection, frames, deadlines
//! ```

#![warn(missing_docs)]

pub mod limits;

mod attempts;
mod availability;
mod blocking;
mod cursor;
mod error;
mod keys;
mod login;
mod moment;
mod options;
mod pool;
mod roster;
mod routing;
mod server;
mod verdict;

pub use attempts::RetryMode;
pub use blocking::{Broken, Cluster, Connection, HsmAnswer};
pub use error::{ClientError, KeyReference};
pub use login::{Credentials, LoginChallenge, LoginStep};
pub use options::{KnownServer, Options, tls};
pub use pool::Pool;
pub use server::{BadServer, DEFAULT_PORT, Server};

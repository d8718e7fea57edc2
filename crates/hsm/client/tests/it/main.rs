//! What `strongroom-hsm-client` promises, against HSMs in this process: the real core behind real TLS.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on should stop")]
#![allow(clippy::disallowed_methods, reason = "HSMs in a test measure time by themselves")]

mod availability;
mod client;
mod failover;
mod first_use;
mod mutual_tls;
mod nonsense;
mod pool;
mod rig;
mod servers;
mod service;
mod session_keys;
mod sign_in;

//! The protocol through its public surface.

#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

mod frame;
mod messages;
mod tls;

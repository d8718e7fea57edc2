//! The front door over real sockets: a small service behind it, a recorder that remembers, and clients that
//! do as they should, as they should not, and nothing at all.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]
#![allow(clippy::disallowed_methods, reason = "tests run on a runtime of their own")]

mod admission;
mod authentication;
mod bodies;
mod calls;
mod cbor;
mod connections;
mod cors;
mod dev;
mod doors;
mod endings;
mod faults;
mod freshness;
mod gates;
mod heads;
mod health;
mod http2;
mod links;
mod messages;
mod metrics;
mod records;
mod rig;
mod s3;
mod s3_downloads;
mod s3_uploads;
mod security_log;
mod shelf;
mod signing;
mod stopping;
mod tls;
mod unsigned;
mod wire;

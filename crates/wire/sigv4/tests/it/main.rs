//! What `strongroom-sigv4` promises, through its public API.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on fails")]

mod bounds;
mod cache;
mod changes;
mod chunks;
mod legacy;
mod oracle;
mod payloads;
mod requests;
mod rules;
mod suite;
mod texts;

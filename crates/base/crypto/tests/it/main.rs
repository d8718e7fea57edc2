//! Known answers and refusals of `strongroom-crypto`, through its public API.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on should stop")]

mod aead;
mod digest;
mod hex;
mod hmac;
mod kdf;
mod module;
mod random;
mod salted;
mod wycheproof;

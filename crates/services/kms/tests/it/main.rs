//! KMS through its API, on both engines.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a failed step is a failed test")]

mod aliases;
mod altered;
mod ciphertexts;
mod concurrency;
mod cryptography;
mod drafts;
mod fixture;
mod identifiers;
mod keys;
mod model;
mod notes;
mod refusals;
mod reopening;
mod statements;

//! Attestation documents through the public API of `strongroom-attestation`: one that a Nitro enclave made, and others that
//! are made here, right and wrong.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on should stop")]

mod forge;
mod made_by_aws;
mod made_here;

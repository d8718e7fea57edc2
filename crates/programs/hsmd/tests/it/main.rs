//! `strongroom-hsmd` as a process, against a small control plane in memory.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a failed step is a failed test")]

mod client;
mod cluster;
mod first_use;
mod hostile;
mod hsm;
mod openssl;
mod plane;

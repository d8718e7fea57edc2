//! `strongroom-hsmd` as a process, against a small control plane in memory.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a failed step is a failed test")]
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_macros,
    reason = "tests measure real time, run a server of their own and show the logs of what failed"
)]

mod certificates;
mod client;
mod cluster;
mod faults;
mod first_use;
mod hostile;
mod hsm;
mod lies;
mod openssl;
mod plane;
mod recovery;

//! The scheduler through its public API, in a time that passes only when everybody waits.
#![allow(clippy::unwrap_used, reason = "a failed step is a failed test")]
#![allow(clippy::disallowed_methods, reason = "tests measure the time that they make pass")]

mod diary;
mod scheduler;
mod shutdown;

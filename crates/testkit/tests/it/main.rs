//! The kit's own tests: a server that outlived its test process would fill the machine.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a failed step is a failed test")]

mod postgres;

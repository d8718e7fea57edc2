//! Schemas, shapes and moments through the public API.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a failed step is a failed test")]

mod enums;
mod patterns;
mod schemas;
mod script;
mod shapes;
mod structures;
mod timestamps;

//! Decisions and policies through the public API.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a failed step is a failed test")]

mod accepted;
mod arbitrary;
mod authority;
mod effort;
mod filling;
mod messages;
mod patterns;
mod places;
mod principals;
mod properties;
mod refusals;
mod refused;
mod root_users;
mod services;
mod session_properties;
mod tables;
mod traces;

//! Access keys, IAM and STS through their public API, on both engines.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a failed step is a failed test")]

mod access_keys;
mod account;
mod altered;
mod altered_entities;
mod at_rest;
mod callers;
mod concurrency;
mod drafts;
mod fixture;
mod groups;
mod lists;
mod managed;
mod mfa;
mod migrating;
mod operations;
mod passwords;
mod permissions;
mod roles;
mod statements;
mod sts;
mod tags;
mod user_keys;
mod users;
mod uses;

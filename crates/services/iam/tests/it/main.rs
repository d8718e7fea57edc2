//! Access keys, IAM and STS through their public API, on both engines.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a failed step is a failed test")]

mod access_keys;
mod account;
mod accounts;
mod altered;
mod altered_entities;
mod at_rest;
mod authority;
mod aws_policies;
mod callers;
mod concurrency;
mod context_keys;
mod drafts;
mod fixture;
mod following;
mod groups;
mod lists;
mod managed;
mod mfa;
mod migrating;
mod operations;
mod passwords;
mod permissions;
mod planting;
mod providers;
mod reports;
mod resealing;
mod roles;
mod root_user;
mod simulation;
mod statements;
mod sts;
mod tags;
mod user_keys;
mod users;
mod uses;

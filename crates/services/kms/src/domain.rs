//! The rules: what requests may name, what keys are and may become. No store, no clock.

pub(crate) mod access;
pub(crate) mod alias;
pub(crate) mod grant;
pub(crate) mod identifier;
pub(crate) mod import;
pub(crate) mod importing;
pub(crate) mod key;
pub(crate) mod key_store;
pub(crate) mod lifecycle;
pub(crate) mod managed;
pub(crate) mod multi_region;
pub(crate) mod origin;
pub(crate) mod paging;
pub(crate) mod policy;
pub(crate) mod quotas;
pub(crate) mod resource_quotas;
pub(crate) mod rotation;
pub(crate) mod spec;
pub(crate) mod tags;
pub(crate) mod usage;
pub(crate) mod wrapping;

/// A day in milliseconds.
const DAY_MS: i64 = 24 * 60 * 60 * 1000;

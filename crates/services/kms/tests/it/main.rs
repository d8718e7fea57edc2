//! KMS through its API, on both engines.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a failed step is a failed test")]

mod alias_conditions;
mod aliases;
mod altered;
mod altered_lifecycle;
mod asymmetric;
mod chosen;
mod ciphertexts;
mod concurrency;
mod cryptography;
mod data_key_pairs;
mod data_keys;
mod deletion;
mod drafts;
mod dry_runs;
mod events;
mod faults;
mod fixture;
mod following;
mod grants;
mod identifiers;
mod key_policies;
mod key_stores;
mod keys;
mod keys_in_stores;
mod lifecycle;
mod managed;
mod markers;
mod model;
mod moving_aliases;
mod notes;
mod operations;
mod planting;
mod policies;
mod policy_principals;
mod re_encrypting;
mod refusals;
mod reopening;
mod rotation;
mod rotation_on_demand;
mod statements;
mod symmetric_only;
mod tags;
mod throttling;
mod usage;

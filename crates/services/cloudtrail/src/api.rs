//! The API, one file for each family of operations.

pub(crate) mod events;

//! The APIs, one file for each family of operations.

pub(crate) mod sts;

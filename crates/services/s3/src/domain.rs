//! Rules of S3, without a store and without files.

pub(crate) mod access;
pub(crate) mod acl;
pub(crate) mod actions;
pub(crate) mod bucket;
pub(crate) mod checksum;
pub(crate) mod conditions;
pub(crate) mod copy_source;
pub(crate) mod encryption;
pub(crate) mod listing;
pub(crate) mod name;
pub(crate) mod object;
pub(crate) mod policy;
pub(crate) mod range;
pub(crate) mod signed;
pub(crate) mod tags;

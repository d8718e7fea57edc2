//! The rules of networks, without a store.

pub(crate) mod address;
pub(crate) mod filter;
pub(crate) mod group;
pub(crate) mod id;
pub(crate) mod interface;
pub(crate) mod network;
pub(crate) mod paging;
pub(crate) mod rule;
pub(crate) mod sources;
pub(crate) mod subnet;
pub(crate) mod tags;
pub(crate) mod vpc;
pub(crate) mod zone;

//! Rules without a store.

pub(crate) mod delivery_policy;
pub(crate) mod filter;
pub(crate) mod message;
pub(crate) mod names;
pub(crate) mod notification;
pub(crate) mod paging;
pub(crate) mod subscription;
pub(crate) mod tags;
pub(crate) mod topic;
pub(crate) mod topic_policy;

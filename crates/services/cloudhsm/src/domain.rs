//! Rules without a store: what clusters, HSMs and backups are, and what may become of them.

pub(crate) mod backup;
pub(crate) mod cluster;
pub(crate) mod filters;
pub(crate) mod home;
pub(crate) mod hsm;
pub(crate) mod paging;
pub(crate) mod resource;
pub(crate) mod tags;

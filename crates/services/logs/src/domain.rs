//! Rules without a store.

pub(crate) mod group;
pub(crate) mod id;
pub(crate) mod stream;
pub(crate) mod tags;

//! Rules without a store.

pub(crate) mod batch;
pub(crate) mod group;
pub(crate) mod id;
pub(crate) mod metric_filter;
pub(crate) mod name_pattern;
pub(crate) mod pattern;
pub(crate) mod stream;
pub(crate) mod tags;
pub(crate) mod tokens;

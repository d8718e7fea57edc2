//! The rules, without a store and without a clock.

pub(crate) mod alarm;
pub(crate) mod datum;
pub(crate) mod evaluation;
pub(crate) mod home;
pub(crate) mod math;
pub(crate) mod message;
pub(crate) mod metric;
pub(crate) mod reason;
pub(crate) mod rule;
pub(crate) mod series;
pub(crate) mod statistic;
pub(crate) mod suppression;
pub(crate) mod tags;

//! What trails are and mean: rules without a store and without a clock.

pub(crate) mod destination;
pub(crate) mod digest;
pub(crate) mod identifier;
pub(crate) mod log_place;
pub(crate) mod moment;
pub(crate) mod object;
pub(crate) mod selection;
pub(crate) mod selectors;
pub(crate) mod status;
pub(crate) mod tags;
pub(crate) mod trail;

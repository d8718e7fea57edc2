//! Custom key stores.

mod changing;
mod connecting;
mod crashing;
mod creating;
mod failing;
mod keeping;
mod listing;
mod model;

//! Custom key stores.

mod connecting;

//! The seam between the server and the services: a [`Service`] answers operations, an [`ApiError`] says why
//! it did not.
//!
//! Generated code implements [`Service`] over each API's typed trait. The crate knows no protocol: how an
//! answer or an error looks on the wire is the server's business.

#![warn(missing_docs)]

mod error;
mod planting;
mod service;

pub use error::ApiError;
pub use planting::{NotPlanted, Planted};
pub use service::{Service, typed_input};

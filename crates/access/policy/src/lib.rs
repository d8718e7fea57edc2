//! Who may do what.
//!
//! A handler loads the resource that a request names and asks [`Authority::authorize`]; what it gets back,
//! [`Authorized`], owns the resource. Every domain function that reads or changes a resource demands that
//! witness, so a handler that forgets to ask does not compile.
//!
//! Policies are read by [`document`]; nothing evaluates their conditions yet, and [`Authority`] does not ask
//! them. Until it does, the decision is AWS's rule for the one kind of principal there is: the root user
//! of an account may do everything to what its account owns, and nothing to what others own. AWS services
//! that work for an account may do what their [service-linked role](services) lets them.
//!
//! ```compile_fail
//! use strongroom_policy::Authorized;
//! // Only `Authority` makes the witness.
//! let forged = Authorized { resource: "key", action: std::marker::PhantomData::<()> };
//! ```

#![warn(missing_docs)]

mod authority;
mod denied;
pub mod document;
pub mod pattern;
pub mod services;

pub use authority::{Authority, Authorized, Everything, Resource};
pub use denied::Denied;

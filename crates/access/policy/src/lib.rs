//! Who may do what.
//!
//! A handler loads the resource that a request names and asks [`Authority::authorize`]; what it gets back,
//! [`Authorized`], owns the resource. Every domain function that reads or changes a resource demands that
//! witness, so a handler that forgets to ask does not compile.
//!
//! Policies are read by [`document`], compiled into a [`Policy`], and asked by [`decision`]: [`decide`] takes a
//! [`Request`] and the [`Policies`] that are about it, looks at nothing else, and says which layer, policy and
//! statement made the decision; [`explain`] tells the whole story. Start there to see the rules, and at
//! [`Authority`] to see where a request's facts come from.
//!
//! Callers bring their policies with them, compiled: [`CallerPolicies`]. The root user of an account needs none;
//! AWS services that work for an account may do what their [service-linked role](services) lets them.
//!
//! The crate knows no service, asks no store and reads no clock.
//!
//! ```compile_fail
//! use strongroom_policy::Authorized;
//! // Only `Authority` makes the witness.
//! let forged = Authorized { resource: "key", action: std::marker::PhantomData::<()> };
//! ```

#![warn(missing_docs)]

mod authority;
mod bound;
mod caller;
pub mod decision;
mod denied;
pub mod document;
mod effort;
mod keys;
pub mod pattern;
mod policy;
pub mod services;
mod session_keys;
mod subject;

pub use authority::{Authority, Authorized, Everything, MessageSealer, Resource};
pub use bound::{Bound, Named};
pub use caller::CallerPolicies;
pub use decision::{Decision, Grant, Guard, Layer, Policies, Request, admits, decide, explain};
pub use denied::{Denied, Reason};
pub use keys::{ContextKeys, Value, Values};
pub use policy::{Grip, Policy};
pub use subject::{Entity, Subject};

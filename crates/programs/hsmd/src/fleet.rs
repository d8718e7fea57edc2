//! The connection to the control plane.

mod dial;
mod link;
mod plane;

pub(crate) use dial::Dialer;
pub(crate) use link::{IncomingCall, Link, LinkError};
pub(crate) use plane::{Placed, Plane, PlaneError};

//! The protocol through its public surface.

mod frame;
mod messages;

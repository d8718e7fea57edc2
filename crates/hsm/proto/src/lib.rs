//! What an HSM, its clients and the control plane say to each other.
//!
//! Messages are Protocol Buffers, written down as Rust structs: field numbers are the interface and never
//! change their meaning. [`command`] is the vocabulary of clients, from [`command::Call`] to
//! [`command::Answer`]; [`fleet`] is the one between an HSM and the control plane. Both travel in [`frame`]s
//! over [`tls`].

#![warn(missing_docs)]

pub mod command;
pub mod fleet;
pub mod frame;
pub mod tls;

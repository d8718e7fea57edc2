//! The client for programs that wait: no threads, no runtime.

mod availability;
mod cluster;
mod connection;
mod link;
mod sign_in;

pub use cluster::{Cluster, HsmAnswer};
pub use connection::{Broken, Connection};

//! `[limits]`: bounds of the front door that depend on the machine.

use std::time::Duration;

use serde::Deserialize;
use strongroom_server::Limits;

use super::Whole;
use crate::process;

/// What one server takes on. The bounds that AWS's own limits set are not up for choice.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct LimitSettings {
    /// Connections at one time; further ones wait.
    connections: Whole<16, 1_000_000>,
    /// Calls at work at one time; others wait for a place.
    requests: Whole<16, 100_000>,
    /// Memory for the bodies of requests, in MiB.
    body_memory_mib: Whole<16, 65_536>,
    /// Time that requests under way are given when the server stops, in seconds.
    shutdown_seconds: Whole<1, 600>,
}

impl LimitSettings {
    /// All bounds of the front door; of connections and bodies no more than the machine permits.
    pub(crate) fn limits(&self) -> Limits {
        process::within_files(Limits {
            connections: self.connections.get() as usize,
            requests: self.requests.get() as usize,
            body_memory: (self.body_memory_mib.get() << 20) as usize,
            shutdown_time: Duration::from_secs(self.shutdown_seconds.get()),
            ..Limits::default()
        })
    }
}

impl Default for LimitSettings {
    fn default() -> Self {
        Self {
            connections: Whole::new(10_000),
            requests: Whole::new(1_024),
            body_memory_mib: Whole::new(256),
            shutdown_seconds: Whole::new(20),
        }
    }
}

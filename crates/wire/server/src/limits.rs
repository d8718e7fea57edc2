//! Every bound of the front door, in one place.

use std::time::Duration;

/// What one server takes on. A request beyond a bound is refused with AWS's words for it, or, where no
/// answer is possible any more, its connection is closed.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Connections at one time. Further ones wait in the kernel's queue.
    pub connections: usize,
    /// Requests at work at one time; further ones wait for a place until their deadline.
    pub requests: usize,
    /// Bytes of a body.
    pub body_bytes: usize,
    /// Bytes of all headers and the request line.
    pub head_bytes: usize,
    /// Number of headers.
    pub headers: usize,
    /// Time from the connection's, or the last answer's, end to the last byte of the next request's head.
    pub head_time: Duration,
    /// Time from the end of the head to the last byte of the body.
    pub body_time: Duration,
    /// Time that an operation may take once its request is here.
    pub operation_time: Duration,
    /// Time that requests under way are given when the server stops.
    pub shutdown_time: Duration,
    pub linger_time: Duration,
    pub body_memory: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 10_000,
            requests: 1_024,
            body_bytes: 1024 * 1024,
            head_bytes: 64 * 1024,
            headers: 100,
            head_time: Duration::from_mins(1),
            body_time: Duration::from_secs(20),
            operation_time: Duration::from_secs(30),
            shutdown_time: Duration::from_secs(20), linger_time: Duration::ZERO, body_memory: 0,
        }
    }
}

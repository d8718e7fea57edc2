//! Every bound of the front door, in one place.

use std::time::Duration;

use tokio::sync::Semaphore;

/// What one server takes on. A request beyond a bound is refused with AWS's words for it, or, where no
/// answer is possible any more, its connection is closed.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Connections at one time. Where there is one more, one without a request at work is asked to end; if there is none,
    /// it waits, and those behind it in the kernel's queue.
    pub connections: usize,
    /// Requests at one time on one HTTP/2 connection.
    pub streams: u32,
    /// Calls at work at one time, until they are recorded; others wait for a place until their deadline.
    pub requests: usize,
    /// Bytes of a body.
    pub body_bytes: usize,
    /// Operations that take longer bodies.
    pub longer_bodies: &'static [LongerBody],
    /// Bytes of a document that S3 takes: ten thousand parts of an upload have to be listed in one.
    pub document_bytes: usize,
    /// Bytes of a body that an operation reads while it comes: those of the largest object that S3 takes in one request.
    pub upload_bytes: u64,
    /// Such bodies at one time; an account that has as many as are free gets no more, so that one alone has half of them.
    /// Each holds one of the places of [`Limits::requests`] too, and has a file open.
    pub uploads: usize,
    /// Time that such a body may stand still while it is waited for.
    pub upload_idle_time: Duration,
    /// Answers that are read while they are sent, at one time, shared as [`Limits::uploads`] are. Each has a file open.
    pub downloads: usize,
    /// The least that a client has to send of such a body, or take of such an answer, to keep its place.
    pub pace: Pace,
    /// Bytes of all bodies together, from their first byte to the end of their operation. A quarter of it is for bodies of
    /// at most 8 KiB.
    pub body_memory: usize,
    /// Bytes of all headers and the request line; less than 8 KiB counts as that.
    pub head_bytes: usize,
    /// Bytes of the body of a call without a signature, of operations that take such: AssumeRoleWithWebIdentity takes a
    /// token of 20,000 characters, a policy of 2,048 and ten ARNs.
    pub unsigned_bytes: usize,
    /// Such calls in one second.
    pub unsigned_rate: u32,
    /// Such calls at work at one time.
    pub unsigned_requests: usize,
    /// Number of headers.
    pub headers: usize,
    /// Time that agreeing on TLS may take.
    pub handshake_time: Duration,
    /// Time from the connection's beginning to the last byte of the first request's head, and again from the
    /// end of each answer to the next request; at the latest after twice that time the connection is closed.
    pub head_time: Duration,
    /// Time from the end of the head to the last byte of the body.
    pub body_time: Duration,
    /// Time that finding the access key may take, and then that the client waits for the operation, a place
    /// for it included. An operation that has begun is not cut off by it. Also the time that what dev mode is to
    /// do waits for its turn.
    pub operation_time: Duration,
    /// Time that a connection which is to end gives the client to take its last answer.
    pub linger_time: Duration,
    /// Time that requests under way are given when the server stops.
    pub shutdown_time: Duration,
}

/// An operation that takes more in one body than others.
#[derive(Clone, Copy, Debug)]
pub struct LongerBody {
    /// The name that its service's requests are signed with.
    pub service: &'static str,
    /// Its name, which the request's head has to tell.
    pub operation: &'static str,
    /// Bytes of its bodies.
    pub bytes: usize,
}

/// PutLogEvents takes 10,000 events of 1 MiB together, as they are counted: with 26 bytes each beside their texts. In JSON
/// there are more of both, at most six for one of a text.
const LONGER_BODIES: &[LongerBody] =
    &[LongerBody { service: "logs", operation: "PutLogEvents", bytes: 8 * 1024 * 1024 }];

/// How fast a client has to be.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// So many bytes at least,
    pub bytes: u64,
    /// each time that it has been waited for so long.
    pub time: Duration,
}

impl Limits {
    /// Bytes of a body of an operation.
    pub(crate) fn body_of(&self, service: &str, operation: &str) -> usize {
        let is_meant = |longer: &&LongerBody| longer.service == service && longer.operation == operation;
        self.longer_bodies.iter().find(is_meant).map_or(self.body_bytes, |longer| longer.bytes)
    }

    /// The requests, as many as a semaphore can give away at once.
    pub(crate) fn places(&self) -> u32 {
        u32::try_from(self.requests.min(Semaphore::MAX_PERMITS)).unwrap_or(u32::MAX)
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 10_000,
            streams: 100,
            requests: 1_024,
            body_bytes: 1024 * 1024,
            longer_bodies: LONGER_BODIES,
            document_bytes: 4 * 1024 * 1024,
            upload_bytes: 5 * 1024 * 1024 * 1024,
            uploads: 256,
            upload_idle_time: Duration::from_secs(20),
            downloads: 512,
            pace: Pace { bytes: 64 * 1024, time: Duration::from_mins(1) },
            body_memory: 256 * 1024 * 1024,
            head_bytes: 64 * 1024,
            unsigned_bytes: 128 * 1024,
            unsigned_rate: 100,
            unsigned_requests: 64,
            headers: 100,
            handshake_time: Duration::from_secs(10),
            head_time: Duration::from_mins(1),
            body_time: Duration::from_secs(20),
            operation_time: Duration::from_secs(30),
            linger_time: Duration::from_secs(2),
            shutdown_time: Duration::from_secs(20),
        }
    }
}

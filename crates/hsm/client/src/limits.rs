//! Bounds and time-outs, by name.

use std::time::Duration;

/// HSMs that a client keeps in mind. CloudHSM allows 28 in a cluster; the rest is room for replaced ones.
pub const MAX_SERVERS: usize = 64;
/// What a server may be called, in bytes: as long as a DNS name.
pub const MAX_HOST_BYTES: usize = 253;
/// Keys of a session that a client keeps in mind.
pub const MAX_SESSION_KEYS: usize = 16_384;
/// Keys that a client remembers to be on two HSMs.
pub const MAX_CONFIRMED_KEYS: usize = 16_384;
/// Calls that may wait for their answers on one connection of the asynchronous client.
pub const MAX_IN_FLIGHT: usize = 1_024;

/// How long an HSM is silent before it is taken to be gone, and other times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// For a TCP connection to be made.
    pub connect: Duration,
    /// For the TLS handshake and the HSM's welcome.
    pub welcome: Duration,
    /// For one call at one HSM: after it, another is asked.
    pub attempt: Duration,
    /// For a whole call, with all attempts.
    pub call: Duration,
    /// How much longer than the time given to it an HSM may take to say that the time was too short.
    pub grace: Duration,
    /// For how long a cluster is asked again and again of which every HSM refuses the connection, so that no process
    /// listens there: the time in which one that is started again is back.
    pub absent: Duration,
}

impl Timeouts {
    /// Those for callers who want an answer, whatever it is, within `deadline`: with time left to ask a second HSM
    /// when the first does not say anything.
    #[must_use]
    pub fn within(deadline: Duration) -> Self {
        let usual = Self::default();
        Self {
            connect: usual.connect.min(deadline / 5),
            welcome: usual.welcome.min(deadline / 4),
            attempt: usual.attempt.min(deadline / 4),
            call: usual.call.min(deadline * 9 / 10),
            grace: usual.grace.min(deadline / 20),
            absent: usual.absent.min(deadline / 2),
        }
    }
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(2),
            welcome: Duration::from_secs(5),
            attempt: Duration::from_secs(10),
            call: Duration::from_secs(30),
            grace: Duration::from_secs(2),
            absent: Duration::from_secs(30),
        }
    }
}

/// The wait before an HSM that failed is tried again, the first time.
pub(crate) const FIRST_PENALTY_MS: u64 = 250;
/// The longest such wait.
pub(crate) const LONGEST_PENALTY_MS: u64 = 5_000;
/// An HSM that has failed so often in a row gives its place to one that is new, when there is no other.
pub(crate) const FAILURES_OF_THE_GONE: u32 = 5;
/// The wait before all HSMs are asked once more, the first time.
pub(crate) const FIRST_PAUSE_MS: u64 = 20;
/// The longest such wait.
pub(crate) const LONGEST_PAUSE_MS: u64 = 500;
/// How soon an HSM that refuses the user is looked at again, to see whether its state has changed.
pub(crate) const LOOK_AGAIN_MS: u64 = 1_000;
/// How often a password that an HSM has refused is shown to it again by itself, each time after its state has
/// changed. With the attempts that callers ask for it stays below the number that locks a user.
pub(crate) const MOST_REPEATED_LOGINS: u32 = 2;
/// How soon an HSM that has answered none of so many log-ins is shown the password again. A wrong one that it counts and
/// never answers would take a quarter of an hour to lock the user.
pub(crate) const UNANSWERED_AGAIN_MS: u64 = 5 * 60_000;

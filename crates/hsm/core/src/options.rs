//! What an HSM is given from outside: who it is, its limits, the time, who is connected.

/// Which HSM this is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HsmIdentity {
    /// The HSM's id, `hsm-...`.
    pub hsm_id: String,
    /// The cluster's id, `cluster-...`.
    pub cluster_id: String,
    /// The serial number that it shows.
    pub serial_number: String,
    /// How often it was started, kept by the caller; it stands in audit records.
    pub reboot_counter: u32,
}

/// Which algorithms the HSM offers (CloudHSM User Guide, "cluster modes").
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mode {
    /// Only those that FIPS 140-3 approves.
    Fips,
    /// Others too.
    NonFips,
}

/// Limits and policy. The defaults are those of hsm2m.medium.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Which algorithms are offered.
    pub mode: Mode,
    /// The most users of a cluster.
    pub most_users: usize,
    /// The most token keys of a cluster.
    pub most_keys: usize,
    /// The most asymmetric ones among them; each half of a pair counts.
    pub most_asymmetric_keys: usize,
    /// The most sessions of this HSM.
    pub most_sessions: usize,
    /// The most sessions of this HSM in which one user is logged in.
    pub most_sessions_of_user: usize,
    /// The most session keys of one session.
    pub most_session_keys: usize,
    /// The most session keys of all sessions of this HSM.
    pub most_session_keys_in_all: usize,
    /// The most keys kept opened in memory.
    pub opened_keys: usize,
    /// The most audit records that wait to be stored. Commands that must be recorded are refused when there is
    /// no room.
    pub audit_records: usize,
    /// The most log-ins that wait for their password to be checked; more are told that the HSM is busy.
    pub waiting_logins: usize,
}

impl Options {
    /// The limits of hsm2m.medium.
    #[must_use]
    pub const fn new(mode: Mode) -> Self {
        Self {
            mode,
            most_users: 1_024,
            most_keys: 16_666,
            most_asymmetric_keys: 3_333,
            most_sessions: 2_048,
            most_sessions_of_user: 1_024,
            most_session_keys: 1_024,
            most_session_keys_in_all: 16_666,
            opened_keys: 4_096,
            audit_records: 8_192,
            waiting_logins: 64,
        }
    }
}

/// What time it is. The core reads no clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Now {
    /// Milliseconds since 1970 in the cluster's time, which a test may move.
    pub domain_ms: i64,
    /// Milliseconds of a clock that only goes on; what expires is measured by it.
    pub monotonic_ms: u64,
}

/// Who is at the other end of a connection.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Peer {
    /// The address, for logs.
    pub address: String,
    /// The reference of the trust anchor that the client's certificate leads to; none without a certificate.
    pub trust_anchor: Option<u32>,
}

/// Names a connection of this HSM.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ConnectionId(pub(crate) u64);

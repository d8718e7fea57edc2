//! What the control plane sets and asks.

use prost::Message;

/// The sources that may connect to the port for clients.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct Rules {
    /// Grows with every change on a connection; older rules than the HSM's are not taken, but with an assignment.
    #[prost(uint64, tag = "1")]
    pub revision: u64,
    /// IPv4 and IPv6 networks, as `10.0.0.0/16`. Nobody may connect when there are none. At most 8,192;
    /// more, or what is no network, lets nobody in.
    #[prost(string, repeated, tag = "2")]
    pub allow: Vec<String>,
}

/// What the customer installed with InitializeCluster. It is never changed afterwards.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct ClusterCertificates {
    /// The cluster's certificate as PEM: the signed CSR.
    #[prost(string, tag = "1")]
    pub cluster_certificate: String,
    /// The trust anchor as PEM: the root, or a chain with the issuing authority first.
    #[prost(string, tag = "2")]
    pub trust_anchor: String,
}

/// Where the cluster's other HSMs listen.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct Peers {
    /// As `address:port`; at most 64.
    #[prost(string, repeated, tag = "1")]
    pub addresses: Vec<String>,
}

/// Asks for admission to a cluster. The control plane hands it from the newcomer to a member as it is.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct AskAdmission {
    /// Who asks, `hsm-...`. The control plane sees to it that it is the one who is connected.
    #[prost(string, tag = "1")]
    pub hsm_id: String,
    /// The newcomer's device certificate and its issuers as DER, the device's first.
    #[prost(bytes = "vec", repeated, tag = "2")]
    pub device_chain: Vec<Vec<u8>>,
    /// The request as the kernel of the newcomer made it.
    #[prost(bytes = "vec", tag = "3")]
    pub request: Vec<u8>,
}

/// A member's answer to [`AskAdmission`].
#[derive(Clone, PartialEq, Eq, Message)]
pub struct Admitted {
    /// The grant as the kernel of the member made it: the partition key, sealed to the newcomer's device.
    #[prost(bytes = "vec", tag = "1")]
    pub grant: Vec<u8>,
}

/// How far domain time is ahead.
#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub struct SetClock {
    /// In milliseconds.
    #[prost(sint64, tag = "1")]
    pub offset_ms: i64,
}

/// What an HSM does wrong on purpose, so that people see what their programs make of it. The default is an HSM that
/// is well.
#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub struct Fault {
    /// So many milliseconds later than it could, it answers clients; at most [`super::MAX_FAULT_DELAY_MS`].
    #[prost(uint32, tag = "1")]
    pub delay_ms: u32,
    /// It does not follow the cluster's log. It serves what it has, and changes nothing.
    #[prost(bool, tag = "2")]
    pub stays_behind: bool,
}

/// Takes an HSM out of its cluster. Asked of a member that stays: nobody can make the next key and not know it.
/// One that has left already is no failure.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct Leave {
    /// Who leaves, `hsm-...`.
    #[prost(string, tag = "1")]
    pub hsm_id: String,
}

/// Asks an HSM to stop.
#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub struct Stop {}

/// Asks an HSM to wipe its state and stop.
#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub struct Destroy {}

/// An HSM goes.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct Leaving {
    /// Why, for logs.
    #[prost(string, tag = "1")]
    pub reason: String,
}

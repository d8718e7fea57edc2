//! Small things that are kept, as messages.

use prost::Message;

/// What the HSM was told to be.
#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct Assigned {
    /// The cluster, `cluster-...`.
    #[prost(string, tag = "1")]
    pub(crate) cluster_id: String,
    /// Whether only what FIPS approves is offered.
    #[prost(bool, tag = "2")]
    pub(crate) fips: bool,
    /// How often the HSM was started, as audit records show it.
    #[prost(uint32, tag = "3")]
    pub(crate) starts: u32,
}

/// Certificates as DER, the device's first.
#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct DeviceChain {
    #[prost(bytes = "vec", repeated, tag = "1")]
    pub(crate) certificates: Vec<Vec<u8>>,
}

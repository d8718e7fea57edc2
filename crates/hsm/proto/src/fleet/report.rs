//! How an HSM is.

use prost::{Enumeration, Message};

/// What an HSM does just now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Enumeration)]
#[repr(i32)]
pub enum HsmState {
    /// It makes, joins or restores its partition, or catches up.
    Starting = 0,
    /// It has its partition and waits for the cluster's certificate: no client is served.
    Uninitialized = 1,
    /// It serves.
    Serving = 2,
    /// It has halted, `halt_reason` says why. It serves nobody.
    Halted = 3,
    /// It stops.
    Stopping = 4,
}

/// How an HSM is. Sent after every change of state and every few seconds.
#[derive(Clone, PartialEq, Message)]
pub struct Report {
    /// What it does.
    #[prost(enumeration = "HsmState", tag = "1")]
    pub state: i32,
    /// Why it has halted, or why it does not get on while it starts; else empty.
    #[prost(string, tag = "2")]
    pub halt_reason: String,
    /// The CSR and certificates of the partition. Only while the cluster has no certificate.
    #[prost(message, optional, tag = "3")]
    pub certificates: Option<HardwareCertificates>,
    /// Whether an administrator has set the first password.
    #[prost(bool, tag = "4")]
    pub activated: bool,
    /// The last entry of the log that the HSM holds.
    #[prost(uint64, tag = "5")]
    pub sequence: u64,
    /// What it counts.
    #[prost(message, optional, tag = "6")]
    pub counters: Option<Counters>,
    /// The cluster's certificate that the HSM serves with, as PEM; empty before it has one. The same in all
    /// clusters that come from one backup history.
    #[prost(string, tag = "7")]
    pub cluster_certificate: String,
    /// The trust anchor that came with it, as PEM.
    #[prost(string, tag = "8")]
    pub trust_anchor: String,
    /// The revision of the rules that are in force.
    #[prost(uint64, tag = "9")]
    pub rules_revision: u64,
}

/// What DescribeClusters shows of a cluster that is not initialized, all as PEM.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct HardwareCertificates {
    /// `ClusterCsr`.
    #[prost(string, tag = "1")]
    pub cluster_csr: String,
    /// `HsmCertificate`: the partition's key, signed by the device.
    #[prost(string, tag = "2")]
    pub hsm_certificate: String,
    /// `ManufacturerHardwareCertificate`: the device's key, signed by the manufacturer's root.
    #[prost(string, tag = "3")]
    pub manufacturer_hardware_certificate: String,
    /// `AwsHardwareCertificate`: the device's key, signed by the fleet's root.
    #[prost(string, tag = "4")]
    pub aws_hardware_certificate: String,
    /// The manufacturer's root.
    #[prost(string, tag = "5")]
    pub manufacturer_root: String,
    /// The fleet's root.
    #[prost(string, tag = "6")]
    pub fleet_root: String,
}

/// What an HSM counts, since its process began where nothing else is said.
#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub struct Counters {
    /// Connections that are open.
    #[prost(uint32, tag = "1")]
    pub connections: u32,
    /// Sessions that are open.
    #[prost(uint32, tag = "2")]
    pub sessions: u32,
    /// Sessions that are logged in.
    #[prost(uint32, tag = "3")]
    pub logins: u32,
    /// Users of the partition.
    #[prost(uint32, tag = "4")]
    pub users: u32,
    /// Token keys of the partition.
    #[prost(uint32, tag = "5")]
    pub token_keys: u32,
    /// Session keys on this HSM.
    #[prost(uint32, tag = "6")]
    pub session_keys: u32,
    /// Calls that were answered.
    #[prost(uint64, tag = "7")]
    pub calls: u64,
    /// Calls of those that failed.
    #[prost(uint64, tag = "8")]
    pub failures: u64,
    /// Changes that were made.
    #[prost(uint64, tag = "9")]
    pub changes: u64,
    /// Connections that were refused: by the rules, or for a limit.
    #[prost(uint64, tag = "10")]
    pub refused_connections: u64,
    /// Audit records that wait to be stored.
    #[prost(uint32, tag = "11")]
    pub audit_waiting: u32,
}

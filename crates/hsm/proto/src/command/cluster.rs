//! The HSM itself, sessions, and the certificates of clients.

use prost::{Enumeration, Message};

/// Asks what HSM this is. Needs no log-in.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct HsmInfo {}

/// What an HSM says of itself (`cloudhsm-cli cluster hsm-info`).
#[derive(Clone, PartialEq, Eq, Message)]
pub struct HsmDescription {
    /// Who made it.
    #[prost(string, tag = "1")]
    pub vendor: String,
    /// Which model it is.
    #[prost(string, tag = "2")]
    pub model: String,
    /// Its serial number.
    #[prost(string, tag = "3")]
    pub serial_number: String,
    /// Hardware version, major and minor.
    #[prost(uint32, repeated, tag = "4")]
    pub hardware_version: Vec<u32>,
    /// Firmware version: major, minor, build.
    #[prost(uint32, repeated, tag = "5")]
    pub firmware_version: Vec<u32>,
    /// The firmware's name.
    #[prost(string, tag = "6")]
    pub firmware_id: String,
    /// Whether it keeps to the FIPS mode of CloudHSM.
    #[prost(bool, tag = "7")]
    pub fips: bool,
    /// The cryptographic module that computes.
    #[prost(string, tag = "8")]
    pub module: String,
    /// Whether an administrator has set the first password.
    #[prost(bool, tag = "9")]
    pub activated: bool,
    /// How many calls it has answered since it started.
    #[prost(uint64, tag = "10")]
    pub calls: u64,
    /// How many cryptographic operations it has done since it started: each was computed in this HSM.
    #[prost(uint64, tag = "11")]
    pub cryptographic_operations: u64,
}

/// Begins a session on this connection.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct OpenSession {}

/// A session that has begun.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct SessionOpened {
    /// What calls name it by. Never 0.
    #[prost(uint64, tag = "1")]
    pub session: u64,
}

/// Ends the call's session.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct CloseSession {}

/// Registers the certificate of an authority whose clients are let in. Administrators; quorum service `cluster`.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct RegisterTrustAnchor {
    /// The certificate, or a chain in order, as PEM; at most 6,980 bytes.
    #[prost(string, tag = "1")]
    pub certificate: String,
}

/// Removes a trust anchor and closes the connections that came in by it. Administrators; quorum service `cluster`.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct DeregisterTrustAnchor {
    /// What the anchor is named by.
    #[prost(uint32, tag = "1")]
    pub certificate_reference: u32,
}

/// Lists trust anchors. Needs no log-in.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct ListTrustAnchors {}

/// A trust anchor for clients' certificates.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct TrustAnchor {
    /// What it is named by.
    #[prost(uint32, tag = "1")]
    pub certificate_reference: u32,
    /// The certificate as PEM.
    #[prost(string, tag = "2")]
    pub certificate: String,
}

/// Trust anchors.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct TrustAnchors {
    /// At most 2.
    #[prost(message, repeated, tag = "1")]
    pub anchors: Vec<TrustAnchor>,
}

/// Asks whether clients need a certificate.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct GetMtlsEnforcement {}

/// Who needs a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Enumeration)]
#[repr(i32)]
pub enum EnforcementLevel {
    /// Nobody.
    None = 0,
    /// Every client of the cluster.
    Cluster = 1,
}

/// Sets whether clients need a certificate. Only the user `admin`, over a connection with one; quorum service
/// `cluster`.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct SetMtlsEnforcement {
    /// Who needs one.
    #[prost(enumeration = "EnforcementLevel", tag = "1")]
    pub level: i32,
}

/// Whether clients need a certificate.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct Enforcement {
    /// Who needs one.
    #[prost(enumeration = "EnforcementLevel", tag = "1")]
    pub level: i32,
}

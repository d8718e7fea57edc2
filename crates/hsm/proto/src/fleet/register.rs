//! Who an HSM is, and what it is to be.

use prost::{Enumeration, Message};

use super::{ClusterCertificates, Fault, Rules};

/// The first call on a connection.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct Register {
    /// [`super::FLEET_VERSION`].
    #[prost(uint32, tag = "1")]
    pub version: u32,
    /// The HSM, `hsm-...`.
    #[prost(string, tag = "2")]
    pub hsm_id: String,
    /// The one-time token that the HSM was started with. The control plane checks it when it sees the device
    /// certificate for the first time; afterwards the certificate alone counts.
    #[prost(string, tag = "3")]
    pub enrolment_token: String,
    /// The device certificate and its issuers as DER, the device's first. The first one is the certificate that
    /// the HSM showed in the TLS handshake.
    #[prost(bytes = "vec", repeated, tag = "4")]
    pub device_chain: Vec<Vec<u8>>,
    /// The program's version.
    #[prost(string, tag = "5")]
    pub program: String,
    /// The partition that the HSM has in its state already; empty when it has none. It then resumes.
    #[prost(string, tag = "6")]
    pub cluster_id: String,
    /// The last entry of the log that the HSM has; 0 when none.
    #[prost(uint64, tag = "7")]
    pub sequence: u64,
    /// The address and port at which clients are served, `address:port`.
    #[prost(string, tag = "8")]
    pub address: String,
    /// The process id, for a control plane on the same machine.
    #[prost(uint32, tag = "9")]
    pub pid: u32,
}

/// What an HSM is to do in its cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Enumeration)]
#[repr(i32)]
pub enum AssignedRole {
    /// Goes on with the partition that it has.
    Resume = 0,
    /// Makes the cluster's partition: the first HSM of a new cluster.
    Found = 1,
    /// Is let in by a member.
    Join = 2,
    /// Takes the partition from a backup: the first HSM of a restored cluster, or of one that has lost all.
    Restore = 3,
}

/// What CloudHSM calls the mode of a cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Enumeration)]
#[repr(i32)]
pub enum ClusterMode {
    /// `FIPS`.
    Fips = 0,
    /// `NON_FIPS`.
    NonFips = 1,
}

/// The answer to [`Register`].
#[derive(Clone, PartialEq, Message)]
pub struct Assignment {
    /// The cluster, `cluster-...`.
    #[prost(string, tag = "1")]
    pub cluster_id: String,
    /// What to do.
    #[prost(enumeration = "AssignedRole", tag = "2")]
    pub role: i32,
    /// The cluster's mode.
    #[prost(enumeration = "ClusterMode", tag = "3")]
    pub mode: i32,
    /// The last entry of the cluster's log; 0 while it is empty.
    #[prost(uint64, tag = "4")]
    pub head: u64,
    /// Who may connect.
    #[prost(message, optional, tag = "5")]
    pub rules: Option<Rules>,
    /// What the customer installed; none before the cluster is initialized.
    #[prost(message, optional, tag = "6")]
    pub certificates: Option<ClusterCertificates>,
    /// Where the cluster's other HSMs listen, as `address:port`.
    #[prost(string, repeated, tag = "7")]
    pub peers: Vec<String>,
    /// How far domain time is ahead of real time, in milliseconds. HSMs heed it only when they were started for
    /// development.
    #[prost(sint64, tag = "8")]
    pub clock_offset_ms: i64,
    /// For [`AssignedRole::Restore`]: from what.
    #[prost(message, optional, tag = "9")]
    pub restore: Option<RestoreFrom>,
    /// Milliseconds between reports; 0 leaves it to the HSM.
    #[prost(uint32, tag = "10")]
    pub report_every_ms: u32,
    /// The first sequence number of this HSM's audit log that is not stored yet. An HSM that has lost the last of
    /// its records goes on from there, or the numbers would be given twice.
    #[prost(uint64, tag = "11")]
    pub audit_next: u64,
    /// What the HSM is to do wrong; none is that it is well. Heeded in development only.
    #[prost(message, optional, tag = "12")]
    pub fault: Option<Fault>,
}

/// A backup to restore from. Its bytes are fetched with [`super::GetPiece`].
#[derive(Clone, PartialEq, Message)]
#[prost(skip_debug)]
pub struct RestoreFrom {
    /// The backup as the blob is named.
    #[prost(string, tag = "1")]
    pub backup_id: String,
    /// The service's half of the key, 32 bytes.
    #[prost(bytes = "vec", tag = "2")]
    pub service_half: Vec<u8>,
    /// Whether the log of the assigned cluster goes on from the backup (the cluster has lost all its HSMs) and is
    /// read after it; else the log is empty and the cluster is a clone.
    #[prost(bool, tag = "3")]
    pub same_cluster: bool,
    /// The id that the backup was made under, when `backup_id` is that of a copy; empty when it is the same.
    #[prost(string, tag = "4")]
    pub made_as: String,
}

impl std::fmt::Debug for RestoreFrom {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RestoreFrom").field("backup_id", &self.backup_id).finish_non_exhaustive()
    }
}

impl Drop for RestoreFrom {
    fn drop(&mut self) {
        zeroize::Zeroize::zeroize(&mut self.service_half);
    }
}

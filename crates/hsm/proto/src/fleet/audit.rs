//! The HSM's audit log on its way to where it is kept (CloudHSM User Guide, "Interpreting HSM audit logs").

use prost::{Enumeration, Message};

/// Hands over audit records.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct Audit {
    /// In order, without gaps; at most 512.
    #[prost(message, repeated, tag = "1")]
    pub records: Vec<AuditRecord>,
}

/// They are stored. Records that come again are the same and are stored once. Where the first one is beyond those
/// that were stored, what is missing is lost, and that it is so is stored.
#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub struct AuditStored {
    /// The first sequence number that is not stored yet.
    #[prost(uint64, tag = "1")]
    pub next: u64,
}

/// One record of an HSM's audit log, with the meanings of AWS's lines.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct AuditRecord {
    /// `Sequence No`: from 0, without gaps, for each HSM.
    #[prost(uint64, tag = "1")]
    pub sequence: u64,
    /// `Time`, in microseconds since 1970.
    #[prost(sint64, tag = "2")]
    pub time_us: i64,
    /// `Reboot counter`.
    #[prost(uint32, tag = "3")]
    pub reboot_counter: u32,
    /// `Command Type`: 0 is `CN_MGMT_CMD`, 9 is `CN_CERT_AUTH_CMD`.
    #[prost(uint32, tag = "4")]
    pub command_type: u32,
    /// The number of `Opcode`.
    #[prost(uint32, tag = "5")]
    pub opcode: u32,
    /// The name of `Opcode`, `CN_LOGIN`.
    #[prost(string, tag = "6")]
    pub opcode_name: String,
    /// `Session Handle`.
    #[prost(uint64, tag = "7")]
    pub session: u64,
    /// The number of `Response`; 0 is success.
    #[prost(uint32, tag = "8")]
    pub response: u32,
    /// The text of `Response`, `HSM Return: SUCCESS`.
    #[prost(string, tag = "9")]
    pub response_text: String,
    /// `Log type`: which of the fields below belong to the record.
    #[prost(enumeration = "LogType", tag = "10")]
    pub log_type: i32,
    /// `Priv/Secret Key Handle`.
    #[prost(uint64, tag = "11")]
    pub secret_key: u64,
    /// `Public Key Handle`.
    #[prost(uint64, tag = "12")]
    pub public_key: u64,
    /// `User Name`.
    #[prost(string, tag = "13")]
    pub username: String,
    /// The number of `User Type`: 1 crypto user, 2 crypto officer, 5 appliance user, 6 officer before activation.
    #[prost(uint32, tag = "14")]
    pub user_type: u32,
    /// The whole record as AWS writes it, several lines: what a reader of the log sees.
    #[prost(string, tag = "15")]
    pub text: String,
}

/// Which details a record has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Enumeration)]
#[repr(i32)]
pub enum LogType {
    /// `MINIMAL_LOG_ENTRY`.
    Minimal = 0,
    /// `MGMT_KEY_DETAILS_LOG`.
    KeyDetails = 1,
    /// `MGMT_USER_DETAILS_LOG`.
    UserDetails = 2,
    /// `UNKNOWN_LOG_TYPE`, which sharing a key is printed with.
    Unknown = 5,
}

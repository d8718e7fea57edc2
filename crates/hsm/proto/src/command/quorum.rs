//! Approval by several (M of N).

use prost::{Enumeration, Message};

/// What approvals guard (CloudHSM User Guide, "quorum authentication").
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Enumeration)]
#[repr(i32)]
pub enum QuorumService {
    /// Users are made, deleted and changed.
    User = 0,
    /// Quorum values are set.
    Quorum = 1,
    /// Clients' trust anchors and the enforcement of certificates are changed.
    Cluster = 2,
    /// A key is used to sign.
    KeyUsage = 3,
    /// A key is wrapped, unwrapped, shared or changed.
    KeyManagement = 4,
    /// A public key for approvals is registered.
    Registration = 5,
}

/// One approver's signature.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct ApprovalSignature {
    /// Who approves.
    #[prost(string, tag = "1")]
    pub username: String,
    /// The role of the approver.
    #[prost(enumeration = "super::Role", tag = "2")]
    pub role: i32,
    /// The RSASSA-PKCS1-v1_5 signature over the token as a SHA-256 digest.
    #[prost(bytes = "vec", tag = "3")]
    pub signature: Vec<u8>,
}

/// A token with its signatures.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct Approval {
    /// The token's description, one 80-byte record for each HSM.
    #[prost(bytes = "vec", tag = "1")]
    pub approval_data: Vec<u8>,
    /// At most 8.
    #[prost(message, repeated, tag = "2")]
    pub signatures: Vec<ApprovalSignature>,
}

/// Asks for a token. For key services the token is of one key.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct GenerateToken {
    /// What is to be approved.
    #[prost(enumeration = "QuorumService", tag = "1")]
    pub service: i32,
    /// The key's handle; 0 for other services.
    #[prost(uint64, tag = "2")]
    pub key: u64,
}

/// A token's record. The client puts the records of all HSMs together into one token file.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct Token {
    /// This HSM's record, 80 bytes.
    #[prost(bytes = "vec", tag = "1")]
    pub approval_data: Vec<u8>,
}

/// Lists the tokens that this HSM keeps.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct ListTokens {}

/// A token that waits to be used.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct TokenDescription {
    /// Who asked for it.
    #[prost(string, tag = "1")]
    pub username: String,
    /// What for.
    #[prost(enumeration = "QuorumService", tag = "2")]
    pub service: i32,
    /// Of which key; 0 for other services.
    #[prost(uint64, tag = "3")]
    pub key: u64,
    /// How many must approve.
    #[prost(uint32, tag = "4")]
    pub approvals_required: u32,
    /// How many have.
    #[prost(uint32, tag = "5")]
    pub approvals: u32,
    /// How long it is good, in seconds.
    #[prost(uint32, tag = "6")]
    pub seconds_left: u32,
}

/// Tokens.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct TokenList {
    /// All that are good.
    #[prost(message, repeated, tag = "1")]
    pub tokens: Vec<TokenDescription>,
}

/// Deletes tokens.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct DeleteTokens {
    /// Everybody's instead of one's own.
    #[prost(bool, tag = "1")]
    pub all: bool,
}

/// Lists the quorum values. Needs no log-in.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct ListQuorumValues {}

/// How many must approve, by service; 1 is nobody but the caller.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct QuorumValues {
    /// Service `user`.
    #[prost(uint32, tag = "1")]
    pub user: u32,
    /// Service `quorum`.
    #[prost(uint32, tag = "2")]
    pub quorum: u32,
    /// Service `cluster`.
    #[prost(uint32, tag = "3")]
    pub cluster: u32,
}

/// Sets a quorum value. Administrators; quorum service `quorum`.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct SetQuorumValue {
    /// [`QuorumService::User`], [`QuorumService::Quorum`] or [`QuorumService::Cluster`].
    #[prost(enumeration = "QuorumService", tag = "1")]
    pub service: i32,
    /// 1 to 8.
    #[prost(uint32, tag = "2")]
    pub value: u32,
}

/// Asks for how long tokens are good.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct ListTokenTimeouts {}

/// How long tokens are good, in seconds.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct TokenTimeouts {
    /// From when they are made.
    #[prost(uint32, tag = "1")]
    pub generated: u32,
    /// From when they are approved.
    #[prost(uint32, tag = "2")]
    pub approved: u32,
}

/// Sets one of them. Administrators.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct SetTokenTimeout {
    /// In seconds; 0 leaves it.
    #[prost(uint32, tag = "1")]
    pub generated: u32,
    /// In seconds; 0 leaves it.
    #[prost(uint32, tag = "2")]
    pub approved: u32,
}

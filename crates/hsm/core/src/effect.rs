//! What changes are made of, and the records that the shared state holds.
//!
//! A change is a list of effects: results, not commands to be run again, so that every HSM comes to the same
//! state. They are Protocol Buffers under a format number. An effect of an unknown kind is refused, never skipped.

use prost::{Message, Oneof};
use strongroom_hsm_proto::command::{KeyClass, KeyType, Role, Template};

use crate::HsmError;

/// The format of effects and snapshots.
pub(crate) const FORMAT: u32 = 1;

/// One change.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Effects {
    /// [`FORMAT`].
    #[prost(uint32, tag = "1")]
    pub(crate) format: u32,
    /// When it was planned, in the cluster's time.
    #[prost(int64, tag = "2")]
    pub(crate) at_ms: i64,
    /// What it does, in order.
    #[prost(message, repeated, tag = "3")]
    pub(crate) list: Vec<Effect>,
}

impl Effects {
    pub(crate) fn new(at_ms: i64, kinds: Vec<Kind>) -> Self {
        let list = kinds.into_iter().map(|kind| Effect { kind: Some(kind) }).collect();
        Self { format: FORMAT, at_ms, list }
    }

    /// Reads a change whose every effect is known.
    pub(crate) fn read(bytes: &[u8]) -> Result<Vec<Kind>, HsmError> {
        let effects = Self::decode(bytes).map_err(|_| HsmError::InvalidState)?;
        if effects.format != FORMAT {
            return Err(HsmError::UnknownEffect);
        }
        effects.list.into_iter().map(|effect| effect.kind.ok_or(HsmError::UnknownEffect)).collect()
    }
}

/// One effect.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Effect {
    #[prost(oneof = "Kind", tags = "1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12")]
    pub(crate) kind: Option<Kind>,
}

/// Kinds of effects.
#[derive(Clone, PartialEq, Oneof)]
pub(crate) enum Kind {
    /// The partition's own keys. The first effect there is, and again when they are sealed anew.
    #[prost(message, tag = "1")]
    Foundation(Foundation),
    /// A user, new or changed.
    #[prost(message, tag = "2")]
    PutUser(UserRecord),
    /// A user goes.
    #[prost(message, tag = "3")]
    DeleteUser(UserRef),
    /// A key, new or changed.
    #[prost(message, tag = "4")]
    PutKey(KeyRecord),
    /// A key goes.
    #[prost(message, tag = "5")]
    DeleteKey(KeyRef),
    /// The quorum values of administrators' services.
    #[prost(message, tag = "6")]
    SetQuorum(QuorumSettings),
    /// An approval is used up.
    #[prost(message, tag = "7")]
    Spend(SpentApproval),
    /// A trust anchor for clients' certificates.
    #[prost(message, tag = "8")]
    PutAnchor(AnchorRecord),
    /// A trust anchor goes.
    #[prost(uint32, tag = "9")]
    DeleteAnchor(u32),
    /// Whether clients need a certificate.
    #[prost(int32, tag = "10")]
    SetEnforcement(i32),
    /// A user is logged out of all sessions, on every HSM.
    #[prost(message, tag = "11")]
    LogOut(UserRef),
    /// A user is logged out of all sessions but one.
    #[prost(message, tag = "12")]
    LogOutElsewhere(KeptSession),
}

/// The session in which a user stays logged in.
#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct KeptSession {
    #[prost(message, required, tag = "1")]
    pub(crate) user: UserRef,
    /// The HSM that has the session.
    #[prost(string, tag = "2")]
    pub(crate) hsm_id: String,
    #[prost(uint64, tag = "3")]
    pub(crate) session: u64,
}

/// The partition's own keys: the cluster's pair and the key that clones share.
#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct Foundation {
    /// The cluster's RSA public key, as DER SubjectPublicKeyInfo.
    #[prost(bytes = "vec", tag = "1")]
    pub(crate) cluster_public: Vec<u8>,
    /// Its private key, sealed.
    #[prost(bytes = "vec", tag = "2")]
    pub(crate) cluster: Vec<u8>,
    /// The family key, sealed.
    #[prost(bytes = "vec", tag = "3")]
    pub(crate) family: Vec<u8>,
}

/// Names a user.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Message)]
pub(crate) struct UserRef {
    /// In lower case.
    #[prost(string, tag = "1")]
    pub(crate) name: String,
    #[prost(enumeration = "Role", tag = "2")]
    pub(crate) role: i32,
}

impl UserRef {
    pub(crate) fn new(name: &str, role: Role) -> Self {
        Self { name: name.to_owned(), role: role.into() }
    }
}

/// A user.
#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct UserRecord {
    #[prost(message, required, tag = "1")]
    pub(crate) user: UserRef,
    /// The password's hash in the PHC form; empty: nobody logs in.
    #[prost(string, tag = "2")]
    pub(crate) password: String,
    /// Locked by too many wrong passwords.
    #[prost(bool, tag = "3")]
    pub(crate) locked: bool,
    /// The RSA key of the second factor and of approvals, as DER SubjectPublicKeyInfo; empty for none.
    #[prost(bytes = "vec", tag = "4")]
    pub(crate) public_key: Vec<u8>,
    /// Log-ins need it.
    #[prost(bool, tag = "5")]
    pub(crate) mfa: bool,
    /// It approves quorum tokens.
    #[prost(bool, tag = "6")]
    pub(crate) quorum: bool,
}

/// Names a key.
#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub(crate) struct KeyRef {
    #[prost(uint64, tag = "1")]
    pub(crate) handle: u64,
}

/// A key object.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct KeyRecord {
    #[prost(uint64, tag = "1")]
    pub(crate) handle: u64,
    /// Counts the changes.
    #[prost(uint32, tag = "2")]
    pub(crate) version: u32,
    /// The crypto user whose it is.
    #[prost(string, tag = "3")]
    pub(crate) owner: String,
    /// Crypto users that may use it, sorted.
    #[prost(string, repeated, tag = "4")]
    pub(crate) shared_with: Vec<String>,
    /// How many must approve its management.
    #[prost(uint32, tag = "5")]
    pub(crate) manage_quorum: u32,
    /// How many must approve its use.
    #[prost(uint32, tag = "6")]
    pub(crate) use_quorum: u32,
    #[prost(enumeration = "KeyClass", tag = "7")]
    pub(crate) class: i32,
    #[prost(enumeration = "KeyType", tag = "8")]
    pub(crate) key_type: i32,
    /// [`Flags`](crate::object::Flags).
    #[prost(uint32, tag = "9")]
    pub(crate) flags: u32,
    #[prost(string, tag = "10")]
    pub(crate) label: String,
    #[prost(bytes = "vec", tag = "11")]
    pub(crate) id: Vec<u8>,
    /// Three bytes, or none.
    #[prost(bytes = "vec", tag = "12")]
    pub(crate) check_value: Vec<u8>,
    /// What `key-length-bytes` shows.
    #[prost(uint32, tag = "13")]
    pub(crate) length: u32,
    /// The public half as DER SubjectPublicKeyInfo; empty for secret keys and where it is not known.
    #[prost(bytes = "vec", tag = "14")]
    pub(crate) public: Vec<u8>,
    /// The number of the curve or of the parameter set (EC, ML-DSA), or the modulus's bits (RSA).
    #[prost(uint32, tag = "15")]
    pub(crate) parameter: u32,
    #[prost(message, optional, tag = "16")]
    pub(crate) wrap_template: Option<Template>,
    #[prost(message, optional, tag = "17")]
    pub(crate) unwrap_template: Option<Template>,
    /// The sealed material; empty for public keys.
    #[prost(bytes = "vec", tag = "18")]
    pub(crate) token: Vec<u8>,
}

/// How many must approve, and for how long tokens are good.
#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub(crate) struct QuorumSettings {
    #[prost(uint32, tag = "1")]
    pub(crate) user: u32,
    #[prost(uint32, tag = "2")]
    pub(crate) quorum: u32,
    #[prost(uint32, tag = "3")]
    pub(crate) cluster: u32,
    /// Seconds from when a token is made.
    #[prost(uint32, tag = "4")]
    pub(crate) generated_s: u32,
    /// Seconds from when it is approved.
    #[prost(uint32, tag = "5")]
    pub(crate) approved_s: u32,
}

/// The random parts of the records of an approval that is used up.
#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct SpentApproval {
    /// Sixteen bytes each.
    #[prost(bytes = "vec", repeated, tag = "1")]
    pub(crate) nonces: Vec<Vec<u8>>,
}

/// A trust anchor for clients' certificates.
#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct AnchorRecord {
    #[prost(uint32, tag = "1")]
    pub(crate) reference: u32,
    #[prost(string, tag = "2")]
    pub(crate) certificate: String,
}

/// The whole shared state.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Snapshot {
    /// [`FORMAT`].
    #[prost(uint32, tag = "1")]
    pub(crate) format: u32,
    #[prost(message, optional, tag = "2")]
    pub(crate) foundation: Option<Foundation>,
    /// By name and role.
    #[prost(message, repeated, tag = "3")]
    pub(crate) users: Vec<UserRecord>,
    /// By handle.
    #[prost(message, repeated, tag = "4")]
    pub(crate) keys: Vec<KeyRecord>,
    #[prost(message, optional, tag = "5")]
    pub(crate) quorum: Option<QuorumSettings>,
    /// The oldest first.
    #[prost(bytes = "vec", repeated, tag = "6")]
    pub(crate) spent: Vec<Vec<u8>>,
    /// By reference.
    #[prost(message, repeated, tag = "7")]
    pub(crate) anchors: Vec<AnchorRecord>,
    #[prost(int32, tag = "8")]
    pub(crate) enforcement: i32,
    /// The highest reference that an anchor ever had.
    #[prost(uint32, tag = "9")]
    pub(crate) last_anchor: u32,
    /// The handles of keys that were deleted; the oldest first.
    #[prost(uint64, repeated, tag = "10")]
    pub(crate) deleted: Vec<u64>,
}

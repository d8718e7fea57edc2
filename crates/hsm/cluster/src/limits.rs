//! What is bounded, and by how much. All replicas share these numbers: a change needs a feature level.

/// The highest feature level that this version has.
pub const FEATURE_LEVEL: u32 = 1;
/// The longest sealed entry, in bytes.
pub const MAX_ENTRY: usize = 1 << 20;
/// How many commands one entry carries at most.
pub const MAX_BATCH: usize = 256;
/// The longest effects of one command, in bytes.
pub const MAX_EFFECTS: usize = 512 << 10;
/// The longest reply that is kept for a command, in bytes.
pub const MAX_REPLY: usize = 64 << 10;
/// How many HSMs a cluster has at most. (AWS CloudHSM: 28.)
pub const MAX_MEMBERS: usize = 64;
/// The longest name of a member, in bytes.
pub const MAX_MEMBER_ID: usize = 64;
/// The longest public key of a member, in bytes.
pub const MAX_PUBLIC_KEY: usize = 2 << 10;
/// The longest chain of device certificates of a member, in bytes.
pub const MAX_DEVICE_CHAIN: usize = 16 << 10;
/// The longest trust anchor for device certificates, in bytes.
pub const MAX_DEVICE_ROOT: usize = 16 << 10;
/// The longest signature under a request to join, in bytes.
pub const MAX_SIGNATURE: usize = 8 << 10;
/// The longest sealed key that goes to one member, in bytes.
pub const MAX_SEALED_KEY: usize = 4 << 10;
/// For how long a command is known by its id, in milliseconds of entries' time: far longer than clients try again.
pub const KNOWN_MS: i64 = 5 * 60 * 1_000;
/// So many of the latest commands are known however old they are: time may be moved.
pub const KNOWN_AT_LEAST: usize = 32_768;
/// How many commands are known at most.
pub const KNOWN_COMMANDS: usize = 524_288;
/// Of how many known commands the first reply is kept.
pub const KNOWN_REPLIES: usize = 32_768;
/// How many bytes of first replies are kept.
pub const KNOWN_REPLY_BYTES: usize = 8 << 20;
/// How many keys of members that are gone are kept, so that they do not come back with them.
pub const FORMER_KEYS: usize = 4_096;
/// How many entries back a cursor, a snapshot or an invitation can be compared with.
pub const TRAIL: usize = 65_536;
/// How many epochs' keys are kept at a time. Older ones are retired first (`Replica::propose_retire`).
pub const MAX_EPOCHS: usize = 64;
/// How many of the last entries a replica keeps, to give them back to a store that lost them.
pub const TAIL_ENTRIES: usize = 4_096;
/// How many bytes of the last entries a replica keeps.
pub const TAIL_BYTES: usize = 4 << 20;
/// After how many entries since the last checkpoint a replica asks for the next.
pub const CHECKPOINT_ENTRIES: u64 = 1_024;
/// After how many bytes of entries since the last checkpoint a replica asks for the next.
pub const CHECKPOINT_BYTES: usize = 4 << 20;
/// The longest snapshot, backup or checkpoint that is read, in bytes.
pub const MAX_SNAPSHOT: usize = 1 << 30;
/// The longest object that is exported under the family key, in bytes.
pub const MAX_EXPORT: usize = 64 << 10;
/// The longest context that an exported object is bound to, in bytes.
pub const MAX_EXPORT_CONTEXT: usize = 4 << 10;

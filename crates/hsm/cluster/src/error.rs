//! Why a replica refuses, and why it halts.

use std::borrow::Cow;

use strongroom_crypto::CryptoError;

use crate::{MAX_EXPORT, MAX_EXPORT_CONTEXT};

/// Why a replica stands still. It does not go on by itself, not even after a restart: an operator decides.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Halt {
    /// The store gave bytes that no member sealed for this place.
    #[error("entry {sequence} of the log was not made by a member of this cluster")]
    Forged {
        /// The place.
        sequence: u64,
    },
    /// The store gave a genuine-looking entry for another place: entries were reordered, dropped or repeated.
    #[error("the log has entry {found} in the place of entry {expected}")]
    Reordered {
        /// The place that was read.
        expected: u64,
        /// The place that the entry was made for.
        found: u64,
    },
    /// The store has lost entries that this replica has, and more of them than the replica can give back.
    #[error("the log ends at entry {log}, but this HSM has seen {own} entries and cannot restore them all")]
    Truncated {
        /// The replica's own head.
        own: u64,
        /// The log's.
        log: u64,
    },
    /// A member wrote an entry onto another past than this replica's, or a client was shown one.
    #[error("the cluster's log was forked at or before entry {sequence}")]
    Forked {
        /// The latest place up to which the fork may lie.
        sequence: u64,
    },
    /// An entry of another incarnation: the cluster was restored from a backup, and this replica is of its past,
    /// or the store gives the past for the present.
    #[error("entry {sequence} is of incarnation {found} of the cluster, this HSM of incarnation {own}")]
    OtherIncarnation {
        /// The place.
        sequence: u64,
        /// The replica's incarnation.
        own: u32,
        /// The entry's.
        found: u32,
    },
    /// An entry under another epoch's key than the one in force.
    #[error("entry {sequence} was sealed under the key of epoch {found}, but epoch {own} is in force")]
    OtherEpoch {
        /// The place.
        sequence: u64,
        /// The epoch in force.
        own: u32,
        /// The entry's.
        found: u32,
    },
    /// An entry in a format of a later version.
    #[error("entry {sequence} has format {format}, which this version does not know")]
    UnknownFormat {
        /// The place.
        sequence: u64,
        /// The format.
        format: u8,
    },
    /// An entry of a kind of a later version.
    #[error("entry {sequence} is of kind {kind}, which this version does not know")]
    UnknownKind {
        /// The place.
        sequence: u64,
        /// The kind.
        kind: u8,
    },
    /// The cluster went to a feature level that this version does not have.
    #[error("the cluster is at feature level {level}, this version has {supported}")]
    FeatureLevel {
        /// The cluster's level.
        level: u32,
        /// The highest that this replica supports.
        supported: u32,
    },
    /// A member sealed an entry that no sound member makes.
    #[error("entry {sequence} was made by a member, but breaks a rule: {rule}")]
    Unsound {
        /// The place.
        sequence: u64,
        /// The rule.
        rule: Cow<'static, str>,
    },
    /// This replica's state is not the one that the member had who wrote a snapshot entry.
    #[error("at entry {sequence} this HSM's state differs from another member's")]
    DigestMismatch {
        /// The place of the snapshot entry.
        sequence: u64,
    },
    /// The machine did not take the effects of an entry.
    #[error("the effects of entry {sequence} could not be applied")]
    MachineRefused {
        /// The place.
        sequence: u64,
    },
    /// This replica left the cluster.
    #[error("this HSM left the cluster with entry {sequence}")]
    Left {
        /// The place.
        sequence: u64,
    },
}

/// Why the kernel does not do what it is asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ClusterError {
    /// The replica stands still.
    #[error("the HSM has halted: {0}")]
    Halted(#[from] Halt),
    /// The replica is not a member yet: its Join entry was not replayed.
    #[error("this HSM is not a member of the cluster yet")]
    NotMember,
    /// Nothing was proposed, or what was proposed has been decided.
    #[error("no entry is under way")]
    NothingProposed,
    /// A command's effects or reply are longer than an entry takes.
    #[error("the command is too large for the log")]
    TooLarge,
    /// Entries are missing between the replica's head and those given.
    #[error("entries from {expected} on are needed")]
    Gap {
        /// The next place that the replica needs.
        expected: u64,
    },
    /// The log no longer has what the replica needs next; it needs a sealed snapshot.
    #[error("entry {expected} has been compacted away: a snapshot is needed")]
    NeedsSnapshot {
        /// The next place that the replica needs.
        expected: u64,
    },
    /// No such member.
    #[error("there is no such member in the cluster")]
    UnknownMember,
    /// A member cannot make itself leave: it must not know the next key.
    #[error("an HSM cannot take itself out of the cluster; another member must")]
    OwnLeave,
    /// The cluster has its greatest number of members or of keys.
    #[error("the cluster is full: {0}")]
    Full(&'static str),
    /// The level is not above the cluster's, or some member does not support it.
    #[error("not every member supports feature level {0}, or it is not above the present one")]
    Level(u32),
    /// The request to join is damaged, or is not for this cluster.
    #[error("the request to join does not read, or is for another cluster")]
    Request,
    /// The joiner's key is that of an HSM that is gone.
    #[error("an HSM that is gone from the cluster comes back with a new key only")]
    FormerKey,
    /// The node does not vouch for the joiner's device.
    #[error("the joiner's device certificate is not accepted")]
    Device,
    /// The log goes on under a key that is not here.
    #[error("the log goes on under the key of epoch {epoch}, which this HSM does not have")]
    NoKey {
        /// The epoch.
        epoch: u32,
    },
    /// The log goes on in a later incarnation: the partition was restored once before.
    #[error("the log goes on in incarnation {incarnation}, whose keys this HSM does not have")]
    LaterIncarnation {
        /// The incarnation.
        incarnation: u32,
    },
    /// Another entry has the place of the one that this replica wanted to restore the partition with. Nothing of
    /// the replica was ever served: it is to be thrown away.
    #[error("the log has gone on without the restore; restore again")]
    Superseded,
    /// The invitation does not open, or the log has gone on without it; ask again.
    #[error("the invitation does not open; ask to join again")]
    Invitation,
    /// The sealed snapshot does not open under the keys that the replica has.
    #[error("the sealed snapshot does not open")]
    Snapshot,
    /// The snapshot is older than what the replica has, or so much newer that nothing can be compared.
    #[error("the snapshot cannot be compared with what this HSM has")]
    SnapshotPlace,
    /// The backup does not open with these halves of its key.
    #[error("the backup does not open")]
    Backup,
    /// The local state does not open, or is damaged.
    #[error("the local state of the HSM does not open")]
    Checkpoint,
    /// The cursor is not of this cluster, or of a key that is no more.
    #[error("the cursor is not of this cluster")]
    Cursor,
    /// The exported object is not of this family, was changed, or is for another context.
    #[error("the object does not open in this family of clusters")]
    Export,
    /// An object or its context is longer than can be exported.
    #[error("an exported object has at most {MAX_EXPORT} bytes, its context {MAX_EXPORT_CONTEXT}")]
    ExportTooLarge,
    /// The machine did not take a snapshot.
    #[error("the state machine does not take the snapshot")]
    Machine,
    /// The cryptographic module failed.
    #[error(transparent)]
    Crypto(#[from] CryptoError),
}

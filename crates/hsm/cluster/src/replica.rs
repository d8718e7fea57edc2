//! One HSM's copy of the partition.

use std::marker::PhantomData;

use strongroom_secret::Key256;

use crate::{
    Admit, ClusterError, Command, CommandId, Halt, Head, Identity, JoinRequest, Machine, Member, MemberId,
    PartitionId,
};

/// What a new partition begins with.
#[derive(Clone, Debug)]
pub struct Founding {
    /// Its name.
    pub partition: PartitionId,
    /// The trust anchor for the devices of members, in a form that only the node reads; at most
    /// [`crate::MAX_DEVICE_ROOT`] bytes.
    pub device_root: Vec<u8>,
    /// The fleet's half of the keys of backups. Who restores one hands it in again.
    pub fleet_half: Key256,
    /// The feature level to begin with.
    pub level: u32,
    /// What the machine is to begin with, as effects.
    pub effects: Vec<u8>,
}

/// An entry to be appended to the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedEntry {
    /// Its place.
    pub sequence: u64,
    /// Its hash: the SHA-256 of its bytes.
    pub hash: [u8; 32],
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// A known command's first reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The command.
    pub id: CommandId,
    /// What its client was told first, and is told again.
    pub reply: Vec<u8>,
}

/// What became of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposed {
    /// The commands that are done already, with their first replies.
    pub answered: Vec<Answer>,
    /// How many commands of the batch, from its start, were answered or are in the entry. The others did not
    /// fit: propose them next.
    pub taken: usize,
    /// The entry to append; none when all were answered.
    pub entry: Option<SealedEntry>,
}

/// A joiner's way in. The invitation is sent once the entry is in the log, and thrown away if it lost the race.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Admission {
    /// The Join entry.
    pub entry: SealedEntry,
    /// The keys, sealed to the joiner.
    pub invitation: Vec<u8>,
}

/// What happened to the entry that was under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Own {
    /// It is in the log.
    Landed,
    /// Another took its place. Its commands may be known by now ([`Replica::known`]); plan the others again.
    Lost,
}

/// What the node may want to act on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The partition was founded or restored.
    Begun,
    /// A member joined, or came again with another key.
    Joined(MemberId),
    /// A member left.
    Left(MemberId),
    /// The partition key changed; the machine has the keys.
    EpochTurned {
        /// The new epoch.
        epoch: u32,
    },
    /// All was found equal at a snapshot entry: once a sealed snapshot of this place or a later one is stored,
    /// the log's entries before it can go.
    SnapshotVerified {
        /// The entry's place.
        sequence: u64,
    },
    /// The feature level rose.
    FeatureLevel(u32),
    /// Old keys were retired.
    Retired,
}

/// How far a call brought the replica.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use = "what is to be persisted must be, before anything is acknowledged"]
pub struct Progress {
    /// How many entries were applied.
    pub applied: u64,
    /// What to add to the file of the tail, and make durable, before a command of these entries is acknowledged.
    pub persist: Vec<u8>,
    /// What happened to the entry under way, if that is decided now.
    pub own: Option<Own>,
    /// What else happened.
    pub events: Vec<Event>,
}

/// What a log holds, as the store says just now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent {
    /// The place of its first entry that is still there; 0 while it is empty.
    pub first: u64,
    /// The place of its last entry; 0 while it is empty.
    pub last: u64,
}

/// Where a replica stands against a log.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub enum Standing {
    /// It has all.
    Level,
    /// It needs the entries from this place on.
    Behind {
        /// The first one that it needs.
        from: u64,
    },
    /// The log has lost entries (its store came back from an old dump). Append these, in order, before anything
    /// else; where one is there already, read and replay it.
    Ahead {
        /// The entries.
        entries: Vec<SealedEntry>,
    },
}

/// What a replica finds in its own files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recovered {
    /// Its head.
    pub head: Head,
    /// How many bytes at the end of the tail were cut off by a crash and are to be dropped from the file.
    pub torn: usize,
}

/// One HSM's copy of a partition.
#[derive(Debug)]
pub struct Replica<M> {
    machine: PhantomData<M>,
}

impl<M: Machine> Replica<M> {
    /// Founds a partition. Nothing is founded before the entry is in the log.
    pub fn found(
        _identity: Identity,
        _founding: Founding,
        _machine: M,
        _now_ms: i64,
    ) -> Result<(Self, SealedEntry), ClusterError> {
        Err(ClusterError::NotMember)
    }

    /// Begins as a joiner with an invitation, on a sealed snapshot that a member made, or, while the log still
    /// has its first entry, on none. It becomes a member by replaying its Join entry.
    pub fn join(
        _identity: Identity,
        _partition: PartitionId,
        _invitation: &[u8],
        _snapshot: Option<&[u8]>,
        _machine: M,
    ) -> Result<Self, ClusterError> {
        Err(ClusterError::Invitation)
    }

    /// Begins again from the HSM's own files. The replica may find itself halted, as it was.
    pub fn recover(
        _device_key: &Key256,
        _checkpoint: &[u8],
        _tail: &[u8],
        _machine: M,
    ) -> Result<(Self, Recovered), ClusterError> {
        Err(ClusterError::Checkpoint)
    }

    /// Writes all that the HSM must keep, sealed under its device's key. Written to a new file that takes the
    /// place of the old one, it lets the tail begin anew. Also works when halted, and keeps the reason.
    pub fn checkpoint(&mut self, _device_key: &Key256) -> Result<Vec<u8>, ClusterError> {
        Err(ClusterError::Checkpoint)
    }

    /// Whether the tail has become long enough for a new checkpoint, or something changed that is not in it.
    #[must_use]
    pub fn checkpoint_due(&self) -> bool {
        false
    }

    /// Seals a batch for the next place. What was under way before is forgotten; if it lands all the same, it is
    /// replayed like anyone's.
    pub fn propose(&mut self, _batch: &[Command], _now_ms: i64) -> Result<Proposed, ClusterError> {
        Err(ClusterError::NotMember)
    }

    /// Lets a joiner in. `vouch` tells whether the device certificates lead to the device root (the second
    /// argument) and the device's key signed the request.
    pub fn propose_join(
        &mut self,
        _request: &JoinRequest,
        _now_ms: i64,
        _vouch: impl FnOnce(&JoinRequest, &[u8]) -> bool,
    ) -> Result<Admission, ClusterError> {
        Err(ClusterError::NotMember)
    }

    /// Takes another member out and turns the epoch, in one entry.
    pub fn propose_leave(&mut self, _leaver: &MemberId, _now_ms: i64) -> Result<SealedEntry, ClusterError> {
        Err(ClusterError::NotMember)
    }

    /// Turns the epoch: a new partition key for all members.
    pub fn propose_turn(&mut self, _now_ms: i64) -> Result<SealedEntry, ClusterError> {
        Err(ClusterError::NotMember)
    }

    /// States the digest of the state, which every replica compares with its own.
    pub fn propose_snapshot(&mut self, _now_ms: i64) -> Result<SealedEntry, ClusterError> {
        Err(ClusterError::NotMember)
    }

    /// Says what this version supports, after it was replaced by a newer one.
    pub fn propose_support(&mut self, _now_ms: i64) -> Result<SealedEntry, ClusterError> {
        Err(ClusterError::NotMember)
    }

    /// Raises the feature level to one that every member supports.
    pub fn propose_level(&mut self, _level: u32, _now_ms: i64) -> Result<SealedEntry, ClusterError> {
        Err(ClusterError::NotMember)
    }

    /// Drops the keys of all epochs before the one given. Nothing may need them any more: no token, no entry
    /// that is still in the log.
    pub fn propose_retire(
        &mut self,
        _incarnation: u32,
        _epoch: u32,
        _now_ms: i64,
    ) -> Result<SealedEntry, ClusterError> {
        Err(ClusterError::NotMember)
    }

    /// The store says that the entry under way is in the log.
    pub fn appended(&mut self) -> Result<Progress, ClusterError> {
        Err(ClusterError::NothingProposed)
    }

    /// Tells where the replica stands against the log, which was asked just now.
    pub fn observe(&mut self, _log: Extent) -> Result<Standing, ClusterError> {
        Ok(Standing::Level)
    }

    /// Takes entries that the store gave for the places from `first` on. Those that the replica has already are
    /// compared with its own.
    pub fn replay(&mut self, _first: u64, _entries: &[impl AsRef<[u8]>]) -> Result<Progress, ClusterError> {
        Err(ClusterError::NothingProposed)
    }

    /// Seals the whole state at the head, for joiners and for members that were away for long.
    pub fn sealed_snapshot(&self) -> Result<Vec<u8>, ClusterError> {
        Err(ClusterError::NotMember)
    }

    /// Takes a sealed snapshot in the place of entries that the log no longer has. Nothing can be added to the
    /// tail's file before a new checkpoint is written.
    pub fn catch_up(&mut self, _snapshot: &[u8]) -> Result<(), ClusterError> {
        Err(ClusterError::Snapshot)
    }

    /// Gives the cursor of the head, to be sent with every reply.
    pub fn cursor(&self) -> Result<Vec<u8>, ClusterError> {
        Err(ClusterError::NotMember)
    }

    /// Judges a client's cursor.
    pub fn admit(&mut self, _cursor: &[u8]) -> Result<Admit, ClusterError> {
        Err(ClusterError::Cursor)
    }

    /// Gives the first reply of a command that is done, if it is not too long ago.
    #[must_use]
    pub fn known(&self, _id: &CommandId) -> Option<&[u8]> {
        None
    }

    /// Makes a backup under a key of two halves, the fleet's and this one of the service.
    pub fn backup(&self, _backup_id: &str, _service_half: &Key256) -> Result<Vec<u8>, ClusterError> {
        Err(ClusterError::NotMember)
    }

    /// Seals an object for all clones of this partition; they open it only with the same context.
    pub fn seal_for_family(&self, _context: &[u8], _object: &[u8]) -> Result<Vec<u8>, ClusterError> {
        Err(ClusterError::NotMember)
    }

    /// Opens an object that a clone sealed.
    pub fn open_from_family(
        &self,
        _context: &[u8],
        _sealed: &[u8],
    ) -> Result<strongroom_secret::SecretBytes, ClusterError> {
        Err(ClusterError::Export)
    }

    /// The place up to which the replica has applied the log.
    #[must_use]
    pub fn head(&self) -> Head {
        Head { incarnation: 0, epoch: 0, sequence: 0, hash: [0; 32] }
    }

    /// The partition.
    #[must_use]
    pub fn partition(&self) -> PartitionId {
        PartitionId([0; 16])
    }

    /// The members, by name.
    pub fn members(&self) -> impl Iterator<Item = &Member> {
        std::iter::empty()
    }

    /// Whether this replica is a member and may write.
    #[must_use]
    pub fn is_member(&self) -> bool {
        false
    }

    /// The cluster's feature level.
    #[must_use]
    pub fn feature_level(&self) -> u32 {
        0
    }

    /// The time of the last entry, in milliseconds since 1970.
    #[must_use]
    pub fn time_ms(&self) -> i64 {
        0
    }

    /// Why the replica stands still, if it does.
    #[must_use]
    pub fn halted(&self) -> Option<&Halt> {
        None
    }

    /// The machine.
    #[must_use]
    pub fn machine(&self) -> Option<&M> {
        None
    }
}

/// The content of a backup, opened: the state of old, on which the log's tail can be replayed, if there is one.
/// It then becomes the first replica of a new incarnation.
#[derive(Debug)]
pub struct Archive<M> {
    machine: PhantomData<M>,
}

/// The halves of a backup's key, and the name that the backup was made under.
#[derive(Clone, Debug)]
pub struct BackupKey {
    /// The name.
    pub backup_id: String,
    /// The fleet's half.
    pub fleet_half: Key256,
    /// The service's half.
    pub service_half: Key256,
}

impl<M: Machine> Archive<M> {
    /// Opens a backup.
    pub fn open(_backup: &[u8], _key: &BackupKey, _machine: M) -> Result<Self, ClusterError> {
        Err(ClusterError::Backup)
    }

    /// The partition that the backup is of.
    #[must_use]
    pub fn partition(&self) -> PartitionId {
        PartitionId([0; 16])
    }

    /// The last entry that the archive has.
    #[must_use]
    pub fn head(&self) -> Head {
        Head { incarnation: 0, epoch: 0, sequence: 0, hash: [0; 32] }
    }

    /// Replays entries of the log that the backup was made from. A change of epoch ends it: the keys after it
    /// are not in the backup.
    pub fn replay(&mut self, _first: u64, _entries: &[impl AsRef<[u8]>]) -> Result<Progress, ClusterError> {
        Err(ClusterError::NothingProposed)
    }

    /// Begins a new incarnation in `founding.partition`: the same one, whose log then goes on, or a clone with a
    /// log of its own. `founding.effects` are applied to the restored state.
    pub fn begin(
        self,
        _identity: Identity,
        _founding: Founding,
        _now_ms: i64,
    ) -> Result<(Replica<M>, SealedEntry), ClusterError> {
        Err(ClusterError::Backup)
    }
}

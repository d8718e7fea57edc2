//! One HSM's copy of the partition.

mod persist;
mod propose;
mod snapshot;
mod talk;

use std::fmt;

use strongroom_secret::Key256;

use crate::entry::{Body, Entry, Header};
use crate::keys::{EpochKeys, Era, Family, KeyRing};
use crate::ledger::{Ledger, Stop, Taken};
use crate::state::Trace;
use crate::tail::{Tail, write_record};
use crate::{
    CHECKPOINT_BYTES, CHECKPOINT_ENTRIES, ClusterError, CommandId, Halt, Head, Identity, MAX_DEVICE_ROOT,
    MAX_EFFECTS, MAX_ENTRY, Machine, Member, MemberId, PartitionId,
};

pub use persist::Recovered;
pub use propose::{Admission, Answer, Proposed};

/// What a new partition begins with.
#[derive(Clone, Debug)]
pub struct Founding {
    /// Its name.
    pub partition: PartitionId,
    /// The trust anchor for the devices of members, in a form that only the node reads; at most
    /// [`MAX_DEVICE_ROOT`] bytes.
    pub device_root: Vec<u8>,
    /// The fleet's half of the keys of backups. Members keep it in the partition's family; whoever restores a
    /// backup hands it in again.
    pub fleet_half: Key256,
    /// The feature level to begin with. A restored partition keeps its own.
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
#[non_exhaustive]
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
    /// The log lacks entries: its store came back from an old dump, or a crash came between. Append them before
    /// anything else.
    Ahead {
        /// Read this last entry of the log and replay it first, unless it is 0: another than the replica's own is
        /// a fork, and nothing must be appended to it.
        verify: u64,
        /// The entries, in order. Where one is there already, read and replay it.
        entries: Vec<SealedEntry>,
    },
}

/// One HSM's copy of a partition. See the crate's head for how its parts are called in turn.
///
/// A call that fails with [`ClusterError::Halted`] has found something that no sound log has, or was made after
/// that. The node then stops serving and writes a [`checkpoint`](Self::checkpoint), so that the reason stays.
pub struct Replica<M> {
    me: Identity,
    family: Family,
    ledger: Ledger<M>,
    /// What was proposed last and is not decided.
    under_way: Option<SealedEntry>,
    /// The first entry, until it is in the log: only this HSM has the keys.
    founding: Option<SealedEntry>,
    /// What a joiner's log must have in it before the joiner believes it.
    must_pass: Option<Head>,
    tail: Tail,
    /// What the next progress begins with: entries that were applied by a call that then failed.
    progress: Progress,
    unsaved: Unsaved,
    halt: Option<Halt>,
}

/// What the last checkpoint does not have.
#[derive(Default)]
struct Unsaved {
    entries: u64,
    bytes: usize,
    /// Something that is not in the tail's file either.
    more: bool,
}

impl<M: Machine> Replica<M> {
    /// Founds a partition. Only this HSM has its key: write a [`checkpoint`](Self::checkpoint) first, then
    /// append the entry. Nothing is founded before that is done.
    pub fn found(
        identity: Identity,
        founding: Founding,
        machine: M,
        now_ms: i64,
    ) -> Result<(Self, SealedEntry), ClusterError> {
        let Founding { partition, device_root, fleet_half, level, effects } = founding;
        if device_root.len() > MAX_DEVICE_ROOT || effects.len() > MAX_EFFECTS {
            return Err(ClusterError::TooLarge);
        }
        if level > identity.supports {
            return Err(ClusterError::Level(level));
        }
        let mut ring = KeyRing::default();
        ring.push(EpochKeys::generated(Era { partition, incarnation: 1, epoch: 1 })?);
        let family = Family { key: strongroom_crypto::random::key256()?, fleet_half };
        let ledger = Ledger::new(partition, 1, ring, machine, identity.supports);
        let body = Body::Found { level, device_root, founder: identity.as_member()?, effects };
        Self::begin(identity, family, ledger, body, now_ms)
    }

    /// A replica whose first entry is to be appended.
    pub(crate) fn begin(
        me: Identity,
        family: Family,
        ledger: Ledger<M>,
        body: Body,
        now_ms: i64,
    ) -> Result<(Self, SealedEntry), ClusterError> {
        let mut replica = Self::new(me, family, ledger);
        let entry = replica.seal(body, now_ms)?;
        replica.founding = Some(entry.clone());
        replica.unsaved.more = true;
        Ok((replica, entry))
    }

    pub(crate) fn new(me: Identity, family: Family, ledger: Ledger<M>) -> Self {
        Self {
            me,
            family,
            ledger,
            under_way: None,
            founding: None,
            must_pass: None,
            tail: Tail::default(),
            progress: Progress::default(),
            unsaved: Unsaved::default(),
            halt: None,
        }
    }

    /// Seals an entry for the next place and puts it under way.
    fn seal(&mut self, body: Body, now_ms: i64) -> Result<SealedEntry, ClusterError> {
        let log_key = self.ledger.keys().and_then(|keys| keys.log.as_ref());
        let log_key = log_key.ok_or(ClusterError::NotMember)?;
        let entry = Entry { time_ms: now_ms.max(self.ledger.state.time_ms), body };
        let bytes = Header::after(&self.ledger.head).seal(self.ledger.partition, log_key, &entry)?;
        if bytes.len() > MAX_ENTRY {
            return Err(ClusterError::TooLarge);
        }
        let hash = strongroom_crypto::digest::sha256(&bytes);
        let entry = SealedEntry { sequence: self.ledger.head.sequence + 1, hash, bytes };
        self.under_way = Some(entry.clone());
        Ok(entry)
    }

    /// The store says that the entry under way is in the log.
    pub fn appended(&mut self) -> Result<Progress, ClusterError> {
        self.sound()?;
        let entry = self.under_way.clone().ok_or(ClusterError::NothingProposed)?;
        self.take(entry.sequence, &entry.bytes)?;
        Ok(std::mem::take(&mut self.progress))
    }

    /// Takes entries that the store gave for the places from `first` on. Those that the replica has already are
    /// compared with its own. What was under way is decided by the first new entry.
    ///
    /// A call that fails in the middle has taken the entries before; what they need to be persisted comes with
    /// the next progress, or is in the next checkpoint.
    pub fn replay(&mut self, first: u64, entries: &[impl AsRef<[u8]>]) -> Result<Progress, ClusterError> {
        self.sound()?;
        let expected = self.ledger.head.sequence + 1;
        if first == 0 || first > expected {
            return Err(ClusterError::Gap { expected });
        }
        for (sequence, entry) in (first..).zip(entries) {
            self.take(sequence, entry.as_ref())?;
        }
        Ok(std::mem::take(&mut self.progress))
    }

    /// The entry of a restore that is not in the log yet.
    fn restoring(&self) -> Option<&SealedEntry> {
        self.founding.as_ref().filter(|_| self.ledger.restoring.is_some())
    }

    fn take(&mut self, sequence: u64, bytes: &[u8]) -> Result<(), ClusterError> {
        if let Some(own) = self.restoring()
            && own.sequence == sequence
            && own.bytes != bytes
        {
            return Err(ClusterError::Superseded);
        }
        match self.ledger.take(Some(&self.me), sequence, bytes) {
            Ok(Taken::Known) => Ok(()),
            Ok(Taken::Applied { hash, events }) => {
                self.founding = None;
                if let Some(own) = self.under_way.take() {
                    self.progress.own = Some(if own.hash == hash { Own::Landed } else { Own::Lost });
                }
                self.progress.applied += 1;
                self.progress.events.extend(events);
                write_record(&mut self.progress.persist, bytes, &hash);
                self.unsaved.entries += 1;
                self.unsaved.bytes += bytes.len();
                self.tail.push(SealedEntry { sequence, hash, bytes: bytes.to_vec() });
                self.pass()
            }
            Err(Stop::Halt(halt)) => Err(self.stand_still(halt)),
            Err(Stop::NoKey { epoch }) => Err(ClusterError::NoKey { epoch }),
            Err(Stop::NeedsSnapshot) => Err(ClusterError::NeedsSnapshot { expected: sequence }),
        }
    }

    /// Compares a joiner's log with its invitation, once it is that long.
    fn pass(&mut self) -> Result<(), ClusterError> {
        let Some(must) = self.must_pass.filter(|must| must.sequence <= self.ledger.head.sequence) else {
            return Ok(());
        };
        match self.ledger.state.trail.trace(must.sequence, &must.hash) {
            Trace::Same => {
                self.must_pass = None;
                self.unsaved.more = true;
                Ok(())
            }
            Trace::Other => Err(self.stand_still(Halt::Forked { sequence: must.sequence })),
            Trace::Beyond => Err(ClusterError::SnapshotPlace),
        }
    }

    /// Tells where the replica stands against the log, which was asked just now: an answer from before the last
    /// append would make it give back entries that were never lost, though that does no harm.
    ///
    /// A log that lost more entries than the replica keeps makes it halt.
    pub fn observe(&mut self, log: Extent) -> Result<Standing, ClusterError> {
        self.sound()?;
        let own = self.ledger.head.sequence;
        if let Some(restore) = self.restoring()
            && log.last > 0
            && (log.last + 1 < restore.sequence || log.first > restore.sequence)
        {
            return Err(ClusterError::Superseded);
        }
        if let Some(founding) = self.founding.as_ref().filter(|founding| log.last < founding.sequence) {
            return Ok(Standing::Ahead { verify: log.last, entries: vec![founding.clone()] });
        }
        if log.last > own {
            let from = own + 1;
            // What a restored log begins with is a state that is not in it; only who restores has that.
            let begins_within =
                own == 0 && self.ledger.head.incarnation > 1 && self.ledger.restoring.is_none();
            return if log.first > from || begins_within {
                Err(ClusterError::NeedsSnapshot { expected: from })
            } else {
                Ok(Standing::Behind { from })
            };
        }
        if log.last == own {
            return Ok(Standing::Level);
        }
        match self.tail.after(log.last, own) {
            Some(entries) => Ok(Standing::Ahead { verify: log.last, entries }),
            None => Err(self.stand_still(Halt::Truncated { own, log: log.last })),
        }
    }

    /// Gives the first reply of a command that is done, if that is not too long ago ([`KNOWN_MS`](crate::KNOWN_MS));
    /// it is empty when the command is still known but its reply is not kept any more.
    #[must_use]
    pub fn known(&self, id: &CommandId) -> Option<&[u8]> {
        self.ledger.state.known.get(id)
    }

    /// Whether the tail has become long enough for a new checkpoint, or something changed that is not in it.
    #[must_use]
    pub fn checkpoint_due(&self) -> bool {
        let Unsaved { entries, bytes, more } = self.unsaved;
        more || entries >= CHECKPOINT_ENTRIES || bytes >= CHECKPOINT_BYTES
    }

    /// The place up to which the replica has applied the log.
    #[must_use]
    pub fn head(&self) -> Head {
        self.ledger.head
    }

    /// The partition.
    #[must_use]
    pub fn partition(&self) -> PartitionId {
        self.ledger.partition
    }

    /// The members, by name.
    pub fn members(&self) -> impl Iterator<Item = &Member> {
        self.ledger.state.members.values()
    }

    /// This HSM's name.
    #[must_use]
    pub fn id(&self) -> &MemberId {
        &self.me.member
    }

    /// Whether this replica is a member: it may serve and write.
    #[must_use]
    pub fn is_member(&self) -> bool {
        let me = self.ledger.state.members.get(&self.me.member);
        self.must_pass.is_none() && me.is_some_and(|me| me.public_key == self.me.secret.public_key())
    }

    /// The trust anchor for the devices of members.
    #[must_use]
    pub fn device_root(&self) -> &[u8] {
        &self.ledger.state.device_root
    }

    /// The cluster's feature level.
    #[must_use]
    pub fn feature_level(&self) -> u32 {
        self.ledger.state.level
    }

    /// The time of the last entry, in milliseconds since 1970.
    #[must_use]
    pub fn time_ms(&self) -> i64 {
        self.ledger.state.time_ms
    }

    /// The digest of all that is replicated: equal at all replicas with the same head.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        self.ledger.digest()
    }

    /// Why the replica stands still, if it does.
    #[must_use]
    pub fn halted(&self) -> Option<&Halt> {
        self.halt.as_ref()
    }

    /// The machine.
    #[must_use]
    pub fn machine(&self) -> &M {
        &self.ledger.machine
    }

    pub(crate) const fn ledger(&self) -> &Ledger<M> {
        &self.ledger
    }

    pub(crate) const fn family(&self) -> &Family {
        &self.family
    }

    fn sound(&self) -> Result<(), ClusterError> {
        self.halt.clone().map_or(Ok(()), |halt| Err(ClusterError::Halted(halt)))
    }

    pub(crate) fn serving(&self) -> Result<(), ClusterError> {
        self.sound()?;
        if self.is_member() { Ok(()) } else { Err(ClusterError::NotMember) }
    }

    fn stand_still(&mut self, halt: Halt) -> ClusterError {
        self.under_way = None;
        self.unsaved.more = true;
        self.halt = Some(halt.clone());
        ClusterError::Halted(halt)
    }
}

impl<M> fmt::Debug for Replica<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Replica")
            .field("me", &self.me.member)
            .field("head", &self.ledger.head)
            .field("halt", &self.halt)
            .finish_non_exhaustive()
    }
}

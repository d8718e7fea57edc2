//! Taking entries: every check that an entry must pass, and what it then does. A replica and the archive of a
//! backup both go through here.

use std::collections::BTreeMap;

use strongroom_crypto::digest::sha256;

use crate::entry::{Body, Entry, EntryError, Header, genesis};
use crate::keys::{EpochKeys, Era, KeyRing};
use crate::member::open_share;
use crate::state::{State, Trace};
use crate::{
    Command, Event, Halt, Head, Identity, MAX_DEVICE_CHAIN, MAX_EPOCHS, MAX_MEMBERS, Machine, Member,
    MemberId, PartitionId,
};

/// A copy of the partition, as far as the log was taken.
pub(crate) struct Ledger<M> {
    pub(crate) partition: PartitionId,
    pub(crate) head: Head,
    pub(crate) state: State,
    pub(crate) ring: KeyRing,
    pub(crate) machine: M,
    /// The highest feature level that this version has.
    pub(crate) supports: u32,
    /// The partition whose backup this is, until the entry of its restore was taken.
    pub(crate) restoring: Option<PartitionId>,
}

/// What came of an entry.
pub(crate) enum Taken {
    /// It was there already.
    Known,
    /// It was applied.
    Applied { hash: [u8; 32], events: Vec<Event> },
}

/// Why an entry is not taken.
pub(crate) enum Stop {
    /// The log, or a member, or this replica is not sound.
    Halt(Halt),
    /// The log goes on under a key that is not here.
    NoKey { epoch: u32 },
    /// The log begins with a state that is not in it.
    NeedsSnapshot,
}

impl From<Halt> for Stop {
    fn from(halt: Halt) -> Self {
        Self::Halt(halt)
    }
}

impl<M: Machine> Ledger<M> {
    /// A ledger before its first entry.
    pub(crate) fn new(
        partition: PartitionId,
        incarnation: u32,
        ring: KeyRing,
        mut machine: M,
        supports: u32,
    ) -> Self {
        machine.token_keys(&ring.token_keys());
        let head = Head { incarnation, epoch: 1, sequence: 0, hash: genesis(partition, incarnation) };
        Self { partition, head, state: State::empty(), ring, machine, supports, restoring: None }
    }

    /// The keys in force.
    pub(crate) fn keys(&self) -> Option<&EpochKeys> {
        self.ring.of(self.partition, self.head.incarnation, self.head.epoch)
    }

    /// The digest of all that is replicated.
    pub(crate) fn digest(&self) -> [u8; 32] {
        self.state.digest(&self.machine.digest())
    }

    /// Takes the bytes that the store gave for the place `expected`, which is at most the next one. `me` is none
    /// in an archive.
    pub(crate) fn take(&mut self, me: Option<&Identity>, expected: u64, bytes: &[u8]) -> Result<Taken, Stop> {
        let sequence = expected;
        let hash = sha256(bytes);
        let (header, sealed) = Header::read(bytes).map_err(|error| match error {
            EntryError::Format(format) => Halt::UnknownFormat { sequence, format },
            _ => Halt::Forged { sequence },
        })?;
        if expected <= self.head.sequence {
            return match self.state.trail.trace(expected, &hash) {
                Trace::Other => Err(self.impostor(&header, expected, sealed).into()),
                Trace::Same | Trace::Beyond => Ok(Taken::Known),
            };
        }
        if header.sequence != expected {
            return Err(self.impostor(&header, expected, sealed).into());
        }
        let Head { incarnation, epoch, .. } = self.head;
        if self.head.sequence == 0 && self.restoring.is_none() && header.incarnation < incarnation {
            // A joiner looks at what was before the restore.
            return Err(Stop::NeedsSnapshot);
        }
        if header.incarnation != incarnation {
            return Err(
                Halt::OtherIncarnation { sequence, own: incarnation, found: header.incarnation }.into()
            );
        }
        if header.epoch != epoch {
            return Err(Halt::OtherEpoch { sequence, own: epoch, found: header.epoch }.into());
        }
        let log_key = self.keys().and_then(|keys| keys.log.as_ref()).ok_or(Stop::NoKey { epoch })?;
        let entry = match header.open(self.partition, log_key, sealed) {
            Ok(entry) => entry,
            Err(EntryError::Sealed) => return Err(Halt::Forged { sequence }.into()),
            // Only a member can have written what follows, but on which past is to be looked at first.
            Err(_) if header.previous != self.head.hash => {
                return Err(Halt::Forked { sequence: self.head.sequence }.into());
            }
            Err(EntryError::Kind(kind)) => return Err(Halt::UnknownKind { sequence, kind }.into()),
            Err(_) => return Err(Halt::Unsound { sequence, rule: "its form".into() }.into()),
        };
        if header.previous != self.head.hash {
            return Err(Halt::Forked { sequence: self.head.sequence }.into());
        }
        let events = self.apply(me, sequence, entry)?;
        self.head.sequence = sequence;
        self.head.hash = hash;
        self.state.trail.push(sequence, &hash);
        Ok(Taken::Applied { hash, events })
    }

    /// Names what stands in a place where another entry is known to be, or was made for another place.
    fn impostor(&self, header: &Header, expected: u64, sealed: &[u8]) -> Halt {
        if header.sequence != expected {
            return Halt::Reordered { expected, found: header.sequence };
        }
        let genuine = self
            .ring
            .of(self.partition, header.incarnation, header.epoch)
            .and_then(|keys| keys.log.as_ref())
            .is_some_and(|log_key| header.is_genuine(self.partition, log_key, sealed));
        if genuine { Halt::Forked { sequence: expected } } else { Halt::Forged { sequence: expected } }
    }

    fn apply(&mut self, me: Option<&Identity>, sequence: u64, entry: Entry) -> Result<Vec<Event>, Stop> {
        let Entry { time_ms, body } = entry;
        if time_ms < self.state.time_ms {
            return unsound(sequence, "time goes on");
        }
        let begun = !self.state.members.is_empty();
        if begun == matches!(body, Body::Found { .. } | Body::Restore { .. }) {
            return if begun {
                unsound(sequence, "a partition begins once")
            } else {
                unsound(sequence, "a partition begins with being founded or restored")
            };
        }
        let events = match body {
            Body::Found { level, device_root, founder, effects } => {
                self.check_level(level)?;
                self.state.level = level;
                self.begin(sequence, time_ms, device_root, founder, &effects)?
            }
            Body::Restore { origin, digest, device_root, founder, effects } => {
                let Some(restoring) = self.restoring.take() else { return Err(Stop::NeedsSnapshot) };
                if restoring != origin || digest != self.digest() {
                    return Err(Halt::DigestMismatch { sequence }.into());
                }
                self.begin(sequence, time_ms, device_root, founder, &effects)?
            }
            Body::Batch(commands) => self.batch(sequence, time_ms, &commands)?,
            Body::Join(member) => self.join(me, sequence, member)?,
            Body::Turn { leaver, epoch, shares } => self.turn(me, sequence, leaver, epoch, &shares)?,
            Body::Snapshot(digest) => {
                if digest != self.digest() {
                    return Err(Halt::DigestMismatch { sequence }.into());
                }
                vec![Event::SnapshotVerified { sequence }]
            }
            Body::Support { member, level } => {
                let too_low = level < self.state.level;
                match self.state.members.get_mut(&member) {
                    Some(member) if !too_low => member.supports = level,
                    _ => return unsound(sequence, "members support the feature level"),
                }
                Vec::new()
            }
            Body::Level(level) => {
                let supported = self.state.members.values().all(|member| member.supports >= level);
                if level <= self.state.level || !supported {
                    return unsound(sequence, "the feature level rises to what every member supports");
                }
                self.check_level(level)?;
                self.state.level = level;
                vec![Event::FeatureLevel(level)]
            }
            Body::Retire { incarnation, epoch } => {
                self.ring.retire_before(incarnation, epoch);
                self.machine.token_keys(&self.ring.token_keys());
                vec![Event::Retired]
            }
        };
        self.state.time_ms = time_ms;
        Ok(events)
    }

    fn begin(
        &mut self,
        sequence: u64,
        time_ms: i64,
        device_root: Vec<u8>,
        founder: Member,
        effects: &[u8],
    ) -> Result<Vec<Event>, Stop> {
        self.state.device_root = device_root;
        self.state.members = BTreeMap::from([(founder.id.clone(), founder)]);
        if !effects.is_empty() {
            self.machine.apply(effects, time_ms).map_err(|_| Halt::MachineRefused { sequence })?;
        }
        Ok(vec![Event::Begun])
    }

    fn batch(&mut self, sequence: u64, time_ms: i64, commands: &[Command]) -> Result<Vec<Event>, Stop> {
        for command in commands {
            // No sound member proposes a command again that it knows, but one that takes effect twice is worse.
            if self.state.known.get(&command.id).is_some() {
                continue;
            }
            self.machine.apply(&command.effects, time_ms).map_err(|_| Halt::MachineRefused { sequence })?;
            self.state.known.insert(command.id, &command.reply, time_ms);
        }
        Ok(Vec::new())
    }

    fn join(&mut self, me: Option<&Identity>, sequence: u64, member: Member) -> Result<Vec<Event>, Stop> {
        if member.supports < self.state.level || member.device_chain.len() > MAX_DEVICE_CHAIN {
            return unsound(sequence, "members support the feature level");
        }
        // Our name with another's key: this HSM was given up and its name given away. (One that comes again reads
        // of its former self, whose name it has, but not the key.)
        let is_mine = |known: &Member, me: &Identity| known.public_key == me.secret.public_key();
        if let Some(me) = me.filter(|me| me.member == member.id)
            && self.state.members.get(&me.member).is_some_and(|known| is_mine(known, me))
            && !is_mine(&member, me)
        {
            return Err(Halt::Left { sequence }.into());
        }
        if self.state.former.contains(&member.public_key) {
            return unsound(sequence, "who is gone comes back with another key");
        }
        let (id, key) = (member.id.clone(), member.public_key.clone());
        if let Some(old) = self.state.members.insert(id.clone(), member)
            && old.public_key != key
        {
            self.state.former.insert(&old.public_key);
        }
        if self.state.members.len() > MAX_MEMBERS {
            return unsound(sequence, "a cluster has a greatest number of members");
        }
        Ok(vec![Event::Joined(id)])
    }

    fn turn(
        &mut self,
        me: Option<&Identity>,
        sequence: u64,
        leaver: Option<MemberId>,
        epoch: u32,
        shares: &[(MemberId, Vec<u8>)],
    ) -> Result<Vec<Event>, Stop> {
        let known_leaver = leaver.as_ref().is_none_or(|leaver| self.state.members.contains_key(leaver));
        let remaining = self.state.members.keys().filter(|id| Some(*id) != leaver.as_ref());
        if !known_leaver
            || self.head.epoch.checked_add(1) != Some(epoch)
            || !remaining.eq(shares.iter().map(|(id, _)| id))
        {
            return unsound(sequence, "a new epoch follows the old one and is for all remaining members");
        }
        let era = Era { partition: self.partition, incarnation: self.head.incarnation, epoch };
        // A joiner that replays what was before it has all keys from its invitation.
        if self.ring.of(era.partition, era.incarnation, era.epoch).is_none() {
            let me = me.ok_or(Stop::NoKey { epoch })?;
            if leaver.as_ref() == Some(&me.member) {
                return Err(Halt::Left { sequence }.into());
            }
            let share = shares.iter().find(|(id, _)| *id == me.member);
            let (_, sealed) = share.ok_or(Stop::NoKey { epoch })?;
            if self.ring.len() >= MAX_EPOCHS {
                return unsound(sequence, "old epochs are retired before new ones come");
            }
            let keys = open_share(self.partition, &self.head, me, epoch, sealed)
                .and_then(|root| EpochKeys::derived(era, root))
                .map_err(|_| Halt::Unsound { sequence, rule: "the new key is for every member".into() })?;
            self.ring.push(keys);
            self.machine.token_keys(&self.ring.token_keys());
        }
        let mut events = Vec::new();
        self.state.epochs.end(self.head.epoch, self.head.sequence, leaver.is_some());
        if let Some(leaver) = leaver {
            if let Some(gone) = self.state.members.remove(&leaver) {
                self.state.former.insert(&gone.public_key);
            }
            events.push(Event::Left(leaver));
        }
        self.head.epoch = epoch;
        events.push(Event::EpochTurned { epoch });
        Ok(events)
    }

    /// Whether this version has a feature level of the cluster.
    pub(crate) fn check_level(&self, level: u32) -> Result<(), Halt> {
        let supported = self.supports;
        if level > supported { Err(Halt::FeatureLevel { level, supported }) } else { Ok(()) }
    }
}

fn unsound<T>(sequence: u64, rule: &'static str) -> Result<T, Stop> {
    Err(Halt::Unsound { sequence, rule: rule.into() }.into())
}

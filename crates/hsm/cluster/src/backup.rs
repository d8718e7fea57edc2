//! Backups, and beginning again from one.
//!
//! `format (1 byte) || partition (16 bytes) || head || salted value`, with the name of the backup and all before as
//! associated data. The key is SP 800-108 of the fleet's half and the service's, so that neither the host nor the
//! service opens a backup alone.

use std::fmt;

use strongroom_crypto::kdf::sp800_108_counter_hmac_sha256;
use strongroom_crypto::{CryptoError, salted};
use strongroom_secret::{Key256, Secret, SecretBytes};

use crate::codec::{Malformed, Reader, Writer};
use crate::entry::{Body, Header, genesis};
use crate::keys::{EpochKeys, Era, Family, KeyRing, MAX_RING};
use crate::ledger::{Ledger, Stop, Taken};
use crate::member::{read_head, write_head};
use crate::snapshot::{read_state, write_state};
use crate::state::{Epochs, Former, Known, State, Trail};
use crate::{
    ClusterError, Founding, Halt, Head, Identity, MAX_DEVICE_ROOT, MAX_EFFECTS, MAX_EPOCHS, Machine,
    PartitionId, Replica, SealedEntry,
};

const FORMAT: u8 = 1;
const KEY_LABEL: &[u8] = b"strongroom/hsm/backup-key";
const LABEL: &[u8] = b"strongroom/hsm/backup";
/// How many incarnations a log may have gone through that a backup knows nothing of. What an entry says of itself
/// is not believed beyond.
const MOST_INCARNATIONS: u32 = 1_024;

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

impl BackupKey {
    fn derive(&self) -> Result<Key256, CryptoError> {
        let halves = Secret::<[u8; 64]>::filled(|halves| {
            halves[..32].copy_from_slice(self.fleet_half.expose());
            halves[32..].copy_from_slice(self.service_half.expose());
            Ok::<_, CryptoError>(())
        })?;
        let context = self.backup_id.as_bytes();
        Key256::filled(|key| sp800_108_counter_hmac_sha256(halves.expose(), KEY_LABEL, context, key))
    }

    fn associated_data(&self, outside: &[u8]) -> Vec<u8> {
        [outside, self.backup_id.as_bytes()].concat()
    }
}

fn write_outside(w: &mut Writer, partition: PartitionId, head: &Head) {
    w.u8(FORMAT).raw(&partition.0);
    write_head(w, head);
}

impl<M: Machine> Replica<M> {
    /// Makes a backup of the state at the head, under a key of two halves: the fleet's, which the partition has,
    /// and this one of the service. The backup has what key tokens are opened with and what the log after it is
    /// read with, until the epoch turns; it has no partition key.
    ///
    /// A replica that halted because the log lost too much ([`Halt::Truncated`]) still makes one: its own state
    /// is sound, and may be all that is left.
    pub fn backup(&self, backup_id: &str, service_half: &Key256) -> Result<Vec<u8>, ClusterError> {
        match self.serving() {
            Ok(()) | Err(ClusterError::Halted(Halt::Truncated { .. })) => {}
            Err(error) => return Err(error),
        }
        let Ledger { partition, head, state, ring, machine, .. } = self.ledger();
        let (ring, machine) = (ring.encode(true), machine.snapshot());
        let mut rest = Writer(Vec::with_capacity(machine.len()));
        write_state(&mut rest, state, &machine);
        // Room for all at once: growing would leave copies of the keys behind.
        let mut inside = Writer(Vec::with_capacity(2 * MAX_RING + rest.0.len()));
        inside.raw(self.family().key.expose()).bytes(ring.expose()).raw(&rest.0);
        let inside = SecretBytes::new(inside.0);

        let key = BackupKey {
            backup_id: backup_id.to_owned(),
            fleet_half: self.family().fleet_half.clone(),
            service_half: service_half.clone(),
        };
        let mut w = Writer(Vec::with_capacity(256 + inside.expose().len()));
        write_outside(&mut w, *partition, head);
        let aad = key.associated_data(&w.0);
        salted::seal_into(&key.derive()?, LABEL, &aad, inside.expose(), &mut w.0)?;
        Ok(w.0)
    }
}

/// The content of a backup, opened: the state of old, on which the log's tail can be replayed, if there is one.
/// It then becomes the first replica of a new incarnation.
pub struct Archive<M> {
    family_key: Key256,
    ledger: Ledger<M>,
    /// The end of its partition's log, where that is not its own, and the incarnation there.
    after: Option<(u64, u32)>,
    halt: Option<Halt>,
}

impl<M: Machine> Archive<M> {
    /// Opens a backup. `supports` is the highest feature level of this version ([`crate::FEATURE_LEVEL`]);
    /// `machine` is as it was before anything was applied.
    pub fn open(backup: &[u8], key: &BackupKey, supports: u32, machine: M) -> Result<Self, ClusterError> {
        let mut r = Reader::new(backup);
        let (partition, head) = read_outside(&mut r).map_err(|_| ClusterError::Backup)?;
        let sealed = r.rest();
        let aad = key.associated_data(&backup[..backup.len() - sealed.len()]);
        let inside = salted::open(&key.derive()?, LABEL, &aad, sealed).map_err(|_| ClusterError::Backup)?;
        let (family_key, ring, state, snapshot) =
            read_inside(inside.expose()).map_err(|_| ClusterError::Backup)?;
        let mut ledger = Ledger { partition, head, state, ring, machine, supports, restoring: None };
        ledger.check_level(ledger.state.level)?;
        ledger.machine.load(snapshot).map_err(|_| ClusterError::Machine)?;
        ledger.machine.token_keys(&ledger.ring.token_keys());
        Ok(Self { family_key, ledger, after: None, halt: None })
    }

    /// The partition that the backup is of.
    #[must_use]
    pub fn partition(&self) -> PartitionId {
        self.ledger.partition
    }

    /// The last entry that the archive has.
    #[must_use]
    pub fn head(&self) -> Head {
        self.ledger.head
    }

    /// The machine.
    #[must_use]
    pub fn machine(&self) -> &M {
        &self.ledger.machine
    }

    /// Replays entries of the log that the backup was made from, and gives how many were new. A change of epoch
    /// ends it with [`ClusterError::NoKey`], an earlier restore with [`ClusterError::LaterIncarnation`]: the keys
    /// after it are not in the backup. What was replayed before stays, and the archive can begin from there, after
    /// the [end](Self::begin_after) of the log. Anything worse halts it.
    pub fn replay(&mut self, first: u64, entries: &[impl AsRef<[u8]>]) -> Result<u64, ClusterError> {
        if let Some(halt) = &self.halt {
            return Err(ClusterError::Halted(halt.clone()));
        }
        let expected = self.ledger.head.sequence + 1;
        if first == 0 || first > expected {
            return Err(ClusterError::Gap { expected });
        }
        let mut applied = 0;
        for (sequence, entry) in (first..).zip(entries) {
            match self.ledger.take(None, sequence, entry.as_ref()) {
                Ok(Taken::Known) => {}
                Ok(Taken::Applied { .. }) => applied += 1,
                Err(Stop::NoKey { epoch }) => return Err(ClusterError::NoKey { epoch }),
                Err(Stop::NeedsSnapshot) => return Err(ClusterError::NeedsSnapshot { expected: sequence }),
                Err(Stop::Halt(Halt::OtherIncarnation { own, found, .. })) if found > own => {
                    return Err(ClusterError::LaterIncarnation { incarnation: found });
                }
                Err(Stop::Halt(halt)) => {
                    self.halt = Some(halt.clone());
                    return Err(ClusterError::Halted(halt));
                }
            }
        }
        Ok(applied)
    }

    /// Has the partition begin again after the entry at `last`, the end of its log as the store has it: entries up
    /// to there that the archive has not replayed are lost, and stay where they are, so that nobody who is of the
    /// past can append there.
    ///
    /// The entry only says in which incarnation it was made, so that the next one is another.
    pub fn begin_after(&mut self, last: u64, entry: &[u8]) {
        let own = self.ledger.head.incarnation;
        let incarnation = Header::read(entry).map_or(own, |(header, _)| header.incarnation);
        self.after = Some((last, incarnation.clamp(own, own.saturating_add(MOST_INCARNATIONS))));
    }

    /// Begins a new incarnation in `founding.partition`: the same one, whose log then goes on after the archive's
    /// last entry or [another](Self::begin_after), or a clone with a log of its own. The restored state's members
    /// are gone, this HSM is the only one; its epoch's key is new, and the old ones stay for key tokens only.
    ///
    /// As with [`Replica::found`]: write a checkpoint before the entry is appended.
    pub fn begin(
        self,
        identity: Identity,
        founding: Founding,
        now_ms: i64,
    ) -> Result<(Replica<M>, SealedEntry), ClusterError> {
        let Self { family_key, mut ledger, after, halt } = self;
        if let Some(halt) = halt {
            return Err(ClusterError::Halted(halt));
        }
        let Founding { partition, device_root, fleet_half, effects, .. } = founding;
        if device_root.len() > MAX_DEVICE_ROOT || effects.len() > MAX_EFFECTS {
            return Err(ClusterError::TooLarge);
        }
        let former = after.map_or(ledger.head.incarnation, |(_, incarnation)| incarnation);
        let incarnation = former.checked_add(1).ok_or(ClusterError::Full("incarnations"))?;
        if ledger.ring.len() >= MAX_EPOCHS {
            return Err(ClusterError::Full("epochs"));
        }
        let origin = ledger.partition;
        ledger.ring.keep_tokens_only();
        ledger.ring.push(EpochKeys::generated(Era { partition, incarnation, epoch: 1 })?);
        ledger.machine.token_keys(&ledger.ring.token_keys());
        ledger.state.members.clear();
        ledger.state.trail = Trail::default();
        ledger.state.epochs = Epochs::default();
        ledger.head.incarnation = incarnation;
        ledger.head.epoch = 1;
        if partition != origin {
            ledger.state.known = Known::default();
            ledger.state.former = Former::default();
            ledger.partition = partition;
            ledger.head.sequence = 0;
            ledger.head.hash = genesis(partition, incarnation);
        } else if let Some((last, _)) = after {
            ledger.head.sequence = last;
        }
        ledger.restoring = Some(origin);
        ledger.supports = identity.supports;
        ledger.check_level(ledger.state.level)?;
        let digest = ledger.digest();
        let body = Body::Restore { origin, digest, device_root, founder: identity.as_member()?, effects };
        let family = Family { key: family_key, fleet_half };
        Replica::begin(identity, family, ledger, body, now_ms)
    }
}

impl<M> fmt::Debug for Archive<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Archive").field("head", &self.ledger.head).finish_non_exhaustive()
    }
}

fn read_outside(r: &mut Reader<'_>) -> Result<(PartitionId, Head), Malformed> {
    if r.u8()? != FORMAT {
        return Err(Malformed);
    }
    Ok((PartitionId(r.array()?), read_head(r)?))
}

fn read_inside(inside: &[u8]) -> Result<(Key256, KeyRing, State, &[u8]), Malformed> {
    let mut r = Reader::new(inside);
    let family_key = Key256::new(r.array()?);
    let ring = KeyRing::decode(r.bytes(MAX_RING)?)?;
    let (state, snapshot) = read_state(&mut r)?;
    r.end()?;
    Ok((family_key, ring, state, snapshot))
}

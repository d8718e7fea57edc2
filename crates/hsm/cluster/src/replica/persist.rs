//! What an HSM keeps in its own files: a sealed checkpoint, and the tail of entries since.
//!
//! A checkpoint is `format (1 byte) || salted value under the device's key`.

use strongroom_crypto::salted;
use strongroom_secret::{Key256, SecretBytes};

use super::{Progress, Replica, Unsaved};
use crate::codec::{Malformed, Reader, Writer};
use crate::entry::{Header, read_member_id};
use crate::halt::{read_halt, write_halt};
use crate::keys::{Family, KeyRing, MAX_RING};
use crate::ledger::Ledger;
use crate::member::{read_head, write_head};
use crate::tail::{Tail, read_record, read_sealed};
use crate::{
    ClusterError, Halt, Head, Identity, MAX_DEVICE_CHAIN, MAX_SNAPSHOT, Machine, MemberSecret, PartitionId,
};

const FORMAT: u8 = 1;
const LABEL: &[u8] = b"strongroom/hsm/checkpoint";
/// More than the identity and the keys need.
const KEYS_ROOM: usize = 2 * MAX_RING + MAX_DEVICE_CHAIN;

/// What a replica finds in its own files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recovered {
    /// Its head.
    pub head: Head,
    /// How many bytes at the end of the tail's file are not a whole record: a crash cut them. The file is to be
    /// made so much shorter before anything is added.
    pub torn: usize,
}

/// Writes something that may be missing.
fn write_option<T>(w: &mut Writer, value: Option<&T>, write: impl FnOnce(&mut Writer, &T)) {
    match value {
        None => {
            w.u8(0);
        }
        Some(value) => write(w.u8(1), value),
    }
}

fn read_option<'a, T>(
    r: &mut Reader<'a>,
    read: impl FnOnce(&mut Reader<'a>) -> Result<T, Malformed>,
) -> Result<Option<T>, Malformed> {
    match r.u8()? {
        0 => Ok(None),
        1 => read(r).map(Some),
        _ => Err(Malformed),
    }
}

impl<M: Machine> Replica<M> {
    /// Writes all that the HSM must keep, sealed under its device's key. Once it has taken the old one's place in
    /// the HSM's files, durably, the file of the tail begins anew; the other order would lose what the HSM has
    /// acknowledged. Works when halted, too, and keeps the reason.
    pub fn checkpoint(&mut self, device_key: &Key256) -> Result<Vec<u8>, ClusterError> {
        let machine = self.ledger.machine.snapshot();
        let (ring, family) = (self.ledger.ring.encode(false), self.family.encode());
        let secret = self.me.secret.to_bytes()?;
        let mut rest = Writer(Vec::with_capacity(machine.len() + self.tail.bytes()));
        write_option(&mut rest, self.ledger.restoring.as_ref(), |w, origin| {
            w.raw(&origin.0);
        });
        write_option(&mut rest, self.must_pass.as_ref(), write_head);
        write_option(&mut rest, self.halt.as_ref(), write_halt);
        write_option(&mut rest, self.founding.as_ref(), |w, entry| {
            w.u64(entry.sequence).bytes(&entry.bytes);
        });
        write_head(&mut rest, &self.ledger.head);
        self.ledger.state.write(&mut rest);
        rest.bytes(&machine);
        self.tail.write(&mut rest);

        // Room for all at once: growing would leave copies of the keys behind.
        let mut w = Writer(Vec::with_capacity(KEYS_ROOM + rest.0.len()));
        w.bytes(self.me.member.as_str().as_bytes()).raw(secret.expose()).bytes(&self.me.device_chain);
        w.raw(&self.ledger.partition.0).bytes(ring.expose()).bytes(family.expose()).raw(&rest.0);
        let inside = SecretBytes::new(w.0);

        let mut checkpoint = vec![FORMAT];
        salted::seal_into(device_key, LABEL, &[FORMAT], inside.expose(), &mut checkpoint)?;
        self.unsaved = Unsaved::default();
        self.progress = Progress::default();
        Ok(checkpoint)
    }

    /// Begins again from the HSM's own files. The replica may find itself halted, as it was, or because of what
    /// its files say. `supports` is the highest feature level of this version ([`crate::FEATURE_LEVEL`]).
    pub fn recover(
        device_key: &Key256,
        checkpoint: &[u8],
        tail: &[u8],
        supports: u32,
        machine: M,
    ) -> Result<(Self, Recovered), ClusterError> {
        let Some((&FORMAT, sealed)) = checkpoint.split_first() else { return Err(ClusterError::Checkpoint) };
        let inside =
            salted::open(device_key, LABEL, &[FORMAT], sealed).map_err(|_| ClusterError::Checkpoint)?;
        let read = Self::read(inside.expose(), supports, machine).map_err(|_| ClusterError::Checkpoint)?;
        let (mut replica, snapshot) = read;
        replica.ledger.machine.load(snapshot).map_err(|_| ClusterError::Machine)?;
        replica.ledger.machine.token_keys(&replica.ledger.ring.token_keys());
        // The one halt that ends: it says that another version is needed, and nothing had been applied.
        if matches!(replica.halt, Some(Halt::FeatureLevel { level, .. }) if level <= supports) {
            replica.halt = None;
        }
        if replica.halt.is_none()
            && let Err(halt) = replica.ledger.check_level(replica.ledger.state.level)
        {
            let _halted = replica.stand_still(halt);
        }
        let torn = replica.take_tail(tail)?;
        let recovered = Recovered { head: replica.ledger.head, torn };
        Ok((replica, recovered))
    }

    /// Takes what the file of the tail has beyond the checkpoint; gives how many bytes at its end are torn.
    fn take_tail(&mut self, mut file: &[u8]) -> Result<usize, ClusterError> {
        while self.halt.is_none() {
            let Some(entry) = read_record(&mut file) else { break };
            let (header, _) = Header::read(entry).map_err(|_| ClusterError::Checkpoint)?;
            let next = self.ledger.head.sequence + 1;
            if header.sequence > next {
                return Err(ClusterError::Checkpoint);
            }
            if header.sequence == next {
                match self.take(next, entry) {
                    Ok(()) | Err(ClusterError::Halted(_)) => {}
                    Err(error) => return Err(error),
                }
            }
        }
        self.progress = Progress::default();
        Ok(if self.halt.is_none() { file.len() } else { 0 })
    }

    /// Reads the inside of a checkpoint; gives the machine's snapshot apart.
    fn read(inside: &[u8], supports: u32, machine: M) -> Result<(Self, &[u8]), Malformed> {
        let mut r = Reader::new(inside);
        let member = read_member_id(&mut r)?;
        let secret = MemberSecret::from_bytes(&Key256::new(r.array()?)).map_err(|_| Malformed)?;
        let device_chain = r.bytes(MAX_DEVICE_CHAIN)?.to_vec();
        let partition = PartitionId(r.array()?);
        let ring = KeyRing::decode(r.bytes(MAX_RING)?)?;
        let family = Family::decode(r.bytes(MAX_RING)?)?;

        let restoring = read_option(&mut r, |r| r.array().map(PartitionId))?;
        let must_pass = read_option(&mut r, read_head)?;
        let halt = read_option(&mut r, read_halt)?;
        let founding = read_option(&mut r, read_sealed)?;
        let head = read_head(&mut r)?;
        let state = crate::state::State::read(&mut r)?;
        let snapshot = r.bytes(MAX_SNAPSHOT)?;
        let tail = Tail::read(&mut r)?;
        r.end()?;

        let me = Identity { member, secret, device_chain, supports };
        let ledger = Ledger { partition, head, state, ring, machine, supports, restoring };
        let mut replica = Self::new(me, family, ledger);
        replica.under_way.clone_from(&founding);
        replica.founding = founding;
        replica.must_pass = must_pass;
        replica.halt = halt;
        replica.tail = tail;
        Ok((replica, snapshot))
    }
}

//! Sealed snapshots: the whole state at a place of the log, for those who cannot replay all of it.
//!
//! `format (1 byte) || head || salted value under the epoch's snapshot key`, with partition, format and head as
//! associated data.

use strongroom_crypto::salted;
use strongroom_secret::SecretBytes;

use super::Replica;
use crate::codec::{Malformed, Reader, Writer};
use crate::keys::KeyRing;
use crate::ledger::Ledger;
use crate::member::{Invitation, read_head, write_head};
use crate::state::{State, Trace};
use crate::tail::Tail;
use crate::{ClusterError, Halt, Head, Identity, MAX_SNAPSHOT, Machine, PartitionId};

const FORMAT: u8 = 1;
const LABEL: &[u8] = b"strongroom/hsm/snapshot";

/// Writes the state as snapshots and backups have it.
pub(crate) fn write_state(w: &mut Writer, state: &State, machine: &[u8]) {
    state.write(w);
    w.bytes(machine);
}

/// Reads it; gives the machine's part apart.
pub(crate) fn read_state<'a>(r: &mut Reader<'a>) -> Result<(State, &'a [u8]), Malformed> {
    let state = State::read(r)?;
    let machine = r.bytes(MAX_SNAPSHOT)?;
    Ok((state, machine))
}

fn associated_data(partition: PartitionId, head: &Head) -> Vec<u8> {
    let mut w = Writer::default();
    w.raw(&partition.0).u8(FORMAT);
    write_head(&mut w, head);
    w.0
}

/// Opens a sealed snapshot.
fn open(ring: &KeyRing, partition: PartitionId, snapshot: &[u8]) -> Result<(Head, SecretBytes), Malformed> {
    let mut r = Reader::new(snapshot);
    if r.u8()? != FORMAT {
        return Err(Malformed);
    }
    let head = read_head(&mut r)?;
    let keys = ring.of(partition, head.incarnation, head.epoch).ok_or(Malformed)?;
    let key = keys.snapshot().ok_or(Malformed)?;
    let inside =
        salted::open(key, LABEL, &associated_data(partition, &head), r.rest()).map_err(|_| Malformed)?;
    Ok((head, inside))
}

impl<M: Machine> Replica<M> {
    /// Seals the whole state at the head, for joiners and for members that were away for long.
    pub fn sealed_snapshot(&self) -> Result<Vec<u8>, ClusterError> {
        self.serving()?;
        let Ledger { partition, head, state, machine, .. } = &self.ledger;
        let key = self.ledger.keys().and_then(|keys| keys.snapshot()).ok_or(ClusterError::NotMember)?;
        let mut inside = Writer::default();
        write_state(&mut inside, state, &machine.snapshot());
        let inside = SecretBytes::new(inside.0);
        let mut w = Writer(Vec::with_capacity(128 + inside.expose().len()));
        w.u8(FORMAT);
        write_head(&mut w, head);
        salted::seal_into(key, LABEL, &associated_data(*partition, head), inside.expose(), &mut w.0)?;
        Ok(w.0)
    }

    /// Takes a sealed snapshot in the place of entries that the log no longer has. What the replica has must be
    /// in the snapshot's past, or it was forked and halts. Write a checkpoint before anything is added to the
    /// tail's file.
    ///
    /// A snapshot that does not open or cannot be compared changes nothing.
    pub fn catch_up(&mut self, snapshot: &[u8]) -> Result<(), ClusterError> {
        self.sound()?;
        let (head, inside) =
            open(&self.ledger.ring, self.ledger.partition, snapshot).map_err(|_| ClusterError::Snapshot)?;
        let own = self.ledger.head;
        if head.incarnation != own.incarnation || head.sequence <= own.sequence {
            return Err(ClusterError::SnapshotPlace);
        }
        let mut r = Reader::new(inside.expose());
        let (state, machine) = read_state(&mut r).map_err(|_| ClusterError::Snapshot)?;
        r.end().map_err(|_| ClusterError::Snapshot)?;
        let past = [(own.sequence, own.hash)].into_iter().filter(|(sequence, _)| *sequence > 0);
        let must = self.must_pass.filter(|must| must.sequence <= head.sequence);
        for (sequence, hash) in past.chain(must.map(|must| (must.sequence, must.hash))) {
            match state.trail.trace(sequence, &hash) {
                Trace::Same => {}
                Trace::Other => return Err(self.stand_still(Halt::Forked { sequence })),
                Trace::Beyond => return Err(ClusterError::SnapshotPlace),
            }
        }
        // From here on the old state is gone: a machine that does not take the new one leaves nothing to serve.
        if self.ledger.machine.load(machine).is_err() {
            return Err(self.stand_still(Halt::MachineRefused { sequence: head.sequence }));
        }
        self.ledger.state = state;
        self.ledger.head = head;
        self.ledger.machine.token_keys(&self.ledger.ring.token_keys());
        self.under_way = None;
        self.tail = Tail::default();
        self.unsaved.more = true;
        self.ledger.check_level(self.ledger.state.level).map_err(|halt| self.stand_still(halt))?;
        self.pass()
    }

    /// Begins as a joiner with an invitation, on a sealed snapshot that a member made, or, while the log still
    /// has its first entry, on none. The replica becomes a member by replaying its Join entry, and believes no
    /// log that is not the one of the invitation. `machine` is as it was before anything was applied.
    ///
    /// The log may go on between the invitation and the snapshot; when the keys changed meanwhile, the snapshot
    /// does not open: ask to join again.
    pub fn join(
        identity: Identity,
        partition: PartitionId,
        invitation: &[u8],
        snapshot: Option<&[u8]>,
        machine: M,
    ) -> Result<Self, ClusterError> {
        let Invitation { head, ring, family } =
            Invitation::open(invitation, partition, &identity).map_err(|_| ClusterError::Invitation)?;
        let ledger = Ledger::new(partition, head.incarnation, ring, machine, identity.supports);
        let mut replica = Self::new(identity, family, ledger);
        replica.must_pass = Some(head);
        replica.unsaved.more = true;
        if let Some(snapshot) = snapshot {
            replica.catch_up(snapshot)?;
        }
        Ok(replica)
    }
}

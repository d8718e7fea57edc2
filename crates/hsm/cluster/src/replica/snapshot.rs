//! Going on from a sealed snapshot instead of entries.

use super::Replica;
use crate::codec::Reader;
use crate::ledger::Ledger;
use crate::member::Invitation;
use crate::snapshot::{Sealed, read_state, seal};
use crate::state::Trace;
use crate::tail::Tail;
use crate::{ClusterError, Halt, Identity, Machine, PartitionId};

impl<M: Machine> Replica<M> {
    /// Seals the whole state at the head, for joiners and for members that were away for long. It carries the keys
    /// for those who are members now, and nobody else.
    pub fn sealed_snapshot(&self) -> Result<Vec<u8>, ClusterError> {
        self.serving()?;
        Ok(seal(&self.ledger)?)
    }

    /// Takes a sealed snapshot in the place of entries that the log no longer has. What the replica has must be
    /// in the snapshot's past, or it was forked and halts. Write a checkpoint before anything is added to the
    /// tail's file.
    ///
    /// A snapshot that does not open or cannot be compared changes nothing.
    pub fn catch_up(&mut self, snapshot: &[u8]) -> Result<(), ClusterError> {
        self.sound()?;
        let sealed = Sealed::read(snapshot).map_err(|_| ClusterError::Snapshot)?;
        let (head, partition) = (sealed.head, self.ledger.partition);
        let handed_over = sealed.ring_for(partition, &self.me, &self.ledger.ring);
        let ring = handed_over.as_ref().unwrap_or(&self.ledger.ring);
        let inside = sealed.open(partition, ring).map_err(|_| ClusterError::Snapshot)?;
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
        if let Some(ring) = handed_over {
            self.ledger.ring = ring;
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
    /// The log may go on between the invitation and the snapshot.
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

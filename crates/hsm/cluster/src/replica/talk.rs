//! What a replica says to clients and to clones: cursors, and objects sealed for the family.

use strongroom_crypto::salted;
use strongroom_secret::SecretBytes;

use super::Replica;
use crate::cursor::{Cursor, read_cursor};
use crate::state::Trace;
use crate::{Admit, ClusterError, Halt, MAX_EXPORT, MAX_EXPORT_CONTEXT, Machine};

const FAMILY_LABEL: &[u8] = b"strongroom/hsm/family";

impl<M: Machine> Replica<M> {
    /// Gives the cursor of the head, to be sent with every reply. It has [`crate::CURSOR_LENGTH`] bytes.
    pub fn cursor(&self) -> Result<Vec<u8>, ClusterError> {
        self.serving()?;
        let key = self.ledger.keys().and_then(|keys| keys.cursor()).ok_or(ClusterError::NotMember)?;
        Ok(Cursor(self.ledger.head).encode(self.ledger.partition, key))
    }

    /// Judges the cursor that a client shows; an empty one is that of a client that has seen nothing.
    ///
    /// One that contradicts the replica's log halts it: two logs are in the world, and nobody here can know which
    /// one is right. Not so if an HSM that left could have made the cursor ([`Admit::Disputed`]): a former member
    /// must not be able to stop the cluster. [`ClusterError::Cursor`] is a cursor of another cluster or
    /// incarnation, of a retired epoch, of an epoch's key but not of its time, or none at all.
    pub fn admit(&mut self, cursor: &[u8]) -> Result<Admit, ClusterError> {
        self.serving()?;
        if cursor.is_empty() {
            return Ok(Admit::Served);
        }
        let (Cursor(seen), tag) = read_cursor(cursor).map_err(|_| ClusterError::Cursor)?;
        let own = self.ledger.head;
        if seen.incarnation != own.incarnation || seen.sequence == 0 {
            return Err(ClusterError::Cursor);
        }
        let keys = self.ledger.ring.of(self.ledger.partition, seen.incarnation, seen.epoch);
        let Some(key) = keys.and_then(|keys| keys.cursor()) else {
            // Of an epoch that has not come yet: what it says cannot be checked before the log is there.
            let ahead = seen.epoch > own.epoch && seen.sequence > own.sequence;
            return if ahead { Ok(Admit::Behind(seen.sequence)) } else { Err(ClusterError::Cursor) };
        };
        Cursor(seen).verify(self.ledger.partition, key, tag).map_err(|_| ClusterError::Cursor)?;
        let epochs = &self.ledger.state.epochs;
        if seen.epoch < own.epoch && epochs.last_of(seen.epoch).is_none_or(|last| seen.sequence > last) {
            return Err(ClusterError::Cursor);
        }
        if seen.sequence > own.sequence {
            return Ok(Admit::Behind(seen.sequence));
        }
        Ok(match self.ledger.state.trail.trace(seen.sequence, &seen.hash) {
            Trace::Same => Admit::Served,
            Trace::Beyond => Admit::Expired,
            Trace::Other if epochs.are_known_outside(seen.epoch) => Admit::Disputed,
            Trace::Other => {
                let _halted = self.stand_still(Halt::Forked { sequence: seen.sequence });
                Admit::Forked
            }
        })
    }

    /// Seals an object for all clones of this partition; they open it only with the same context.
    pub fn seal_for_family(&self, context: &[u8], object: &[u8]) -> Result<Vec<u8>, ClusterError> {
        self.serving()?;
        if object.len() > MAX_EXPORT || context.len() > MAX_EXPORT_CONTEXT {
            return Err(ClusterError::ExportTooLarge);
        }
        let mut sealed = Vec::with_capacity(salted::OVERHEAD + object.len());
        salted::seal_into(&self.family.key, FAMILY_LABEL, context, object, &mut sealed)?;
        Ok(sealed)
    }

    /// Opens an object that this partition or a clone of it sealed with the same context.
    pub fn open_from_family(&self, context: &[u8], sealed: &[u8]) -> Result<SecretBytes, ClusterError> {
        self.serving()?;
        if sealed.len() > MAX_EXPORT + salted::OVERHEAD || context.len() > MAX_EXPORT_CONTEXT {
            return Err(ClusterError::ExportTooLarge);
        }
        salted::open(&self.family.key, FAMILY_LABEL, context, sealed).map_err(|_| ClusterError::Export)
    }
}

//! The form of sealed snapshots: the whole state at a place of the log, for those who cannot replay all of it.
//!
//! ```text
//! format                          1 byte
//! head                            incarnation, epoch, sequence, hash
//! the keys, for each member       count; name, all keys sealed for it (HPKE, bound to partition, head and name)
//! who may believe them            count; epoch, HMAC-SHA-256 under that epoch's hand-over key over all before
//! the state                       salted value under the epoch's snapshot key; associated data: partition and all
//!                                 of the above
//! ```
//!
//! A member that was away while the epoch turned, and comes back when the entries that brought it the new key are
//! gone, finds the keys here. Only members can open them; and only who knows a key that the newcomer knew before
//! can have written them, so the store cannot.

use strongroom_crypto::{CryptoError, hpke, salted};
use strongroom_secret::SecretBytes;

use crate::codec::{Malformed, Reader, Writer};
use crate::entry::read_member_id;
use crate::keys::{KeyRing, MAX_RING};
use crate::ledger::Ledger;
use crate::member::{open_ring, read_head, seal_ring, write_head};
use crate::state::State;
use crate::{Head, Identity, MAX_EPOCHS, MAX_MEMBERS, MAX_SNAPSHOT, Machine, MemberId, PartitionId};

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

fn associated_data(partition: PartitionId, outside: &[u8]) -> Vec<u8> {
    [&partition.0, outside].concat()
}

/// Seals the whole state of a ledger.
pub(crate) fn seal<M: Machine>(ledger: &Ledger<M>) -> Result<Vec<u8>, CryptoError> {
    let Ledger { partition, head, state, ring, machine, .. } = ledger;
    let key = ledger.keys().and_then(|keys| keys.snapshot()).ok_or(CryptoError)?;
    let mut w = Writer::default();
    w.u8(FORMAT);
    write_head(&mut w, head);
    w.u32(state.members.len() as u32);
    for member in state.members.values() {
        w.bytes(member.id.as_str().as_bytes()).bytes(&seal_ring(*partition, head, member, ring)?);
    }
    let tags: Vec<_> = ring
        .whole(*partition, head.incarnation)
        .filter_map(|keys| Some((keys.era.epoch, keys.hand_over()?.sign(&[&partition.0, &w.0]))))
        .collect();
    w.u32(tags.len() as u32);
    for (epoch, tag) in tags {
        w.u32(epoch).raw(&tag);
    }
    let mut inside = Writer::default();
    write_state(&mut inside, state, &machine.snapshot());
    let aad = associated_data(*partition, &w.0);
    salted::seal_into(key, LABEL, &aad, &inside.0, &mut w.0)?;
    Ok(w.0)
}

/// A sealed snapshot. Nothing of it is to be believed before it opened.
pub(crate) struct Sealed<'a> {
    pub(crate) head: Head,
    shares: Vec<(MemberId, &'a [u8])>,
    tags: Vec<(u32, [u8; 32])>,
    /// What the tags are over.
    handed_over: &'a [u8],
    outside: &'a [u8],
    state: &'a [u8],
}

impl<'a> Sealed<'a> {
    pub(crate) fn read(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let mut r = Reader::new(bytes);
        if r.u8()? != FORMAT {
            return Err(Malformed);
        }
        let head = read_head(&mut r)?;
        let mut shares = Vec::new();
        for _ in 0..r.count(MAX_MEMBERS)? {
            shares.push((read_member_id(&mut r)?, r.bytes(MAX_RING + hpke::OVERHEAD)?));
        }
        let handed_over = &bytes[..bytes.len() - r.left()];
        let mut tags = Vec::new();
        for _ in 0..r.count(MAX_EPOCHS)? {
            tags.push((r.u32()?, r.array()?));
        }
        let outside = &bytes[..bytes.len() - r.left()];
        Ok(Self { head, shares, tags, handed_over, outside, state: r.rest() })
    }

    /// The keys that were handed over to this HSM, if a member that knows the newest key of `ring` did it.
    pub(crate) fn ring_for(&self, partition: PartitionId, me: &Identity, ring: &KeyRing) -> Option<KeyRing> {
        let newest = ring.whole(partition, self.head.incarnation).last()?;
        let (_, tag) = self.tags.iter().find(|(epoch, _)| *epoch == newest.era.epoch)?;
        newest.hand_over()?.verify(&[&partition.0, self.handed_over], tag).ok()?;
        let (_, share) = self.shares.iter().find(|(id, _)| *id == me.member)?;
        open_ring(partition, &self.head, me, share).ok()
    }

    /// Opens the state.
    pub(crate) fn open(&self, partition: PartitionId, ring: &KeyRing) -> Result<SecretBytes, Malformed> {
        let keys = ring.of(partition, self.head.incarnation, self.head.epoch).ok_or(Malformed)?;
        let aad = associated_data(partition, self.outside);
        salted::open(keys.snapshot().ok_or(Malformed)?, LABEL, &aad, self.state).map_err(|_| Malformed)
    }
}

//! New root keys beside old ones: made, taken over from another server, put to use, and let go.
//!
//! The slots file always has a key before anything is sealed under it, and loses one only when its owner says that
//! nothing names it any more. Each change replaces the file whole.

use strongroom_crypto::{hex, random, salted};
use strongroom_secret::Key256;

use crate::directory::Directory;
use crate::ring::{Generation, Ring};
use crate::slot_key::SlotKey;
use crate::slots::{Slot, Slots};
use crate::{Epoch, Purpose, Root, SealError, Unlock};

/// What a new root key is wrapped for, under the one before, for the other servers on a store.
const HANDOVER_LABEL: &[u8] = b"strongroom/handover";

/// No seal has more root keys at a time.
const MOST_EPOCHS: usize = 16;

impl Root {
    /// Makes the root key of the next epoch and puts it into the slots file. It is known from now on and not used
    /// until it is [selected](Self::select). One that was made and never selected is the next.
    pub fn prepare_next(&self) -> Result<Epoch, SealError> {
        let (current, newest) = (self.current_epoch(), self.newest_epoch());
        if newest > current {
            return Ok(newest);
        }
        let next = newest.next().ok_or(SealError::TooMany { what: "epochs", most: MOST_EPOCHS })?;
        self.learn(Generation::new(next, random::key256()?)?)?;
        Ok(next)
    }

    /// The root key of `epoch`, sealed under that of the epoch before: for servers on the same store, which know the
    /// older one.
    pub fn hand_over(&self, epoch: Epoch) -> Result<Vec<u8>, SealError> {
        let ring = self.ring();
        let unknown = || SealError::UnknownEpoch { epoch: epoch.number() };
        let generation = ring.whole(epoch).ok_or_else(unknown)?;
        let before = ring.all().rev().find(|older| older.epoch < epoch).ok_or_else(unknown)?;
        let mut sealed = before.epoch.number().to_be_bytes().to_vec();
        let aad = [sealed.as_slice(), &epoch.number().to_be_bytes()].concat();
        salted::seal_into(&before.key, HANDOVER_LABEL, &aad, generation.key.expose(), &mut sealed)?;
        Ok(sealed)
    }

    /// Takes a root key over that another server made, and puts it into the slots file. One of our own of that epoch
    /// that was never used gives way to it.
    pub fn take_over(&self, epoch: Epoch, handed: &[u8]) -> Result<(), SealError> {
        let (before, sealed) = handed.split_first_chunk::<4>().ok_or(SealError::WrongSeal)?;
        let older = Epoch::new(u32::from_be_bytes(*before));
        let aad = [before.as_slice(), &epoch.number().to_be_bytes()].concat();
        let key = {
            let ring = self.ring();
            let older = ring.whole(older).ok_or(SealError::UnknownEpoch { epoch: older.number() })?;
            salted::open(&older.key, HANDOVER_LABEL, &aad, sealed).map_err(|_| SealError::WrongSeal)?
        };
        let key = Key256::copied_from(key.expose()).ok_or(SealError::WrongSeal)?;
        if epoch <= self.current_epoch() {
            return Err(SealError::WrongSeal);
        }
        self.learn(Generation::new(epoch, key)?)
    }

    /// Has new values sealed in that epoch from now on.
    pub fn select(&self, epoch: Epoch) -> Result<(), SealError> {
        if self.ring_mut().select(epoch) {
            Ok(())
        } else {
            Err(SealError::UnknownEpoch { epoch: epoch.number() })
        }
    }

    /// Lets the root keys before `epoch` go, from memory and from the slots file: what they sealed opens never again.
    /// Subkeys for which `stays` tells so are kept, of those that went earlier too.
    pub fn retire_before(
        &self,
        epoch: Epoch,
        stays: impl Fn(Epoch, Purpose) -> bool,
    ) -> Result<(), SealError> {
        if epoch > self.current_epoch() {
            return Err(SealError::UnknownEpoch { epoch: epoch.number() });
        }
        if self.ring_mut().retire_before(epoch, stays) { self.write() } else { Ok(()) }
    }

    /// Puts a root key into the slots file, then into memory.
    fn learn(&self, generation: Generation) -> Result<(), SealError> {
        if self.ring().all().count() >= MOST_EPOCHS {
            return Err(SealError::TooMany { what: "root keys at a time", most: MOST_EPOCHS });
        }
        self.rewrite(Some(&generation))?;
        self.ring_mut().put(generation);
        Ok(())
    }

    /// Writes the slots file as memory has it.
    fn write(&self) -> Result<(), SealError> {
        self.rewrite(None)
    }

    /// Writes the slots file anew: with a root key that is to be the newest, or with what is known.
    fn rewrite(&self, added: Option<&Generation>) -> Result<(), SealError> {
        let Some(home) = self.home() else { return Ok(()) };
        let directory = Directory::open(home)?;
        let _held = directory.lock()?;
        let file = Slots::read(&directory)?;
        let ring = self.ring();
        let written = ring.whole(file.epoch).ok_or(SealError::UnknownEpoch { epoch: file.epoch.number() })?;
        let newest = added.unwrap_or_else(|| ring.newest());
        let slots = file.all.iter().map(|slot| follow(slot, &directory, written, newest));
        let slots = slots.collect::<Result<Vec<_>, _>>()?;
        encode(slots, &ring, newest)?.replace(&directory)
    }

    /// Changes the list of slots; `change` has the newest root key.
    pub(crate) fn change_slots<T>(
        &self,
        change: impl FnOnce(&Directory, &mut Vec<Slot>, &Generation) -> Result<T, SealError>,
    ) -> Result<T, SealError> {
        let home = self.home().ok_or(SealError::KeptNowhere)?;
        let directory = Directory::open(home)?;
        let _held = directory.lock()?;
        let file = Slots::read(&directory)?;
        let ring = self.ring();
        let written = ring.whole(file.epoch).ok_or(SealError::UnknownEpoch { epoch: file.epoch.number() })?;
        let slots = file.all.iter().map(|slot| follow(slot, &directory, written, written));
        let mut slots = slots.collect::<Result<Vec<_>, _>>()?;
        let answer = change(&directory, &mut slots, written)?;
        encode(slots, &ring, written)?.replace(&directory)?;
        Ok(answer)
    }
}

/// A slot for the newest root key. Format 1 has slots without their own keys; of those the one whose key file is there
/// can follow.
fn follow(
    slot: &Slot,
    directory: &Directory,
    written: &Generation,
    newest: &Generation,
) -> Result<Slot, SealError> {
    if slot.can_follow() {
        return slot.wrap_afresh((written.epoch, &written.key), (newest.epoch, &newest.key));
    }
    let slot_key = SlotKey::read(directory)?;
    if slot.kind == Unlock::File.kind() && slot.id == slot_key.id {
        return Unlock::File.make(directory, newest.epoch, &newest.key);
    }
    Err(SealError::SlotStaysBehind { kind: slot.kind.clone(), id: hex::encode(&slot.id) })
}

/// The file of what is known, with these slots, which have the newest root key.
fn encode(slots: Vec<Slot>, ring: &Ring, newest: &Generation) -> Result<Slots, SealError> {
    let mut slots = Slots::new(newest.epoch, slots);
    for older in ring.all().filter(|older| older.epoch != newest.epoch) {
        slots.add_past(older.epoch, &older.key, &newest.key)?;
    }
    for (epoch, purpose, key) in ring.kept() {
        slots.add_kept(epoch, purpose, key, &newest.key)?;
    }
    Ok(slots)
}

//! Files of earlier formats brought up.
//!
//! The slot by which the root was opened gets a key pair, and a passphrase another salt. The others cannot be opened now: those
//! of format 2 get theirs by their own keys, which stand in that format under the root key and do so no more afterwards. Whoever
//! saw a root key of then has those keys all the same; a slot [says so](crate::SlotInfo::key_was_shared) until its
//! passphrase opens it the next time, or somebody removes it and adds another.

use crate::directory::Directory;
use crate::slot::{OWN_KEYS_SINCE, Slot};
use crate::slots::Slots;
use crate::{Root, SealError, Unlock};

impl Root {
    /// Brings the slots file up to the newest format, and gives the slot that `unlock` has opened a key that nobody else has
    /// seen, where that is the passphrase's. Tells whether anything was written.
    pub fn bring_up(&self, unlock: &Unlock) -> Result<bool, SealError> {
        let Some(home) = self.home() else { return Ok(false) };
        let is_own_and_shared = |slot: &Slot| {
            let is_own = slot.name.id == home.slot && slot.name.kind == unlock.kind();
            is_own && matches!(unlock, Unlock::Passphrase(_)) && slot.since() < OWN_KEYS_SINCE
        };
        let file = Slots::read(&Directory::open(&home.directory)?)?;
        if file.is_up_to_date() && !file.all.iter().any(is_own_and_shared) {
            return Ok(false);
        }
        self.change_slots(|directory, slots, goal| {
            for slot in slots.iter_mut().filter(|slot| is_own_and_shared(slot)) {
                *slot = unlock.make_again(directory, slot, goal)?;
            }
            Ok(())
        })?;
        Ok(true)
    }
}

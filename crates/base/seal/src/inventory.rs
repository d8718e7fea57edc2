//! Slots listed, added and removed.

use std::path::Path;

use crate::directory::Directory;
use crate::slot::OWN_KEYS_SINCE;
use crate::slots::{MOST_SLOTS, Slots};
use crate::{Epoch, Root, SealError, Unlock};

/// What can be told of a slot without opening it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SlotInfo {
    /// Its id, 16 hexadecimal digits.
    pub id: String,
    /// Its kind: `file`, `passphrase`, or one of a later version.
    pub kind: String,
    /// What the kind needs to know, such as the cost of a guess; `-` if nothing.
    pub parameters: String,
    /// Whether its key stood under the root key, as in format 2 of the file, or may have: whoever has a copy of the file of
    /// then, and could open one slot of it, has this key too.
    pub key_was_shared: bool,
}

/// The slots of the seal in `directory`, and the epoch of the root key in them.
pub fn slots_in(directory: &Path) -> Result<(Epoch, Vec<SlotInfo>), SealError> {
    let slots = Slots::read(&Directory::open(directory)?)?;
    let told = slots.all.iter().map(|slot| SlotInfo {
        id: slot.name.id_text(),
        kind: slot.name.kind.clone(),
        parameters: slot.name.parameters.clone(),
        key_was_shared: slot.since() < OWN_KEYS_SINCE,
    });
    Ok((slots.epoch, told.collect()))
}

impl Root {
    /// Adds a slot, and answers its id. The key file has one slot at most: adding it again gives it another key pair.
    pub fn add_slot(&self, unlock: &Unlock) -> Result<String, SealError> {
        self.change_slots(|directory, slots, goal| {
            let slot = unlock.make(directory, slots, goal)?;
            let id = slot.name.id_text();
            slots.retain(|other| other.name.id != slot.name.id);
            if slots.len() >= MOST_SLOTS {
                return Err(SealError::TooMany { what: "slots", most: MOST_SLOTS });
            }
            slots.push(slot);
            Ok(id)
        })
    }

    /// Removes a slot. Whoever could open it may have seen the root key: a rotation gives the others a new one, which its key
    /// does not lead to.
    pub fn remove_slot(&self, id: &str) -> Result<(), SealError> {
        self.change_slots(|_, slots, _| {
            let place = slots.iter().position(|slot| slot.name.id_text() == id);
            let place = place.ok_or_else(|| SealError::NoSuchSlot { id: id.to_owned() })?;
            if slots.len() == 1 {
                return Err(SealError::LastSlot);
            }
            slots.remove(place);
            Ok(())
        })
    }
}

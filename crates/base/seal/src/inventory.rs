//! Slots listed, added and removed.

use std::path::Path;

use strongroom_crypto::hex;

use crate::directory::Directory;
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
}

/// The slots of the seal in `directory`, and the epoch of the root key in them.
pub fn slots_in(directory: &Path) -> Result<(Epoch, Vec<SlotInfo>), SealError> {
    let slots = Slots::read(&Directory::open(directory)?)?;
    let told = slots.all.iter().map(|slot| SlotInfo {
        id: hex::encode(&slot.id),
        kind: slot.kind.clone(),
        parameters: slot.parameters.clone(),
    });
    Ok((slots.epoch, told.collect()))
}

impl Root {
    /// Adds a slot, and answers its id. The key file has one slot at most: adding it again changes nothing.
    pub fn add_slot(&self, unlock: &Unlock) -> Result<String, SealError> {
        self.change_slots(|directory, slots, newest| {
            let slot = unlock.make(directory, newest.epoch, &newest.key)?;
            let id = hex::encode(&slot.id);
            slots.retain(|other| other.id != slot.id);
            if slots.len() >= MOST_SLOTS {
                return Err(SealError::TooMany { what: "slots", most: MOST_SLOTS });
            }
            slots.push(slot);
            Ok(id)
        })
    }

    /// Removes a slot. Whoever could open it has seen the root key: a rotation gives the others a new one.
    pub fn remove_slot(&self, id: &str) -> Result<(), SealError> {
        self.change_slots(|_, slots, _| {
            let place = slots.iter().position(|slot| hex::encode(&slot.id) == id);
            let place = place.ok_or_else(|| SealError::NoSuchSlot { id: id.to_owned() })?;
            if slots.len() == 1 {
                return Err(SealError::LastSlot);
            }
            slots.remove(place);
            Ok(())
        })
    }
}

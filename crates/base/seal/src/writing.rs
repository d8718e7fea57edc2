//! `root.slots` written anew. That what stands there is ours is checked first: the public keys in it are about to get the
//! newest root key.

use std::fs::File;
use std::sync::Arc;

use strongroom_secret::{Key256, constant_time_eq};

use crate::directory::{Directory, LONGEST_FILE};
use crate::ring::{Generation, Ring};
use crate::slot::{Goal, Slot};
use crate::slot_key::SlotKey;
use crate::slots::Slots;
use crate::unlock::file_slot;
use crate::{Root, SealError, Unlock};

/// The slots file in the hands of whoever changes it.
struct Held {
    directory: Directory,
    _lock: File,
    file: Slots,
    /// The root key in its slots.
    written: Arc<Generation>,
    lineage: Key256,
}

impl Root {
    /// Writes the slots file anew with what `ring` has; `newest` is the newest root key.
    pub(crate) fn rewrite(&self, ring: &Ring, newest: &Generation) -> Result<(), SealError> {
        let Some(held) = self.hold()? else { return Ok(()) };
        held.encode(held.file.all.clone(), ring, newest)?.replace(&held.directory)
    }

    /// Refuses a next root key if the file would be too long once it is in use and something is left of all the others.
    pub(crate) fn expect_room_beside(&self, next: &Generation) -> Result<(), SealError> {
        let Some(held) = self.hold()? else { return Ok(()) };
        let mut left = self.ring().clone();
        left.retire_before(next.epoch, |_, _| true);
        if held.encode(held.file.all.clone(), &left, next)?.length() > LONGEST_FILE {
            let path = Slots::path(held.directory.as_path());
            return Err(SealError::NoRoom { path, kept: self.ring().kept().count() });
        }
        Ok(())
    }

    /// Changes the list of slots; `change` has what they lead to.
    pub(crate) fn change_slots<T>(
        &self,
        change: impl FnOnce(&Directory, &mut Vec<Slot>, Goal<'_>) -> Result<T, SealError>,
    ) -> Result<T, SealError> {
        let _turn = self.turn();
        let held = self.hold()?.ok_or(SealError::KeptNowhere)?;
        let mut slots = held.file.all.clone();
        let answer = change(&held.directory, &mut slots, held.goal(&held.written))?;
        let ring = self.ring().clone();
        held.encode(slots, &ring, &held.written)?.replace(&held.directory)?;
        Ok(answer)
    }

    /// Takes the file in hand, if there is one.
    fn hold(&self) -> Result<Option<Held>, SealError> {
        let Some(home) = self.home() else { return Ok(None) };
        let directory = Directory::open(&home.directory)?;
        let lock = directory.lock()?;
        let file = Slots::read(&directory)?;
        let ring = self.ring();
        let found = file.epoch.number();
        let written = ring.whole(file.epoch).ok_or(SealError::UnknownEpoch { epoch: found })?.clone();
        let known = ring.newest().epoch.number();
        let path = || Slots::path(directory.as_path());
        if found < known {
            return Err(SealError::OlderSlots { path: path(), found, known });
        }
        let altered = || SealError::AlteredSlots { path: path() };
        if !file.is_signed(&written.key)? {
            return Err(altered());
        }
        let lineage = file.lineage(&written.key)?.ok_or_else(altered)?;
        Ok(Some(Held { directory, _lock: lock, file, written, lineage }))
    }
}

impl Held {
    fn goal<'k>(&'k self, newest: &'k Generation) -> Goal<'k> {
        Goal { epoch: newest.epoch, root: &newest.key, lineage: &self.lineage }
    }

    /// The file of what is known, with these slots.
    fn encode(&self, slots: Vec<Slot>, ring: &Ring, newest: &Generation) -> Result<Slots, SealError> {
        let slots = slots.into_iter().map(|slot| self.follow(slot, newest)).collect::<Result<_, _>>()?;
        let mut slots = Slots::new(newest.epoch, slots);
        for older in ring.all().filter(|older| older.epoch != newest.epoch) {
            slots.add_past(older.epoch, &older.key, &newest.key)?;
        }
        for (epoch, purpose, key) in ring.kept() {
            slots.add_kept(epoch, purpose, key, &newest.key)?;
        }
        slots.signed(&newest.key, &self.lineage)
    }

    /// A slot for the newest root key. Of format 1, whose slots have their keys nowhere in the file, that one can follow whose
    /// key file is there.
    fn follow(&self, slot: Slot, newest: &Generation) -> Result<Slot, SealError> {
        let goal = self.goal(newest);
        if slot.is_paired() {
            return slot.leading_to(goal);
        }
        match slot.paired((self.written.epoch, &self.written.key), goal) {
            Err(stays_behind @ SealError::SlotStaysBehind { .. }) => match SlotKey::read(&self.directory) {
                Ok(key) if self.leads_to(&slot, &key) => file_slot(&key, slot.since(), goal),
                _ => Err(stays_behind),
            },
            paired => paired,
        }
    }

    /// Whether a key file opens a slot. Whoever has put both there and has no root key cannot make it so.
    fn leads_to(&self, slot: &Slot, key: &SlotKey) -> bool {
        slot.name.kind == Unlock::File.kind()
            && slot.name.id == key.id
            && slot
                .open(&key.key, self.written.epoch)
                .is_ok_and(|root| constant_time_eq(root.expose(), self.written.key.expose()))
    }
}

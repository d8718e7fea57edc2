//! New root keys beside old ones: made, taken over from another server, put to use, and let go.
//!
//! The slots file always has a key before anything is sealed under it, and loses one only when its owner says that
//! nothing names it any more. Each change replaces the file whole.

use strongroom_crypto::{random, salted};
use strongroom_secret::Key256;

use crate::ring::Generation;
use crate::{Epoch, Purpose, Root, SealError};

/// What a new root key is wrapped for, under the one before, for the other servers on a store.
const HANDOVER_LABEL: &[u8] = b"strongroom/handover";

/// No seal has more root keys at a time.
const MOST_EPOCHS: usize = 16;

impl Root {
    /// Makes the root key of the next epoch and puts it into the slots file. It is known from now on and not used
    /// until it is [selected](Self::select). One that was made and never selected is the next. [`SealError::NoRoom`], before
    /// anything is changed, if the file could not take in all that may be left of the older ones.
    pub fn prepare_next(&self) -> Result<Epoch, SealError> {
        let (current, newest) = (self.current_epoch(), self.newest_epoch());
        if newest > current {
            return Ok(newest);
        }
        let next = newest.next().ok_or(SealError::TooMany { what: "epochs", most: MOST_EPOCHS })?;
        let generation = Generation::new(next, random::key256()?)?;
        self.expect_room_beside(&generation)?;
        self.learn(generation)?;
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

    /// Lets the root keys before `epoch` go, from the slots file and from memory: what they sealed opens never again.
    /// Subkeys for which `stays` tells so are kept, of those that went earlier too.
    pub fn retire_before(
        &self,
        epoch: Epoch,
        stays: impl Fn(Epoch, Purpose) -> bool,
    ) -> Result<(), SealError> {
        if epoch > self.current_epoch() {
            return Err(SealError::UnknownEpoch { epoch: epoch.number() });
        }
        let _turn = self.turn();
        let mut left = self.ring().clone();
        if left.retire_before(epoch, &stays) {
            self.rewrite(&left, left.newest())?;
            self.ring_mut().retire_before(epoch, &stays);
        }
        Ok(())
    }

    /// Puts a root key into the slots file, then into memory.
    fn learn(&self, generation: Generation) -> Result<(), SealError> {
        let _turn = self.turn();
        let ring = self.ring().clone();
        if ring.all().count() >= MOST_EPOCHS {
            return Err(SealError::TooMany { what: "root keys at a time", most: MOST_EPOCHS });
        }
        self.rewrite(&ring, &generation)?;
        self.ring_mut().put(generation);
        Ok(())
    }
}

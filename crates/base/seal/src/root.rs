//! The root key: made, found again, and derived from.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use strongroom_crypto::{hex, random};
use strongroom_secret::{Key256, constant_time_eq};

use crate::directory::Directory;
use crate::ring::{Generation, Ring};
use crate::slot::Goal;
use crate::slots::Slots;
use crate::unlock::Entrance;
use crate::{Epoch, Purpose, SealError, Unlock};

/// The root keys of all epochs, opened. Clones are the same root: what one learns, all know. The keys are wiped when
/// the last is dropped.
#[derive(Clone)]
pub struct Root {
    shared: Arc<Shared>,
}

struct Shared {
    ring: RwLock<Ring>,
    /// Where the root is kept, if it is.
    home: Option<Home>,
    /// One change of the ring, and of the file with it, at a time.
    turn: Mutex<()>,
}

/// Where a root is kept.
pub(crate) struct Home {
    pub(crate) directory: PathBuf,
    /// The slot by which it was opened, or with which it was made.
    pub(crate) slot: [u8; 8],
}

impl Root {
    /// Makes a root of trust in `directory`, which is made too if need be, with one slot, of the kind `file`.
    ///
    /// A crash leaves either nothing that opens or the whole; of several who create at once one wins. An
    /// existing root is never written over ([`SealError::AlreadyExists`]), nor is an existing slot key.
    pub fn create(directory: &Path) -> Result<Self, SealError> {
        Self::create_with(directory, &Unlock::File)
    }

    /// The same with a slot of any kind.
    pub fn create_with(directory: &Path, unlock: &Unlock) -> Result<Self, SealError> {
        let path = directory.to_owned();
        let directory = Directory::make(directory)?;
        let _held = directory.lock()?;
        let generation = Generation::new(Epoch::FIRST, random::key256()?)?;
        let lineage = random::key256()?;
        let goal = Goal { epoch: generation.epoch, root: &generation.key, lineage: &lineage };
        let slot = unlock.make(&directory, &[], goal)?;
        let home = Home { directory: path, slot: slot.name.id };
        Slots::new(generation.epoch, vec![slot]).signed(&generation.key, &lineage)?.create(&directory)?;
        Ok(Self::from_ring(Ring::of(generation), Some(home)))
    }

    /// Opens the root of trust in `directory` with the key file beside it. Its newest epoch is the current one.
    pub fn open(directory: &Path) -> Result<Self, SealError> {
        Self::open_with(directory, &Unlock::File)
    }

    /// The same with a slot of any kind. Nothing is written; a file of an earlier format becomes a new one when somebody
    /// [brings it up](Self::bring_up), or with the first change.
    pub fn open_with(directory: &Path, unlock: &Unlock) -> Result<Self, SealError> {
        let path = directory.to_owned();
        let directory = Directory::open(directory)?;
        let slots = Slots::read(&directory)?;
        let Entrance { slot, root } = unlock.open(&slots, &directory)?;
        Ok(Self::from_ring(ring_of(&slots, root)?, Some(Home { directory: path, slot })))
    }

    /// Opens the root of trust in `directory`, or makes one if there is no slots file. Whatever else is wrong
    /// is an error: data sealed under a root that is merely unreadable must not meet a new one.
    pub fn open_or_create(directory: &Path) -> Result<Self, SealError> {
        match Self::open(directory) {
            Err(SealError::NotFound { path }) if path == Slots::path(directory) || path == directory => {
                match Self::create(directory) {
                    Err(SealError::AlreadyExists { .. }) => Self::open(directory),
                    created => created,
                }
            }
            opened => opened,
        }
    }

    /// Makes a root that is kept nowhere: what is sealed under it is lost with the process.
    pub fn ephemeral() -> Result<Self, SealError> {
        Self::from_key(random::key256()?)
    }

    /// Takes a root key that was kept elsewhere, as that of the first epoch.
    pub fn from_key(key: Key256) -> Result<Self, SealError> {
        Ok(Self::from_ring(Ring::of(Generation::new(Epoch::FIRST, key)?), None))
    }

    fn from_ring(ring: Ring, home: Option<Home>) -> Self {
        Self { shared: Arc::new(Shared { ring: RwLock::new(ring), home, turn: Mutex::default() }) }
    }

    /// The id of the slot by which it was opened, or with which it was made; `None` if it is kept nowhere.
    pub fn opened_by(&self) -> Option<String> {
        self.home().map(|home| hex::encode(&home.slot))
    }

    /// Gives the value by which a database knows the current root key.
    pub fn check_value(&self) -> CheckValue {
        self.ring().current().check
    }

    /// Gives the check value of the root key of that epoch, if it is there.
    pub fn check_value_of(&self, epoch: Epoch) -> Option<CheckValue> {
        self.ring().whole(epoch).map(|generation| generation.check)
    }

    /// The epoch in which new values are sealed.
    pub fn current_epoch(&self) -> Epoch {
        self.ring().current().epoch
    }

    /// The newest epoch. It is later than the current one while a rotation begins.
    pub fn newest_epoch(&self) -> Epoch {
        self.ring().newest().epoch
    }

    /// The epochs whose root keys are there, oldest first.
    pub fn epochs(&self) -> Vec<Epoch> {
        self.ring().all().map(|generation| generation.epoch).collect()
    }

    /// Gives the subkey of `purpose` in `epoch`; [`SealError::UnknownEpoch`] if there is none, or none any more.
    pub fn subkey(&self, purpose: Purpose, epoch: Epoch) -> Result<Arc<Key256>, SealError> {
        self.ring().subkey(purpose, epoch).ok_or(SealError::UnknownEpoch { epoch: epoch.number() })
    }

    /// Gives the subkey of `purpose` for new values, and the epoch that they are to name.
    pub fn current_subkey(&self, purpose: Purpose) -> Result<(Epoch, Arc<Key256>), SealError> {
        let ring = self.ring();
        let epoch = ring.current().epoch;
        let subkey = ring.subkey(purpose, epoch).ok_or(SealError::UnknownEpoch { epoch: epoch.number() })?;
        Ok((epoch, subkey))
    }

    pub(crate) fn ring(&self) -> RwLockReadGuard<'_, Ring> {
        self.shared.ring.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn ring_mut(&self) -> RwLockWriteGuard<'_, Ring> {
        self.shared.ring.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where the root is kept, if it is.
    pub(crate) fn home(&self) -> Option<&Home> {
        self.shared.home.as_ref()
    }

    /// Waits until nobody else changes the ring.
    pub(crate) fn turn(&self) -> MutexGuard<'_, ()> {
        self.shared.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Everything that a slots file holds, opened with its newest root key.
fn ring_of(slots: &Slots, newest: Key256) -> Result<Ring, SealError> {
    let opened: Result<Vec<_>, SealError> =
        slots.past.iter().map(|past| Ok((past.epoch, slots.open_past(past, &newest)?))).collect();
    let kept: Result<Vec<_>, SealError> =
        slots.kept.iter().map(|kept| Ok((kept, slots.open_kept(kept, &newest)?))).collect();
    let mut ring = Ring::of(Generation::new(slots.epoch, newest)?);
    for (epoch, key) in opened? {
        ring.put(Generation::new(epoch, key)?);
    }
    for (kept, key) in kept? {
        ring.keep(kept.epoch, kept.purpose, key);
    }
    Ok(ring)
}

impl fmt::Debug for Root {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ring = self.ring();
        write!(f, "Root(epoch {}, {:?})", ring.current().epoch.number(), ring.current().check)
    }
}

/// What tells root keys apart without telling anything else about them. It is public: a database keeps it,
/// and refuses to work under a root with another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CheckValue([u8; 32]);

impl CheckValue {
    pub(crate) const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Gives the bytes to store.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Compares with what is stored; anything else is [`SealError::WrongSeal`].
    pub fn verify(&self, stored: &[u8]) -> Result<(), SealError> {
        if constant_time_eq(&self.0, stored) { Ok(()) } else { Err(SealError::WrongSeal) }
    }
}

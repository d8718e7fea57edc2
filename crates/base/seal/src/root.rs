//! The root key: made, found again, and derived from.

use std::fmt;
use std::path::Path;

use strongroom_crypto::kdf::sp800_108_counter_hmac_sha256;
use strongroom_crypto::{CryptoError, random};
use strongroom_secret::{Key256, constant_time_eq};

use crate::directory::Directory;
use crate::slot_key::SlotKey;
use crate::slots::{Slot, Slots};
use crate::{Epoch, Purpose, SealError};

const CHECK_LABEL: &[u8] = b"strongroom/check";
const EPOCH_LABEL: &[u8] = b"strongroom/epoch";

/// The root key, opened. It is wiped when dropped, and need not outlive the making of subkeys and sealers.
pub struct Root {
    key: Key256,
    check: CheckValue,
}

impl Root {
    /// Makes a root of trust in `directory`, which is made too if need be.
    ///
    /// A crash leaves either nothing that opens or the whole; of several who create at once one wins. An
    /// existing root is never written over ([`SealError::AlreadyExists`]), nor is an existing slot key.
    pub fn create(directory: &Path) -> Result<Self, SealError> {
        let directory = Directory::make(directory)?;
        let slot_key = SlotKey::read_or_create(&directory)?;
        let root = Self::ephemeral()?;
        Slots::new(vec![Slot::wrap(&slot_key, &root.key)?]).create(&directory)?;
        Ok(root)
    }

    /// Opens the root of trust in `directory`.
    pub fn open(directory: &Path) -> Result<Self, SealError> {
        let directory = Directory::open(directory)?;
        let slots = Slots::read(&directory)?;
        let candidates = slots.of_kind_file(&directory)?;
        let slot_key = SlotKey::read(&directory)?;
        let slot = candidates.iter().find(|slot| slot.is_of(&slot_key)).ok_or(SealError::WrongSeal)?;
        Self::from_key(slot.unwrap_root(&slot_key)?)
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

    /// Takes a root key that was kept elsewhere.
    pub fn from_key(key: Key256) -> Result<Self, SealError> {
        let check = CheckValue(*derive(&key, CHECK_LABEL, b"")?.expose());
        Ok(Self { key, check })
    }

    /// Gives the value by which a database knows its root key.
    pub const fn check_value(&self) -> CheckValue {
        self.check
    }

    /// Gives the subkey of `purpose` in `epoch`.
    pub fn subkey(&self, purpose: Purpose, epoch: Epoch) -> Result<Key256, SealError> {
        Ok(epoch_key(&self.purpose_key(purpose)?, epoch)?)
    }

    /// The key from which the subkeys of all epochs of `purpose` are derived.
    pub(crate) fn purpose_key(&self, purpose: Purpose) -> Result<Key256, CryptoError> {
        derive(&self.key, purpose.label(), b"")
    }
}

impl fmt::Debug for Root {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Root({:?})", self.check)
    }
}

/// What tells root keys apart without telling anything else about them. It is public: a database keeps it,
/// and refuses to work under a root with another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CheckValue([u8; 32]);

impl CheckValue {
    /// Gives the bytes to store.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Compares with what is stored; anything else is [`SealError::WrongSeal`].
    pub fn verify(&self, stored: &[u8]) -> Result<(), SealError> {
        if constant_time_eq(&self.0, stored) { Ok(()) } else { Err(SealError::WrongSeal) }
    }
}

/// Gives the subkey of `epoch` from the key of its purpose.
pub(crate) fn epoch_key(purpose_key: &Key256, epoch: Epoch) -> Result<Key256, CryptoError> {
    derive(purpose_key, EPOCH_LABEL, &epoch.number().to_be_bytes())
}

fn derive(key: &Key256, label: &[u8], context: &[u8]) -> Result<Key256, CryptoError> {
    Key256::filled(|bytes| sp800_108_counter_hmac_sha256(key.expose(), label, context, bytes))
}

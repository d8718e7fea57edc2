//! What opens a slot: the key file beside it, or a passphrase.

use strongroom_crypto::passphrase::{Cost, SALT_LENGTH, derive_key};
use strongroom_crypto::{hex, random};
use strongroom_secret::{Key256, SecretString};

use crate::directory::Directory;
use crate::slot_key::SlotKey;
use crate::slots::{Slot, Slots};
use crate::{Epoch, SealError};

const KIND_FILE: &str = "file";
const KIND_PASSPHRASE: &str = "passphrase";

/// The shortest passphrase that a slot is made for, in characters.
pub const SHORTEST_PASSPHRASE: usize = 12;

/// With what a slot is opened, or made.
#[derive(Clone, Debug)]
pub enum Unlock {
    /// `slot-file.key`, in the seal's directory.
    File,
    /// A passphrase, which is kept nowhere. The key comes from it by Argon2id.
    Passphrase(SecretString),
}

impl Unlock {
    /// The kind of its slots.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::File => KIND_FILE,
            Self::Passphrase(_) => KIND_PASSPHRASE,
        }
    }

    /// Opens the newest root key.
    pub(crate) fn open(&self, slots: &Slots, directory: &Directory) -> Result<Key256, SealError> {
        let candidates = slots.of_kind(self.kind(), directory)?;
        match self {
            Self::File => {
                let slot_key = SlotKey::read(directory)?;
                let slot =
                    candidates.iter().find(|slot| slot.id == slot_key.id).ok_or(SealError::WrongSeal)?;
                slot.unwrap_root(&slot_key.key, slots.epoch)
            }
            Self::Passphrase(passphrase) => {
                for slot in candidates {
                    let asked = Parameters::parse(&slot.parameters).ok_or_else(|| SealError::Corrupt {
                        path: Slots::path(directory.as_path()),
                        what: "a passphrase slot asks for more than 1 GiB or 64 passes, or for nothing that is known",
                    })?;
                    let key = derive_key(passphrase.expose().as_bytes(), &asked.salt, asked.cost)?;
                    if let Ok(root) = slot.unwrap_root(&key, slots.epoch) {
                        return Ok(root);
                    }
                }
                Err(SealError::WrongPassphrase { path: Slots::path(directory.as_path()) })
            }
        }
    }

    /// Makes a slot for the root key of `epoch`.
    pub(crate) fn make(&self, directory: &Directory, epoch: Epoch, root: &Key256) -> Result<Slot, SealError> {
        match self {
            Self::File => {
                let slot_key = SlotKey::read_or_create(directory)?;
                Slot::wrap(KIND_FILE, slot_key.id, "-".to_owned(), &slot_key.key, epoch, root)
            }
            Self::Passphrase(passphrase) => {
                if passphrase.expose().chars().count() < SHORTEST_PASSPHRASE {
                    return Err(SealError::WeakPassphrase);
                }
                let asked =
                    Parameters { cost: Cost::DEFAULT, salt: random::bytes::<SALT_LENGTH>()?.to_vec() };
                let key = derive_key(passphrase.expose().as_bytes(), &asked.salt, asked.cost)?;
                Slot::wrap(KIND_PASSPHRASE, random::bytes()?, asked.to_string(), &key, epoch, root)
            }
        }
    }
}

/// What a passphrase slot says of its key: `argon2id,m=<KiB>,t=<passes>,s=<salt, hexadecimal>`.
struct Parameters {
    cost: Cost,
    salt: Vec<u8>,
}

impl Parameters {
    fn parse(text: &str) -> Option<Self> {
        let mut fields = text.strip_prefix("argon2id,")?.split(',');
        let memory_kib = fields.next()?.strip_prefix("m=")?.parse().ok()?;
        let passes = fields.next()?.strip_prefix("t=")?.parse().ok()?;
        let salt = hex::decode(fields.next()?.strip_prefix("s=")?)?;
        let cost = Cost { memory_kib, passes };
        (fields.next().is_none() && cost.is_served() && salt.len() == SALT_LENGTH)
            .then_some(Self { cost, salt })
    }
}

impl std::fmt::Display for Parameters {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Cost { memory_kib, passes } = self.cost;
        write!(f, "argon2id,m={memory_kib},t={passes},s={}", hex::encode(&self.salt))
    }
}

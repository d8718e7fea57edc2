//! What opens a slot: the key file beside it, or a passphrase.

use strongroom_crypto::passphrase::{Cost, SALT_LENGTH, derive_key};
use strongroom_crypto::{hex, random};
use strongroom_secret::{Key256, SecretString};

use crate::SealError;
use crate::directory::Directory;
use crate::slot::{Goal, OWN_KEYS_SINCE, SHARED_KEYS, Shut, Slot, SlotName};
use crate::slot_key::SlotKey;
use crate::slots::Slots;

const KIND_FILE: &str = "file";
const KIND_PASSPHRASE: &str = "passphrase";

/// The shortest passphrase that a slot is made for, in characters.
pub const SHORTEST_PASSPHRASE: usize = 12;

/// What all passphrase slots of a file may cost together, in KiB gone through: some ten seconds. A file may be a stranger's,
/// such as a backup that was handed in.
const MOST_WORK: u64 = 16 * 1024 * 1024;

/// With what a slot is opened, or made.
#[derive(Clone, Debug)]
pub enum Unlock {
    /// `slot-file.key`, in the seal's directory.
    File,
    /// A passphrase, which is kept nowhere. The key comes from it by Argon2id.
    Passphrase(SecretString),
}

/// A slot that was opened.
pub(crate) struct Entrance {
    pub(crate) slot: [u8; 8],
    /// The newest root key.
    pub(crate) root: Key256,
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
    pub(crate) fn open(&self, slots: &Slots, directory: &Directory) -> Result<Entrance, SealError> {
        let candidates = slots.of_kind(self.kind(), directory)?;
        match self {
            Self::File => {
                let slot_key = SlotKey::read(directory)?;
                let slot = candidates.iter().find(|slot| slot.name.id == slot_key.id);
                let slot = slot.ok_or(SealError::WrongSeal)?;
                entered(slots, slot, &slot_key.key, directory)?.ok_or(SealError::WrongSeal)
            }
            Self::Passphrase(passphrase) => Self::try_all(passphrase, &candidates, slots, directory),
        }
    }

    fn try_all(
        passphrase: &SecretString,
        candidates: &[&Slot],
        slots: &Slots,
        directory: &Directory,
    ) -> Result<Entrance, SealError> {
        let path = || Slots::path(directory.as_path());
        let asked = candidates.iter().map(|slot| (slot, Parameters::parse(&slot.name.parameters)));
        let asked: Vec<_> = asked.collect();
        let work = asked.iter().filter_map(|(_, asked)| asked.as_ref()).map(|asked| asked.cost.work());
        if work.fold(0, u64::saturating_add) > MOST_WORK {
            let what = "its passphrase slots ask for more than 16 passes over 1 GiB together";
            return Err(SealError::Corrupt { path: path(), what });
        }
        for (slot, asked) in &asked {
            let Some(asked) = asked else { continue };
            let key = derive_key(passphrase.expose().as_bytes(), &asked.salt, asked.cost)?;
            if let Some(entrance) = entered(slots, slot, &key, directory)? {
                return Ok(entrance);
            }
        }
        if asked.iter().any(|(_, asked)| asked.is_none()) {
            let what =
                "a passphrase slot asks for more than 1 GiB or 64 passes, or for nothing that is known";
            return Err(SealError::Corrupt { path: path(), what });
        }
        Err(SealError::WrongPassphrase { path: path() })
    }

    /// Makes a slot. `known` are those that there are.
    pub(crate) fn make(
        &self,
        directory: &Directory,
        known: &[Slot],
        goal: Goal<'_>,
    ) -> Result<Slot, SealError> {
        match self {
            Self::File => {
                let (slot_key, is_new) = SlotKey::read_or_create(directory)?;
                let before = known.iter().find(|slot| slot.name.id == slot_key.id).map(Slot::since);
                // Of a key that was lying there nobody knows where else it has stood.
                let since = before.unwrap_or(if is_new { OWN_KEYS_SINCE } else { SHARED_KEYS });
                file_slot(&slot_key, since, goal)
            }
            Self::Passphrase(passphrase) => {
                if passphrase.expose().chars().count() < SHORTEST_PASSPHRASE {
                    return Err(SealError::WeakPassphrase);
                }
                passphrase_slot(passphrase, random::bytes()?, goal)
            }
        }
    }

    /// Makes a slot that this opens anew. A passphrase gets another key; what is in a key file stays, for backups of before
    /// open with it.
    pub(crate) fn make_again(
        &self,
        directory: &Directory,
        slot: &Slot,
        goal: Goal<'_>,
    ) -> Result<Slot, SealError> {
        match self {
            Self::File => file_slot(&SlotKey::read(directory)?, slot.since(), goal),
            Self::Passphrase(passphrase) => passphrase_slot(passphrase, slot.name.id, goal),
        }
    }
}

/// Opens a slot; `None` if the key is another's.
fn entered(
    slots: &Slots,
    slot: &Slot,
    key: &Key256,
    directory: &Directory,
) -> Result<Option<Entrance>, SealError> {
    let altered = || SealError::AlteredSlots { path: Slots::path(directory.as_path()) };
    match slot.open(key, slots.epoch) {
        Ok(root) if slots.is_signed(&root)? => Ok(Some(Entrance { slot: slot.name.id, root })),
        Ok(_) | Err(Shut::Altered) => Err(altered()),
        Err(Shut::OtherKey) => Ok(None),
    }
}

/// The slot of a key file.
pub(crate) fn file_slot(slot_key: &SlotKey, since: u32, goal: Goal<'_>) -> Result<Slot, SealError> {
    let name = SlotName { kind: KIND_FILE.to_owned(), id: slot_key.id, parameters: "-".to_owned() };
    Slot::new(name, &slot_key.key, since, goal)
}

/// A slot of a passphrase, with a salt, and so a key, of its own.
fn passphrase_slot(passphrase: &SecretString, id: [u8; 8], goal: Goal<'_>) -> Result<Slot, SealError> {
    let asked = Parameters { cost: Cost::DEFAULT, salt: random::bytes::<SALT_LENGTH>()?.to_vec() };
    let key = derive_key(passphrase.expose().as_bytes(), &asked.salt, asked.cost)?;
    let name = SlotName { kind: KIND_PASSPHRASE.to_owned(), id, parameters: asked.to_string() };
    Slot::new(name, &key, OWN_KEYS_SINCE, goal)
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

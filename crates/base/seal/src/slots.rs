//! The root key in its wrappings: `root.slots`.
//!
//! Text, one form only: what is read must be what would be written.
//!
//! ```text
//! strongroom-root 2
//! epoch <number of the newest root key>
//! slot <kind> <id, 16 digits> <parameters, or -> <newest root key, under the slot's key> <slot's key, under the root key>
//! past <epoch> <an older root key, under the newest>
//! kept <epoch> <purpose> <what is left of a root key that is gone, under the newest>
//! sum <SHA-256 of all lines above>
//! ```
//!
//! All keys are salted values in hexadecimal. The slots' own keys stand there too, under the root key, so that a
//! rotation gives every slot the new root key although nobody is there to type a passphrase.
//!
//! Format 1 has one root key, of epoch 1, and lines `slot <kind> <id> <root key>` alone; it is read for ever, and
//! becomes format 2 with the first change. Slots of kinds that this version does not know are for other servers, and
//! are left alone.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use strongroom_crypto::digest::sha256;
use strongroom_crypto::{hex, salted};
use strongroom_secret::Key256;

use crate::directory::Directory;
use crate::{Epoch, Purpose, SealError};

const NAME: &str = "root.slots";
const TITLE: &str = "strongroom-root";

/// What the slots' own keys are wrapped for, under the root key.
const SLOT_KEY_LABEL: &[u8] = b"strongroom/slot-key";
/// What older root keys are wrapped for, under the newest.
const PAST_LABEL: &[u8] = b"strongroom/past-root";
/// What is left of older ones is wrapped for, under the newest.
const KEPT_LABEL: &[u8] = b"strongroom/kept-subkey";

/// No seal has more slots.
pub(crate) const MOST_SLOTS: usize = 16;

/// One way to the root key.
#[derive(Clone)]
pub(crate) struct Slot {
    pub(crate) kind: String,
    pub(crate) id: [u8; 8],
    /// What the slot's kind needs to know to make the slot's key; `-` if nothing.
    pub(crate) parameters: String,
    wrapped: Vec<u8>,
    /// The slot's key under the root key. Format 1 has none.
    own_key: Option<Vec<u8>>,
}

impl Slot {
    /// Wraps the root key of `epoch` for the holder of `slot_key`.
    pub(crate) fn wrap(
        kind: &str,
        id: [u8; 8],
        parameters: String,
        slot_key: &Key256,
        epoch: Epoch,
        root: &Key256,
    ) -> Result<Self, SealError> {
        let mut slot = Self { kind: kind.to_owned(), id, parameters, wrapped: Vec::new(), own_key: None };
        salted::seal_into(slot_key, &slot.label(), &slot.bound_to(epoch), root.expose(), &mut slot.wrapped)?;
        let mut own_key = Vec::new();
        salted::seal_into(root, SLOT_KEY_LABEL, &slot.bound_to(epoch), slot_key.expose(), &mut own_key)?;
        slot.own_key = Some(own_key);
        Ok(slot)
    }

    /// Unwraps the root key of `epoch`.
    pub(crate) fn unwrap_root(&self, slot_key: &Key256, epoch: Epoch) -> Result<Key256, SealError> {
        // Format 1 bound the id alone.
        let aad = if self.own_key.is_some() { self.bound_to(epoch) } else { self.id.to_vec() };
        opened_key(slot_key, &self.label(), &aad, &self.wrapped).ok_or(SealError::WrongSeal)
    }

    /// The same slot for another root key. `root` is the one that it has now, of `epoch`.
    pub(crate) fn wrap_afresh(
        &self,
        (epoch, root): (Epoch, &Key256),
        (new_epoch, new_root): (Epoch, &Key256),
    ) -> Result<Self, SealError> {
        let own_key = self
            .own_key
            .as_ref()
            .and_then(|own_key| opened_key(root, SLOT_KEY_LABEL, &self.bound_to(epoch), own_key))
            .ok_or_else(|| SealError::SlotStaysBehind {
                kind: self.kind.clone(),
                id: hex::encode(&self.id),
            })?;
        Self::wrap(&self.kind, self.id, self.parameters.clone(), &own_key, new_epoch, new_root)
    }

    /// Whether the slot can be wrapped afresh.
    pub(crate) fn can_follow(&self) -> bool {
        self.own_key.is_some()
    }

    fn label(&self) -> Vec<u8> {
        format!("strongroom/slot/{}", self.kind).into_bytes()
    }

    /// A slot's values are bound to all of its line, and to the epoch.
    fn bound_to(&self, epoch: Epoch) -> Vec<u8> {
        [&self.id, epoch.number().to_be_bytes().as_slice(), self.parameters.as_bytes()].concat()
    }

    fn parse(words: &[&str], format: u32) -> Option<Self> {
        let (kind, id, parameters, wrapped, own_key) = match (format, words) {
            (1, [kind, id, wrapped]) => (kind, id, &"-", wrapped, None),
            (2, [kind, id, parameters, wrapped, own_key]) => {
                (kind, id, parameters, wrapped, Some(hex::decode(own_key)?))
            }
            _ => return None,
        };
        Some(Self {
            kind: (*kind).to_owned(),
            id: hex::decode(id)?.try_into().ok()?,
            parameters: (*parameters).to_owned(),
            wrapped: hex::decode(wrapped)?,
            own_key,
        })
    }
}

/// An older root key, under the newest.
#[derive(Clone)]
pub(crate) struct Past {
    pub(crate) epoch: Epoch,
    wrapped: Vec<u8>,
}

/// A subkey of a root key that is gone, under the newest root key.
#[derive(Clone)]
pub(crate) struct Kept {
    pub(crate) epoch: Epoch,
    pub(crate) purpose: Purpose,
    wrapped: Vec<u8>,
}

/// Everything that `root.slots` says.
pub(crate) struct Slots {
    /// The newest root key's.
    pub(crate) epoch: Epoch,
    pub(crate) all: Vec<Slot>,
    pub(crate) past: Vec<Past>,
    pub(crate) kept: Vec<Kept>,
    format: u32,
}

impl Slots {
    /// The file of a root key with these slots, and nothing older yet.
    pub(crate) fn new(epoch: Epoch, slots: Vec<Slot>) -> Self {
        Self { epoch, all: slots, past: Vec::new(), kept: Vec::new(), format: 2 }
    }

    /// Adds an older root key, wrapped under the newest, which is `newest`.
    pub(crate) fn add_past(&mut self, epoch: Epoch, key: &Key256, newest: &Key256) -> Result<(), SealError> {
        let mut wrapped = Vec::new();
        salted::seal_into(newest, PAST_LABEL, &self.binding(epoch, ""), key.expose(), &mut wrapped)?;
        self.past.push(Past { epoch, wrapped });
        Ok(())
    }

    /// Adds what is left of a root key that is gone.
    pub(crate) fn add_kept(
        &mut self,
        epoch: Epoch,
        purpose: Purpose,
        key: &Key256,
        newest: &Key256,
    ) -> Result<(), SealError> {
        let mut wrapped = Vec::new();
        let aad = self.binding(epoch, purpose.label());
        salted::seal_into(newest, KEPT_LABEL, &aad, key.expose(), &mut wrapped)?;
        self.kept.push(Kept { epoch, purpose, wrapped });
        Ok(())
    }

    /// Opens an older root key. `newest` is the newest.
    pub(crate) fn open_past(&self, past: &Past, newest: &Key256) -> Result<Key256, SealError> {
        let aad = self.binding(past.epoch, "");
        opened_key(newest, PAST_LABEL, &aad, &past.wrapped).ok_or(SealError::WrongSeal)
    }

    /// Opens what is left of one.
    pub(crate) fn open_kept(&self, kept: &Kept, newest: &Key256) -> Result<Key256, SealError> {
        let aad = self.binding(kept.epoch, kept.purpose.label());
        opened_key(newest, KEPT_LABEL, &aad, &kept.wrapped).ok_or(SealError::WrongSeal)
    }

    fn binding(&self, epoch: Epoch, purpose: &str) -> Vec<u8> {
        let (newest, epoch) = (self.epoch.number().to_be_bytes(), epoch.number().to_be_bytes());
        [newest.as_slice(), &epoch, purpose.as_bytes()].concat()
    }

    /// Where the slots of the seal in `directory` are.
    pub(crate) fn path(directory: &Path) -> PathBuf {
        directory.join(NAME)
    }

    /// Reads the slots of `directory`.
    pub(crate) fn read(directory: &Directory) -> Result<Self, SealError> {
        let bytes = directory.read(NAME)?;
        let corrupt = |what| SealError::Corrupt { path: directory.path(NAME), what };

        let text = std::str::from_utf8(bytes.expose()).map_err(|_| corrupt("it is not a slots file"))?;
        let format = text
            .split_once('\n')
            .and_then(|(title, _)| title.strip_prefix(TITLE)?.strip_prefix(' ')?.parse::<u32>().ok())
            .ok_or_else(|| corrupt("it is not a slots file"))?;
        if !(1..=2).contains(&format) {
            let what = directory.path(NAME).display().to_string();
            return Err(SealError::UnsupportedFormat { what, format });
        }
        Self::parse(text, format)
            .filter(|slots| slots.encode() == text)
            .ok_or_else(|| corrupt("its lines do not fit its check sum"))
    }

    fn parse(text: &str, format: u32) -> Option<Self> {
        let mut file = Self { format, ..Self::new(Epoch::FIRST, Vec::new()) };
        for line in text.lines().skip(1) {
            let words: Vec<_> = line.split(' ').collect();
            match (format, words.as_slice()) {
                (_, ["sum", ..]) => {}
                (_, ["slot", words @ ..]) => file.all.push(Slot::parse(words, format)?),
                (2, ["epoch", epoch]) => file.epoch = epoch_of(epoch)?,
                (2, ["past", epoch, wrapped]) => {
                    file.past.push(Past { epoch: epoch_of(epoch)?, wrapped: hex::decode(wrapped)? });
                }
                (2, ["kept", epoch, purpose, wrapped]) => file.kept.push(Kept {
                    epoch: epoch_of(epoch)?,
                    purpose: Purpose::labelled(purpose)?,
                    wrapped: hex::decode(wrapped)?,
                }),
                _ => return None,
            }
        }
        (file.all.len() <= MOST_SLOTS).then_some(file)
    }

    /// Writes the slots into `directory`, which has none yet.
    pub(crate) fn create(&self, directory: &Directory) -> Result<(), SealError> {
        if directory.publish(NAME, self.encode().as_bytes())? {
            Ok(())
        } else {
            Err(SealError::AlreadyExists { path: directory.path(NAME) })
        }
    }

    /// Writes the slots into `directory` in the place of those that are there.
    pub(crate) fn replace(&self, directory: &Directory) -> Result<(), SealError> {
        directory.replace(NAME, self.encode().as_bytes())
    }

    /// The slots of a kind. None of them is an error that names the kinds there are.
    pub(crate) fn of_kind(&self, kind: &str, directory: &Directory) -> Result<Vec<&Slot>, SealError> {
        let of_kind: Vec<_> = self.all.iter().filter(|slot| slot.kind == kind).collect();
        if of_kind.is_empty() {
            let kinds: Vec<_> = self.all.iter().map(|slot| slot.kind.as_str()).collect();
            return Err(SealError::UnsupportedSlots {
                path: directory.path(NAME),
                wanted: kind.to_owned(),
                kinds: kinds.join(", "),
            });
        }
        Ok(of_kind)
    }

    fn encode(&self) -> String {
        // Writing to a String does not fail.
        let mut text = format!("{TITLE} {}\n", self.format);
        if self.format > 1 {
            let _ = writeln!(text, "epoch {}", self.epoch.number());
        }
        for Slot { kind, id, parameters, wrapped, own_key } in &self.all {
            let (id, wrapped) = (hex::encode(id), hex::encode(wrapped));
            let _ = match own_key {
                None => writeln!(text, "slot {kind} {id} {wrapped}"),
                Some(own_key) => {
                    writeln!(text, "slot {kind} {id} {parameters} {wrapped} {}", hex::encode(own_key))
                }
            };
        }
        for Past { epoch, wrapped } in &self.past {
            let _ = writeln!(text, "past {} {}", epoch.number(), hex::encode(wrapped));
        }
        for Kept { epoch, purpose, wrapped } in &self.kept {
            let _ = writeln!(text, "kept {} {} {}", epoch.number(), purpose.label(), hex::encode(wrapped));
        }
        let sum = hex::encode(&sha256(text.as_bytes()));
        let _ = writeln!(text, "sum {sum}");
        text
    }
}

fn epoch_of(word: &str) -> Option<Epoch> {
    word.parse().ok().map(Epoch::new)
}

fn opened_key(key: &Key256, label: &[u8], aad: &[u8], wrapped: &[u8]) -> Option<Key256> {
    salted::open(key, label, aad, wrapped).ok().and_then(|opened| Key256::copied_from(opened.expose()))
}

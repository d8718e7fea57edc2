//! The root key in its slots: `root.slots`.
//!
//! Text, one form only: what is read must be what would be written.
//!
//! ```text
//! strongroom-root 3
//! epoch <number of the newest root key>
//! lineage <under the newest root key>
//! slot <kind> <id, 16 digits> <parameters, or -> <format in which its key was made> <public key>
//!      <private key and lineage, under the slot's key> <newest root key, under the lineage, to the public key>   (one line)
//! past <epoch> <an older root key, under the newest>
//! kept <epoch> <purpose> <what is left of a root key that is gone, under the newest>
//! mac <of all lines above, under the newest root key>
//! sum <SHA-256 of all lines above>
//! ```
//!
//! Everything is in hexadecimal; what is under a key is a salted value.
//!
//! The MAC says who wrote the file: nobody who does not have its root key has put a slot of his own, or one that was removed,
//! beside the others. It is checked whenever the file is opened, and before it is written again.
//!
//! Format 1 has one root key, of epoch 1, and lines `slot <kind> <id> <root key under the slot's key>` alone. Format 2 has no
//! lineage and no MAC, and lines `slot <kind> <id> <parameters> <root key, under the slot's key> <slot's key, under the root
//! key>`. Both are read for ever, and become format 3 with the first change. Slots of kinds that this version does not know
//! are for other servers, and get new root keys as the others do.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use strongroom_crypto::digest::sha256;
use strongroom_crypto::hmac::HmacSha256;
use strongroom_crypto::{hex, random, salted};
use strongroom_secret::Key256;

use crate::directory::Directory;
use crate::ring::derive;
use crate::slot::{Slot, opened_key};
use crate::{Epoch, Purpose, SealError};

const NAME: &str = "root.slots";
const TITLE: &str = "strongroom-root";
/// The format that is written.
const FORMAT: u32 = 3;

/// What older root keys are wrapped for, under the newest.
const PAST_LABEL: &[u8] = b"strongroom/past-root";
/// What is left of older ones is wrapped for, under the newest.
const KEPT_LABEL: &[u8] = b"strongroom/kept-subkey";
/// What the lineage is wrapped for, under the newest.
const LINEAGE_LABEL: &[u8] = b"strongroom/lineage";
/// What the MAC's key is derived for, from the newest root key.
const MAC_LABEL: &[u8] = b"strongroom/slots-mac";

/// No seal has more slots.
pub(crate) const MOST_SLOTS: usize = 16;

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

/// What says who wrote the file.
#[derive(Clone, Default)]
struct Proof {
    /// Under the newest root key.
    lineage: Vec<u8>,
    mac: Vec<u8>,
}

/// Everything that `root.slots` says.
pub(crate) struct Slots {
    format: u32,
    /// The newest root key's.
    pub(crate) epoch: Epoch,
    pub(crate) all: Vec<Slot>,
    pub(crate) past: Vec<Past>,
    pub(crate) kept: Vec<Kept>,
    /// Formats 1 and 2 have none.
    proof: Proof,
}

impl Slots {
    /// The file of a root key with these slots, and nothing older yet. It is written once it is [signed](Self::signed).
    pub(crate) fn new(epoch: Epoch, slots: Vec<Slot>) -> Self {
        let (past, kept) = (Vec::new(), Vec::new());
        Self { format: FORMAT, epoch, all: slots, past, kept, proof: Proof::default() }
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

    /// Signs what it says.
    pub(crate) fn signed(mut self, newest: &Key256, lineage: &Key256) -> Result<Self, SealError> {
        let mut wrapped = Vec::new();
        let aad = self.binding(self.epoch, "");
        salted::seal_into(newest, LINEAGE_LABEL, &aad, lineage.expose(), &mut wrapped)?;
        self.proof.lineage = wrapped;
        self.proof.mac = mac_key(newest)?.sign(&[self.text().as_bytes()]).to_vec();
        Ok(self)
    }

    /// Whether whoever wrote the file had its newest root key, which is `newest`. Of formats 1 and 2 only what is wrapped tells.
    pub(crate) fn is_signed(&self, newest: &Key256) -> Result<bool, SealError> {
        let mac = mac_key(newest)?;
        Ok(self.format < FORMAT || mac.verify(&[self.text().as_bytes()], &self.proof.mac).is_ok())
    }

    /// The lineage, under the newest root key, which is `newest`. A file of format 1 or 2 gets one.
    pub(crate) fn lineage(&self, newest: &Key256) -> Result<Option<Key256>, SealError> {
        if self.format < FORMAT {
            return Ok(Some(random::key256()?));
        }
        Ok(opened_key(newest, LINEAGE_LABEL, &self.binding(self.epoch, ""), &self.proof.lineage))
    }

    /// Whether it is of the newest format.
    pub(crate) fn is_up_to_date(&self) -> bool {
        self.format == FORMAT
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
        if !(1..=FORMAT).contains(&format) {
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
                (2.., ["epoch", epoch]) => file.epoch = epoch_of(epoch)?,
                (2.., ["past", epoch, wrapped]) => {
                    file.past.push(Past { epoch: epoch_of(epoch)?, wrapped: hex::decode(wrapped)? });
                }
                (2.., ["kept", epoch, purpose, wrapped]) => file.kept.push(Kept {
                    epoch: epoch_of(epoch)?,
                    purpose: Purpose::labelled(purpose)?,
                    wrapped: hex::decode(wrapped)?,
                }),
                (3.., ["lineage", wrapped]) => file.proof.lineage = hex::decode(wrapped)?,
                (3.., ["mac", mac]) => file.proof.mac = hex::decode(mac)?,
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
        let of_kind: Vec<_> = self.all.iter().filter(|slot| slot.name.kind == kind).collect();
        if of_kind.is_empty() {
            let kinds: Vec<_> = self.all.iter().map(|slot| slot.name.kind.as_str()).collect();
            return Err(SealError::UnsupportedSlots {
                path: directory.path(NAME),
                wanted: kind.to_owned(),
                kinds: kinds.join(", "),
            });
        }
        Ok(of_kind)
    }

    /// How many bytes it takes on disk.
    pub(crate) fn length(&self) -> usize {
        self.encode().len()
    }

    /// What the MAC is over.
    fn text(&self) -> String {
        // Writing to a String does not fail.
        let mut text = format!("{TITLE} {}\n", self.format);
        if self.format > 1 {
            let _ = writeln!(text, "epoch {}", self.epoch.number());
        }
        if self.format > 2 {
            let _ = writeln!(text, "lineage {}", hex::encode(&self.proof.lineage));
        }
        for slot in &self.all {
            let _ = writeln!(text, "{}", slot.line());
        }
        for Past { epoch, wrapped } in &self.past {
            let _ = writeln!(text, "past {} {}", epoch.number(), hex::encode(wrapped));
        }
        for Kept { epoch, purpose, wrapped } in &self.kept {
            let _ = writeln!(text, "kept {} {} {}", epoch.number(), purpose.label(), hex::encode(wrapped));
        }
        text
    }

    fn encode(&self) -> String {
        let mut text = self.text();
        if self.format > 2 {
            let _ = writeln!(text, "mac {}", hex::encode(&self.proof.mac));
        }
        let sum = hex::encode(&sha256(text.as_bytes()));
        let _ = writeln!(text, "sum {sum}");
        text
    }
}

fn mac_key(newest: &Key256) -> Result<HmacSha256, SealError> {
    Ok(HmacSha256::new(derive(newest, MAC_LABEL, b"")?.expose()))
}

fn epoch_of(word: &str) -> Option<Epoch> {
    word.parse().ok().map(Epoch::new)
}

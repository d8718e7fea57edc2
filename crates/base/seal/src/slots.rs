//! The root key in its wrappings: `root.slots`.
//!
//! Text, one form only: what is read must be what would be written.
//!
//! ```text
//! strongroom-root 1
//! slot <kind> <id, 16 digits> <wrapped root key, hexadecimal>
//! sum <SHA-256 of all lines above>
//! ```
//!
//! Slots of kinds that this version does not know are for other servers, and are left alone.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use strongroom_crypto::digest::sha256;
use strongroom_crypto::{hex, salted};
use strongroom_secret::Key256;

use crate::SealError;
use crate::directory::Directory;
use crate::slot_key::SlotKey;

const NAME: &str = "root.slots";
const TITLE: &str = "strongroom-root";
const FORMAT: u32 = 1;

const KIND_FILE: &str = "file";
const LABEL_FILE: &[u8] = b"strongroom/slot/file";

/// The root key, wrapped once.
pub(crate) struct Slot {
    kind: String,
    id: [u8; 8],
    wrapped: Vec<u8>,
}

impl Slot {
    /// Wraps `root` for the holder of `slot_key`.
    pub(crate) fn wrap(slot_key: &SlotKey, root: &Key256) -> Result<Self, SealError> {
        let mut wrapped = Vec::new();
        salted::seal_into(&slot_key.key, LABEL_FILE, &slot_key.id, root.expose(), &mut wrapped)?;
        Ok(Self { kind: KIND_FILE.to_owned(), id: slot_key.id, wrapped })
    }

    /// Tells whether the slot was made for `slot_key`.
    pub(crate) fn is_of(&self, slot_key: &SlotKey) -> bool {
        self.id == slot_key.id
    }

    /// Unwraps the root key.
    pub(crate) fn unwrap_root(&self, slot_key: &SlotKey) -> Result<Key256, SealError> {
        salted::open(&slot_key.key, LABEL_FILE, &self.id, &self.wrapped)
            .ok()
            .and_then(|root| Key256::copied_from(root.expose()))
            .ok_or(SealError::WrongSeal)
    }

    fn parse(line: &str) -> Option<Self> {
        let mut words = line.strip_prefix("slot ")?.split(' ');
        let (kind, id, wrapped, None) = (words.next()?, words.next()?, words.next()?, words.next()) else {
            return None;
        };
        Some(Self {
            kind: kind.to_owned(),
            id: hex::decode(id)?.try_into().ok()?,
            wrapped: hex::decode(wrapped)?,
        })
    }
}

/// All slots of a root key.
pub(crate) struct Slots(Vec<Slot>);

impl Slots {
    /// The list of these slots.
    pub(crate) fn new(slots: Vec<Slot>) -> Self {
        Self(slots)
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
        if format != FORMAT {
            let what = directory.path(NAME).display().to_string();
            return Err(SealError::UnsupportedFormat { what, format });
        }
        let slots: Option<Vec<_>> =
            text.lines().skip(1).filter(|line| !line.starts_with("sum ")).map(Slot::parse).collect();
        slots
            .map(Self)
            .filter(|slots| slots.encode() == text)
            .ok_or_else(|| corrupt("its lines do not fit its check sum"))
    }

    /// Writes the slots into `directory`, which has none yet.
    pub(crate) fn create(&self, directory: &Directory) -> Result<(), SealError> {
        if directory.publish(NAME, self.encode().as_bytes())? {
            Ok(())
        } else {
            Err(SealError::AlreadyExists { path: directory.path(NAME) })
        }
    }

    /// The slots that a key file opens. None of them is an error that names the kinds there are.
    pub(crate) fn of_kind_file(&self, directory: &Directory) -> Result<Vec<&Slot>, SealError> {
        let of_kind_file: Vec<_> = self.0.iter().filter(|slot| slot.kind == KIND_FILE).collect();
        if of_kind_file.is_empty() {
            let kinds: Vec<_> = self.0.iter().map(|slot| slot.kind.as_str()).collect();
            return Err(SealError::UnsupportedSlots { path: directory.path(NAME), kinds: kinds.join(", ") });
        }
        Ok(of_kind_file)
    }

    fn encode(&self) -> String {
        let mut text = format!("{TITLE} {FORMAT}\n");
        for Slot { kind, id, wrapped } in &self.0 {
            // Writing to a String does not fail.
            let _ = writeln!(text, "slot {kind} {} {}", hex::encode(id), hex::encode(wrapped));
        }
        let sum = hex::encode(&sha256(text.as_bytes()));
        let _ = writeln!(text, "sum {sum}");
        text
    }
}

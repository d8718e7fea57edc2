//! The key of the slot kind `file`: `slot-file.key`.
//!
//! 88 bytes: `"strongroom-slot" || format (1 byte) || slot id (8) || key (32) || check sum (32)`. The check
//! sum is the SHA-256 of what stands before it: it tells damage from a wrong key.

use strongroom_crypto::digest::sha256;
use strongroom_crypto::random;
use strongroom_secret::{Key256, SecretBytes};

use crate::SealError;
use crate::directory::Directory;

const NAME: &str = "slot-file.key";
const MAGIC: &[u8; 15] = b"strongroom-slot";
const FORMAT: u8 = 1;
const CONTENT_LENGTH: usize = MAGIC.len() + 1 + 8 + 32;

/// The key that opens one slot.
pub(crate) struct SlotKey {
    pub(crate) id: [u8; 8],
    pub(crate) key: Key256,
}

impl SlotKey {
    /// Reads the slot key of `directory`.
    pub(crate) fn read(directory: &Directory) -> Result<Self, SealError> {
        let bytes = directory.read(NAME)?;
        let corrupt = |what| SealError::Corrupt { path: directory.path(NAME), what };

        let rest = bytes.expose().strip_prefix(MAGIC).ok_or_else(|| corrupt("it is not a slot key"))?;
        if let [format, ..] = *rest
            && format != FORMAT
        {
            let what = directory.path(NAME).display().to_string();
            return Err(SealError::UnsupportedFormat { what, format: format.into() });
        }
        let content = bytes.expose().split_at_checked(CONTENT_LENGTH);
        content
            .filter(|(content, sum)| sha256(content) == *sum)
            .and_then(|(content, _)| {
                let (id, key) = content[MAGIC.len() + 1..].split_first_chunk()?;
                Some(Self { id: *id, key: Key256::copied_from(key)? })
            })
            .ok_or_else(|| corrupt("its check sum does not fit"))
    }

    /// Reads the slot key of `directory`, or makes one; tells whether it is new.
    ///
    /// A key that is there already is kept, even without slots: it may open a slots file that is restored
    /// from a backup.
    pub(crate) fn read_or_create(directory: &Directory) -> Result<(Self, bool), SealError> {
        match Self::read(directory) {
            Err(SealError::NotFound { .. }) => {}
            read => return Ok((read?, false)),
        }
        let key = Self { id: random::bytes()?, key: random::key256()? };
        // Whoever comes second uses the key of who came first.
        if directory.publish(NAME, key.encode()?.expose())? {
            Ok((key, true))
        } else {
            Ok((Self::read(directory)?, false))
        }
    }

    fn encode(&self) -> Result<SecretBytes, SealError> {
        SecretBytes::filled(CONTENT_LENGTH + 32, |bytes| {
            let (content, sum) = bytes.split_at_mut(CONTENT_LENGTH);
            let (head, key) = content.split_at_mut(CONTENT_LENGTH - 32);
            head.copy_from_slice(&[MAGIC.as_slice(), &[FORMAT], &self.id].concat());
            key.copy_from_slice(self.key.expose());
            sum.copy_from_slice(&sha256(content));
            Ok(())
        })
    }
}

//! Values sealed under a subkey, each under a key of its own.
//!
//! A sealed value is `format (1 byte) || epoch (u32, big-endian) || salted value`
//! ([`strongroom_crypto::salted`]). Format and epoch are authenticated, before the caller's associated data.

use std::fmt;

use strongroom_crypto::salted;
use strongroom_secret::{Key256, SecretBytes};

use crate::root::epoch_key;
use crate::{Epoch, Purpose, Root, SealError};

const FORMAT: u8 = 1;
const HEADER_LENGTH: usize = 5;
const LABEL: &[u8] = b"strongroom/sealed";

/// Seals and opens the values of one purpose. It does not need the [`Root`] any more once it is made.
pub struct Sealer {
    purpose_key: Key256,
    current_key: Key256,
}

impl Sealer {
    /// How many bytes a sealed value is longer than its plaintext.
    pub const OVERHEAD: usize = HEADER_LENGTH + salted::OVERHEAD;

    /// Makes the sealer of `purpose`.
    pub fn new(root: &Root, purpose: Purpose) -> Result<Self, SealError> {
        let purpose_key = root.purpose_key(purpose)?;
        let current_key = epoch_key(&purpose_key, Epoch::CURRENT)?;
        Ok(Self { purpose_key, current_key })
    }

    /// Seals `plaintext` in the current epoch. It opens only with the same `aad`, which is not kept in the
    /// sealed value: say there whose value it is, so that it cannot be put in another's place.
    pub fn seal(&self, aad: &[u8], plaintext: &[u8]) -> Result<Vec<u8>, SealError> {
        let header = header(Epoch::CURRENT);
        let mut sealed = Vec::with_capacity(Self::OVERHEAD + plaintext.len());
        sealed.extend_from_slice(&header);
        salted::seal_into(&self.current_key, LABEL, &[&header, aad].concat(), plaintext, &mut sealed)?;
        Ok(sealed)
    }

    /// Opens a value that was sealed in any epoch.
    pub fn open(&self, aad: &[u8], sealed: &[u8]) -> Result<SecretBytes, SealError> {
        let epoch = Self::epoch_of(sealed)?;
        let older_key;
        let key = if epoch == Epoch::CURRENT {
            &self.current_key
        } else {
            older_key = epoch_key(&self.purpose_key, epoch)?;
            &older_key
        };
        let aad = [&header(epoch), aad].concat();
        Ok(salted::open(key, LABEL, &aad, &sealed[HEADER_LENGTH..])?)
    }

    /// Reads the epoch that a sealed value names, for who looks for values to seal afresh.
    pub fn epoch_of(sealed: &[u8]) -> Result<Epoch, SealError> {
        let &[format, ref epoch @ ..] =
            sealed.first_chunk::<HEADER_LENGTH>().ok_or(strongroom_crypto::CryptoError)?;
        if format == FORMAT {
            Ok(Epoch::new(u32::from_be_bytes(*epoch)))
        } else {
            Err(SealError::UnsupportedFormat { what: "a sealed value".to_owned(), format: format.into() })
        }
    }
}

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sealer(..)")
    }
}

fn header(epoch: Epoch) -> [u8; HEADER_LENGTH] {
    let [a, b, c, d] = epoch.number().to_be_bytes();
    [FORMAT, a, b, c, d]
}

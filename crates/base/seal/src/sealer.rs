//! Values sealed under a subkey, each under a key of its own.
//!
//! A sealed value is `format (1 byte) || epoch (u32, big-endian) || salted value`
//! ([`strongroom_crypto::salted`]). Format and epoch are authenticated, before the caller's associated data.

use std::fmt;

use strongroom_crypto::salted;
use strongroom_secret::SecretBytes;

use crate::{Epoch, Purpose, Root, SealError};

const FORMAT: u8 = 1;
const HEADER_LENGTH: usize = 5;
const LABEL: &[u8] = b"strongroom/sealed";

/// Seals and opens the values of one purpose: new ones in the root's current epoch, old ones in theirs. Clones
/// are the same sealer.
#[derive(Clone)]
pub struct Sealer {
    root: Root,
    purpose: Purpose,
}

impl Sealer {
    /// How many bytes a sealed value is longer than its plaintext.
    pub const OVERHEAD: usize = HEADER_LENGTH + salted::OVERHEAD;

    /// Makes the sealer of `purpose`.
    #[must_use]
    pub fn new(root: &Root, purpose: Purpose) -> Self {
        Self { root: root.clone(), purpose }
    }

    /// The epoch in which it seals.
    #[must_use]
    pub fn current_epoch(&self) -> Epoch {
        self.root.current_epoch()
    }

    /// Seals `plaintext` in the current epoch. It opens only with the same `aad`, which is not kept in the
    /// sealed value: say there whose value it is, so that it cannot be put in another's place.
    pub fn seal(&self, aad: &[u8], plaintext: &[u8]) -> Result<Vec<u8>, SealError> {
        let (epoch, key) = self.root.current_subkey(self.purpose)?;
        let header = header(epoch);
        let mut sealed = Vec::with_capacity(Self::OVERHEAD + plaintext.len());
        sealed.extend_from_slice(&header);
        salted::seal_into(&key, LABEL, &[&header, aad].concat(), plaintext, &mut sealed)?;
        Ok(sealed)
    }

    /// Opens a value that was sealed in any epoch that the root knows.
    pub fn open(&self, aad: &[u8], sealed: &[u8]) -> Result<SecretBytes, SealError> {
        let epoch = Self::epoch_of(sealed)?;
        let key = self.root.subkey(self.purpose, epoch)?;
        let aad = [&header(epoch), aad].concat();
        Ok(salted::open(&key, LABEL, &aad, &sealed[HEADER_LENGTH..])?)
    }

    /// Seals a value afresh if another than the current epoch sealed it, and answers `None` if it need not be.
    pub fn reseal(&self, aad: &[u8], sealed: &[u8]) -> Result<Option<Vec<u8>>, SealError> {
        if Self::epoch_of(sealed)? == self.root.current_epoch() {
            return Ok(None);
        }
        self.seal(aad, self.open(aad, sealed)?.expose()).map(Some)
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

    /// The first bytes of values that are sealed in `epoch`: what tells them from others without opening any.
    #[must_use]
    pub fn head_of(epoch: Epoch) -> [u8; HEADER_LENGTH] {
        header(epoch)
    }
}

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sealer({:?})", self.purpose)
    }
}

fn header(epoch: Epoch) -> [u8; HEADER_LENGTH] {
    let [a, b, c, d] = epoch.number().to_be_bytes();
    [FORMAT, a, b, c, d]
}

//! The layout of ciphertexts.
//!
//! ```text
//! magic "SRCT"                 4 bytes
//! version                      1 byte
//! suite                        1 byte
//! length of the key id         1 byte
//! key id                       1 to 64 bytes of a-z, 0-9 and -
//! material id                 32 bytes
//! nonce                       16 bytes, random           -- the header ends here
//! IV                          12 bytes, random
//! key commitment              32 bytes
//! body                        as long as the plaintext
//! tag                         16 bytes
//! ```

use crate::HsmError;

/// The most characters of a key id.
pub const LONGEST_KEY_ID: usize = 64;
/// The most bytes of a plaintext.
pub const LONGEST_PLAINTEXT: usize = 4_096;
/// The most bytes of a ciphertext.
pub const LONGEST_BLOB: usize =
    START.len() + 1 + LONGEST_KEY_ID + 32 + NONCE_LENGTH + 12 + 32 + LONGEST_PLAINTEXT + TAG_LENGTH;

/// Magic, version and suite. Another suite, or another layout, is another start.
const START: [u8; 6] = *b"SRCT\x01\x01";
pub(crate) const NONCE_LENGTH: usize = 16;
const TAG_LENGTH: usize = 16;

/// What a ciphertext tells about itself: which key decrypts it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlobHeader<'a> {
    /// The key that was named when it was encrypted.
    pub key_id: &'a str,
    /// Which of that key's materials was used.
    pub material_id: &'a [u8; 32],
}

impl BlobHeader<'_> {
    /// Writes the header, with its nonce.
    pub(crate) fn encode(&self, nonce: &[u8; NONCE_LENGTH]) -> Result<Vec<u8>, HsmError> {
        if !is_key_id(self.key_id.as_bytes()) {
            return Err(HsmError::InvalidKeyId);
        }
        let length = [self.key_id.len() as u8];
        Ok([START.as_slice(), &length, self.key_id.as_bytes(), self.material_id, nonce].concat())
    }
}

/// Reads which key a ciphertext names. Nothing is decrypted, so nothing is proved.
pub fn parse_header(blob: &[u8]) -> Result<BlobHeader<'_>, HsmError> {
    Blob::parse(blob).map(|blob| blob.names)
}

/// A ciphertext in its parts.
pub(crate) struct Blob<'a> {
    pub(crate) names: BlobHeader<'a>,
    /// All bytes up to and including the nonce.
    pub(crate) header: &'a [u8],
    pub(crate) iv: &'a [u8; 12],
    pub(crate) commitment: &'a [u8; 32],
    pub(crate) body_and_tag: &'a [u8],
}

impl<'a> Blob<'a> {
    pub(crate) fn parse(blob: &'a [u8]) -> Result<Self, HsmError> {
        Self::split(blob).ok_or(HsmError::InvalidCiphertext)
    }

    fn split(blob: &'a [u8]) -> Option<Self> {
        let (&length, rest) = blob.strip_prefix(&START)?.split_first()?;
        let (key_id, rest) = rest.split_at_checked(length.into())?;
        let (material_id, rest) = rest.split_first_chunk()?;
        let (_nonce, rest) = rest.split_first_chunk::<NONCE_LENGTH>()?;
        let header = &blob[..blob.len() - rest.len()];
        let (iv, rest) = rest.split_first_chunk()?;
        let (commitment, body_and_tag) = rest.split_first_chunk()?;
        let lengths = TAG_LENGTH..=LONGEST_PLAINTEXT + TAG_LENGTH;
        if !is_key_id(key_id) || !lengths.contains(&body_and_tag.len()) {
            return None;
        }
        let names = BlobHeader { key_id: std::str::from_utf8(key_id).ok()?, material_id };
        Some(Self { names, header, iv, commitment, body_and_tag })
    }
}

fn is_key_id(text: &[u8]) -> bool {
    let allowed = |byte: &u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-');
    (1..=LONGEST_KEY_ID).contains(&text.len()) && text.iter().all(allowed)
}

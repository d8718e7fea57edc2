//! How a file is made.
//!
//! ```text
//! "SROBJECT" | format (u16) | file id (16) | piece | piece | ... | last piece
//! ```
//!
//! Numbers are big-endian. Each file has a random key of its own, and the cipher's key is `SP800-108(file's key,
//! "strongroom/objects/file", SHA-256 of the head)`, so that a file under another's name, or of another format, opens
//! nothing. A piece is 64 KiB of content under AES-256-GCM, the last one what is left (empty only if there is no content
//! at all). Its nonce is three bytes of zeros, the piece's number (u64), and a byte that is 1 for the last piece and 0 for
//! the others: pieces that are missing, repeated or moved do not open, nor does a file that is cut off or longer. (This is
//! STREAM, of Hoang, Reyhanitabar, Rogaway and Vizár, 2015, as in the files of backups; here any piece can be read alone.)

use strongroom_crypto::CryptoError;
use strongroom_crypto::aead::{Aes256Gcm, NONCE_LENGTH, TAG_LENGTH};
use strongroom_crypto::digest::sha256;
use strongroom_crypto::kdf::sp800_108_counter_hmac_sha256;
use strongroom_secret::{Key256, SecretBytes};

use super::FileId;

const MAGIC: &[u8; 8] = b"SROBJECT";
const FORMAT: u16 = 1;
const LABEL: &[u8] = b"strongroom/objects/file";

/// Bytes before the first piece.
pub(super) const HEAD: u64 = 8 + 2 + 16;
/// Content of a piece, in bytes.
pub(super) const PIECE: usize = 64 << 10;
/// A piece as it is in the file.
pub(super) const SEALED_PIECE: usize = PIECE + TAG_LENGTH;

/// The key of one file.
pub(crate) type FileKey = Key256;

/// The head of a file.
pub(super) fn head(file: FileId) -> Vec<u8> {
    [MAGIC.as_slice(), &FORMAT.to_be_bytes(), file.as_bytes()].concat()
}

/// Whether a file of that head can be read.
pub(super) fn is_head(bytes: &[u8], file: FileId) -> bool {
    bytes == head(file)
}

/// Seals and opens the pieces of a file.
pub(super) struct Pieces(Aes256Gcm);

impl Pieces {
    pub(super) fn new(key: &FileKey, file: FileId) -> Result<Self, CryptoError> {
        let context = sha256(&head(file));
        let key =
            Key256::filled(|bytes| sp800_108_counter_hmac_sha256(key.expose(), LABEL, &context, bytes))?;
        Aes256Gcm::new(&key).map(Self)
    }

    /// Seals a piece and appends it to `out`.
    pub(super) fn seal(
        &self,
        number: u64,
        is_last: bool,
        content: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), CryptoError> {
        self.0.seal_into(&nonce(number, is_last), &[], content, out)
    }

    pub(super) fn open(&self, number: u64, is_last: bool, sealed: &[u8]) -> Result<SecretBytes, CryptoError> {
        self.0.open(&nonce(number, is_last), &[], sealed)
    }
}

/// The number of the last piece of a content of that size.
pub(super) fn last_piece(size: u64) -> u64 {
    size.saturating_sub(1) / PIECE as u64
}

/// The length of the file of a content of that size.
pub(super) fn file_length(size: u64) -> u64 {
    HEAD + size + (last_piece(size) + 1) * TAG_LENGTH as u64
}

/// Three zeros, the number, and whether it is the last.
fn nonce(number: u64, is_last: bool) -> [u8; NONCE_LENGTH] {
    let mut nonce = [0; NONCE_LENGTH];
    let (bytes, flag) = nonce.split_at_mut(NONCE_LENGTH - 1);
    bytes[3..].copy_from_slice(&number.to_be_bytes());
    flag.fill(u8::from(is_last));
    nonce
}

#[cfg(test)]
mod tests {
    use strongroom_crypto::hex;

    use super::*;

    fn file() -> (FileId, Pieces) {
        let id = FileId::from_bytes([0x22; 16]);
        (id, Pieces::new(&Key256::new([0x11; 32]), id).unwrap())
    }

    /// The format is on disks: it stays as it is. The bytes were computed apart from this crate, with Python's `hmac` and
    /// `cryptography`.
    #[test]
    fn the_format_never_drifts() {
        let (id, pieces) = file();
        let mut bytes = head(id);
        pieces.seal(0, true, b"an object", &mut bytes).unwrap();
        assert_eq!(hex::encode(&bytes), include_str!("golden.hex").trim());
        assert_eq!(bytes.len() as u64, file_length(9));
        assert!(is_head(&bytes[..HEAD as usize], id));
        assert_eq!(pieces.open(0, true, &bytes[HEAD as usize..]).unwrap().expose(), b"an object");
    }

    #[test]
    fn pieces_have_their_places() {
        let (_, pieces) = file();
        let mut sealed = Vec::new();
        pieces.seal(3, false, b"piece", &mut sealed).unwrap();
        assert!(pieces.open(3, false, &sealed).is_ok());
        assert!(pieces.open(2, false, &sealed).is_err() && pieces.open(3, true, &sealed).is_err());
        let other = Pieces::new(&Key256::new([0x11; 32]), FileId::from_bytes([0x23; 16])).unwrap();
        assert!(other.open(3, false, &sealed).is_err());
    }

    #[test]
    fn a_file_has_as_many_pieces_as_it_needs() {
        let piece = PIECE as u64;
        for (size, last) in [(0, 0), (1, 0), (piece, 0), (piece + 1, 1), (2 * piece, 1), (2 * piece + 1, 2)] {
            assert_eq!(last_piece(size), last, "{size}");
        }
    }
}

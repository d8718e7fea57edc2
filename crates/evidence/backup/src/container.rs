//! The container: bytes of any number, sealed in pieces, from the first to the last.
//!
//! ```text
//! "SRBACKUP" | format (u16) | salt (32) | length of the open part (u32) | open part | piece | piece | ... | last piece
//! ```
//!
//! Numbers are big-endian. The file's key is `SP800-108(key, "strongroom/backup/file", SHA-256 of all that stands
//! before the first piece)`, so that an altered head, the open part included, opens nothing. A piece is 64 KiB of content
//! under AES-256-GCM, the last one what is left (empty only if there is no content at all). Its nonce is three bytes of
//! zeros, the piece's number (u64), and a byte that is 1 for the last piece and 0 for the others: pieces that are missing,
//! repeated or moved do not open, a file without its last piece is cut off, and nothing can be put behind it.
//! (This is STREAM, of Hoang, Reyhanitabar, Rogaway and Vizár, 2015.)

use std::io::{self, BufRead, Read};

use strongroom_crypto::aead::{Aes256Gcm, NONCE_LENGTH, TAG_LENGTH};
use strongroom_crypto::digest::sha256;
use strongroom_crypto::kdf::sp800_108_counter_hmac_sha256;
use strongroom_crypto::{CryptoError, random};
use strongroom_secret::{Key256, SecretBytes};

use crate::BackupError;

const MAGIC: &[u8; 8] = b"SRBACKUP";
const FORMAT: u16 = 1;
const SALT: usize = 32;
/// Head without the open part.
const FIXED: usize = MAGIC.len() + 2 + SALT + 4;
const LABEL: &[u8] = b"strongroom/backup/file";

/// Content of a piece, in bytes.
pub(crate) const PIECE: usize = 64 << 10;
/// A piece as it is in the file.
const SEALED_PIECE: usize = PIECE + TAG_LENGTH;
/// The longest open part, in bytes.
const OPEN_LIMIT: usize = 1 << 20;

/// The writing end. It does no input or output: what is sealed is appended to the caller's buffer.
pub struct Sealing {
    cipher: Aes256Gcm,
    number: u64,
    /// At most a piece, which may be the last.
    held: Vec<u8>,
}

impl Sealing {
    /// Begins a file under `key`, which may seal many. `open_part` is readable to everyone, and authenticated.
    pub fn begin(key: &Key256, open_part: &[u8], out: &mut Vec<u8>) -> Result<Self, BackupError> {
        Self::begin_with(random::bytes()?, key, open_part, out)
    }

    fn begin_with(
        salt: [u8; SALT],
        key: &Key256,
        open_part: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<Self, BackupError> {
        if open_part.len() > OPEN_LIMIT {
            let (what, bytes) = ("the open part of the head".to_owned(), open_part.len());
            return Err(BackupError::TooLarge { what, bytes, limit: OPEN_LIMIT });
        }
        let length = (open_part.len() as u32).to_be_bytes();
        let head = [MAGIC.as_slice(), &FORMAT.to_be_bytes(), &salt, &length, open_part].concat();
        let cipher = file_cipher(key, &head)?;
        out.extend(head);
        Ok(Self { cipher, number: 0, held: Vec::with_capacity(PIECE) })
    }

    /// Takes content in; whole pieces of it come out.
    pub fn push(&mut self, mut content: &[u8], out: &mut Vec<u8>) -> Result<(), BackupError> {
        while !content.is_empty() {
            if self.held.len() == PIECE {
                self.seal(false, out)?;
            }
            let (taken, rest) = content.split_at(content.len().min(PIECE - self.held.len()));
            self.held.extend_from_slice(taken);
            content = rest;
        }
        Ok(())
    }

    /// Ends the file.
    pub fn finish(mut self, out: &mut Vec<u8>) -> Result<(), BackupError> {
        self.seal(true, out)
    }

    fn seal(&mut self, last: bool, out: &mut Vec<u8>) -> Result<(), BackupError> {
        self.cipher.seal_into(&nonce(self.number, last), &[], &self.held, out)?;
        self.number += 1;
        self.held.clear();
        Ok(())
    }
}

/// The head of a file, before anything is opened.
pub struct Head {
    bytes: Vec<u8>,
}

impl Head {
    /// Reads the head, and leaves `from` where the first piece begins.
    pub fn read(from: &mut impl Read) -> Result<Self, BackupError> {
        let mut bytes = vec![0; FIXED];
        read_head(from, &mut bytes)?;
        let (magic, rest) = bytes.split_at(MAGIC.len());
        if magic != MAGIC {
            return Err(BackupError::NotABackup);
        }
        let format = rest.first_chunk().copied().map_or(0, u16::from_be_bytes);
        if format != FORMAT {
            return Err(BackupError::UnsupportedFormat(format));
        }
        let length = rest.last_chunk().copied().map_or(0, u32::from_be_bytes) as usize;
        if length > OPEN_LIMIT {
            return Err(BackupError::NotABackup);
        }
        bytes.resize(FIXED + length, 0);
        if let Some(open_part) = bytes.get_mut(FIXED..) {
            read_head(from, open_part)?;
        }
        Ok(Self { bytes })
    }

    /// The part that is readable to everyone. Only once a piece has opened is it known not to be altered.
    pub fn open_part(&self) -> &[u8] {
        self.bytes.get(FIXED..).unwrap_or_default()
    }

    /// Opens what follows in `from`, under the key that the file was sealed under.
    pub fn open<R: BufRead>(&self, key: &Key256, from: R) -> Result<Opening<R>, BackupError> {
        Ok(Opening {
            from,
            cipher: file_cipher(key, &self.bytes)?,
            number: 0,
            offset: self.bytes.len() as u64,
            ended: false,
        })
    }
}

/// The reading end.
pub struct Opening<R> {
    from: R,
    cipher: Aes256Gcm,
    number: u64,
    /// Where the next piece begins.
    offset: u64,
    ended: bool,
}

impl<R: BufRead> Opening<R> {
    /// The content of the next piece; nothing behind the last. Whatever it gives is as it was sealed, and in its place;
    /// that all of it was there is known when nothing comes any more.
    pub fn next_piece(&mut self) -> Result<Option<SecretBytes>, BackupError> {
        if self.ended {
            return Ok(None);
        }
        let reading = |error| BackupError::io("the backup cannot be read")(error);
        let mut sealed = Vec::with_capacity(SEALED_PIECE);
        (&mut self.from).take(SEALED_PIECE as u64).read_to_end(&mut sealed).map_err(reading)?;
        let is_whole = sealed.len() == SEALED_PIECE;
        let is_last = !is_whole || self.from.fill_buf().map_err(reading)?.is_empty();
        let end = self.offset + sealed.len() as u64;
        let opened = match self.open(&sealed, is_last) {
            Ok(content) => content,
            // Which of the two it is shows by itself: a piece knows whether it is the last.
            Err(_) if is_last && is_whole && self.open(&sealed, false).is_ok() => {
                return Err(BackupError::CutOff { length: end });
            }
            Err(_) if !is_last && self.open(&sealed, true).is_ok() => {
                return Err(BackupError::BehindEnd { offset: end });
            }
            Err(_) if self.number == 0 => return Err(BackupError::NotOpened),
            Err(_) if is_last => return Err(BackupError::CutOff { length: end }),
            Err(_) => return Err(BackupError::Damaged { offset: self.offset }),
        };
        self.number += 1;
        self.offset = end;
        self.ended = is_last;
        Ok(Some(opened))
    }

    /// How much of the file has been read and opened, in bytes.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    fn open(&self, sealed: &[u8], last: bool) -> Result<SecretBytes, CryptoError> {
        self.cipher.open(&nonce(self.number, last), &[], sealed)
    }
}

fn file_cipher(key: &Key256, head: &[u8]) -> Result<Aes256Gcm, CryptoError> {
    let context = sha256(head);
    let file_key =
        Key256::filled(|bytes| sp800_108_counter_hmac_sha256(key.expose(), LABEL, &context, bytes))?;
    Aes256Gcm::new(&file_key)
}

/// Three zeros, the number, and whether it is the last.
fn nonce(number: u64, last: bool) -> [u8; NONCE_LENGTH] {
    let mut nonce = [0; NONCE_LENGTH];
    let (bytes, flag) = nonce.split_at_mut(NONCE_LENGTH - 1);
    bytes[3..].copy_from_slice(&number.to_be_bytes());
    flag.fill(u8::from(last));
    nonce
}

fn read_head(from: &mut impl Read, bytes: &mut [u8]) -> Result<(), BackupError> {
    from.read_exact(bytes).map_err(|error| match error.kind() {
        io::ErrorKind::UnexpectedEof => BackupError::NotABackup,
        _ => BackupError::io("the backup cannot be read")(error),
    })
}

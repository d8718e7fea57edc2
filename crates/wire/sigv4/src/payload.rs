//! How the body enters the signature.

use strongroom_crypto::digest::sha256;

use crate::{AuthError, PayloadRules};

const UNSIGNED: &str = "UNSIGNED-PAYLOAD";
const STREAMING: &str = "STREAMING-";

const SIGNED_CHUNKS: &str = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD";
const SIGNED_CHUNKS_AND_TRAILERS: &str = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER";
const UNSIGNED_CHUNKS: &str = "STREAMING-UNSIGNED-PAYLOAD-TRAILER";

/// A body, or what was made of it on the way in.
#[derive(Clone, Copy, Debug)]
pub enum Payload<'a> {
    /// The whole body.
    Bytes(&'a [u8]),
    /// The SHA-256 digest of the whole body.
    Digest([u8; 32]),
}

impl<'a> From<&'a [u8]> for Payload<'a> {
    fn from(body: &'a [u8]) -> Self {
        Self::Bytes(body)
    }
}

impl Payload<'_> {
    pub(crate) fn digest(self) -> [u8; 32] {
        match self {
            Self::Bytes(body) => sha256(body),
            Self::Digest(digest) => digest,
        }
    }
}

/// What stands for the body in the canonical request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PayloadMode {
    /// The body's own SHA-256 digest; the request does not state it.
    Body,
    /// The SHA-256 digest that `x-amz-content-sha256` states and the body has to have.
    Stated([u8; 32]),
    /// Nothing: the body is not signed.
    Unsigned,
    /// The name of a way to send the body in chunks.
    Chunks(Chunks),
}

/// How a body comes in chunks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Chunks {
    /// Each is signed.
    Signed,
    /// Each is signed, and the trailers after them.
    SignedWithTrailers,
    /// None is signed; there are trailers.
    Unsigned,
}

impl Chunks {
    const fn name(self) -> &'static str {
        match self {
            Self::Signed => SIGNED_CHUNKS,
            Self::SignedWithTrailers => SIGNED_CHUNKS_AND_TRAILERS,
            Self::Unsigned => UNSIGNED_CHUNKS,
        }
    }
}

impl PayloadMode {
    /// Reads `x-amz-content-sha256`.
    pub(crate) fn stated(value: &str, rules: PayloadRules) -> Result<Self, AuthError> {
        if rules == PayloadRules::AsStated {
            match value {
                UNSIGNED => return Ok(Self::Unsigned),
                SIGNED_CHUNKS => return Ok(Self::Chunks(Chunks::Signed)),
                SIGNED_CHUNKS_AND_TRAILERS => return Ok(Self::Chunks(Chunks::SignedWithTrailers)),
                UNSIGNED_CHUNKS => return Ok(Self::Chunks(Chunks::Unsigned)),
                _ => {}
            }
        }
        if value == UNSIGNED || value.starts_with(STREAMING) {
            return Err(AuthError::UnsupportedPayload { mode: value.to_owned() });
        }
        digest_of_hex(value.as_bytes()).map(Self::Stated).ok_or(AuthError::MalformedPayloadDigest)
    }

    /// What the request states, as `x-amz-content-sha256` has it; `None` if it states nothing.
    pub fn statement(self) -> Option<String> {
        match self {
            Self::Body => None,
            Self::Stated(digest) => Some(strongroom_crypto::hex::encode(&digest)),
            Self::Unsigned => Some(UNSIGNED.to_owned()),
            Self::Chunks(chunks) => Some(chunks.name().to_owned()),
        }
    }

    /// Gives the last line of the canonical request to `write`.
    pub(crate) fn write(self, payload: Payload<'_>, write: impl FnOnce(&[u8])) {
        match self {
            Self::Body => write(&hex(&payload.digest())),
            Self::Stated(digest) => write(&hex(&digest)),
            Self::Unsigned => write(UNSIGNED.as_bytes()),
            Self::Chunks(chunks) => write(chunks.name().as_bytes()),
        }
    }
}

/// Writes a digest in lower-case hexadecimal, on the stack.
pub(crate) fn hex(digest: &[u8; 32]) -> [u8; 64] {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = [0; 64];
    for (pair, byte) in text.as_chunks_mut::<2>().0.iter_mut().zip(digest) {
        *pair = [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 0xf)]];
    }
    text
}

/// Reads what [`hex`] writes, and nothing else: a signature or digest has one spelling.
pub(crate) fn digest_of_hex(text: &[u8]) -> Option<[u8; 32]> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let (pairs, []) = text.as_chunks::<2>() else {
        return None;
    };
    let mut digest = [0; 32];
    if pairs.len() != digest.len() {
        return None;
    }
    for (byte, [high, low]) in digest.iter_mut().zip(pairs) {
        *byte = digit(*high)? << 4 | digit(*low)?;
    }
    Some(digest)
}

//! Bodies signed in chunks: the signature of each covers the one before it, and the first that of the request.
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html>

use std::fmt;
use std::sync::Arc;

use strongroom_crypto::digest::sha256;
use strongroom_secret::constant_time_eq;

use crate::payload::{digest_of_hex, hex};
use crate::{AuthError, SigningKey};

/// The signatures of a body's chunks, verified one by one. [`crate::Claim::verify_head`] begins it.
pub struct ChunkChain {
    key: Arc<SigningKey>,
    /// Date and scope, each with the end of its line.
    signed_for: String,
    previous: [u8; 32],
}

impl ChunkChain {
    pub(crate) fn begin(key: Arc<SigningKey>, date: &[u8], scope: &str, request: [u8; 32]) -> Self {
        let date = String::from_utf8_lossy(date);
        Self { key, signed_for: format!("{date}\n{scope}\n"), previous: request }
    }

    /// Verifies the signature of the next chunk, whose bytes have that SHA-256 digest.
    pub fn verify_chunk(&mut self, signature: &str, digest: [u8; 32]) -> Result<(), AuthError> {
        let nothing = hex(&sha256(b""));
        self.verify(b"AWS4-HMAC-SHA256-PAYLOAD\n", &[&nothing, b"\n", &hex(&digest)], signature)
    }

    /// Verifies the signature of the trailers, whose lines, `name:value` and a line feed each, have that digest.
    pub fn verify_trailers(&mut self, signature: &str, digest: [u8; 32]) -> Result<(), AuthError> {
        self.verify(b"AWS4-HMAC-SHA256-TRAILER\n", &[&hex(&digest)], signature)
    }

    fn verify(&mut self, algorithm: &[u8], what: &[&[u8]], signature: &str) -> Result<(), AuthError> {
        let previous = hex(&self.previous);
        let mut text: Vec<&[u8]> = vec![algorithm, self.signed_for.as_bytes(), &previous, b"\n"];
        text.extend(what);
        let calculated = self.key.sign(&text);
        let given = digest_of_hex(signature.as_bytes());
        if !given.is_some_and(|given| constant_time_eq(&given, &calculated)) {
            return Err(AuthError::SignatureMismatch);
        }
        self.previous = calculated;
        Ok(())
    }
}

impl fmt::Debug for ChunkChain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChunkChain").finish_non_exhaustive()
    }
}

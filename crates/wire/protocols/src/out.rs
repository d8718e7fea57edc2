//! Where text is written.

use std::fmt::Write;

use base64::engine::general_purpose::STANDARD;
use base64::{EncodeSliceError, Engine as _};
use strongroom_secret::SecretBuffer;

/// Text in the making: of an answer, whose memory is wiped, or of what a record shows.
pub(crate) trait Out: Write {
    /// An empty one with room for so many bytes.
    fn with_room(bytes: usize) -> Self;

    /// Its last byte.
    fn last(&self) -> Option<u8>;

    /// Appends text. None of both kinds fails.
    fn push_str(&mut self, text: &str) {
        let _ = self.write_str(text);
    }

    /// Appends bytes in Base64 as RFC 4648 section 4 has it, padding included. Where the memory is wiped, they come to be
    /// nowhere else: a plaintext is one in Base64 as well.
    fn push_base64(&mut self, bytes: &[u8]);

    /// Appends a character.
    fn push(&mut self, char: char) {
        let _ = self.write_char(char);
    }
}

impl Out for String {
    fn with_room(bytes: usize) -> Self {
        Self::with_capacity(bytes)
    }

    fn last(&self) -> Option<u8> {
        self.as_bytes().last().copied()
    }

    fn push_base64(&mut self, bytes: &[u8]) {
        STANDARD.encode_string(bytes, self);
    }
}

impl Out for SecretBuffer {
    fn with_room(bytes: usize) -> Self {
        Self::with_capacity(bytes)
    }

    fn last(&self) -> Option<u8> {
        self.expose().last().copied()
    }

    fn push_base64(&mut self, bytes: &[u8]) {
        // There is no length that a body has and Base64 has not.
        let length = base64::encoded_len(bytes.len(), true).unwrap_or_default();
        let written = self.extend_with::<EncodeSliceError>(length, |room| {
            STANDARD.encode_slice(bytes, room)?;
            Ok(())
        });
        debug_assert!(written.is_ok(), "the room is as long as the text");
    }
}

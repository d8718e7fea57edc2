//! Where text is written.

use std::fmt::Write;

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
}

impl Out for SecretBuffer {
    fn with_room(bytes: usize) -> Self {
        Self::with_capacity(bytes)
    }

    fn last(&self) -> Option<u8> {
        self.expose().last().copied()
    }
}

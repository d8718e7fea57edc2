//! Text of bounded length.

use std::fmt;

/// A text under construction that takes no more than it has room for. What comes after is cut off, at a
/// character, and fails the writing.
pub(crate) struct Cut {
    text: String,
    most: usize,
}

impl Cut {
    /// An empty text of at most `most` bytes.
    pub(crate) fn new(most: usize) -> Self {
        Self { text: String::new(), most }
    }

    /// The text so far.
    pub(crate) fn into_text(self) -> String {
        self.text
    }
}

impl fmt::Write for Cut {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let room = self.most.saturating_sub(self.text.len());
        if text.len() <= room {
            self.text.push_str(text);
            return Ok(());
        }
        self.text.push_str(&text[..text.floor_char_boundary(room)]);
        Err(fmt::Error)
    }
}

//! What others have written, shown to people.

use std::fmt::{self, Write as _};

/// A text that callers have had a hand in, as it can be shown on a terminal: whatever would move the cursor, break
/// the line or turn the direction of writing stands as `\u{..}`, so that it can neither hide nor forge anything.
#[derive(Clone, Copy, Debug)]
pub struct Visible<'t>(pub &'t str);

impl fmt::Display for Visible<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for letter in self.0.chars() {
            if acts(letter) { write!(f, "{}", letter.escape_unicode())? } else { f.write_char(letter)? }
        }
        Ok(())
    }
}

/// Whether a terminal does something else with it than show it: controls, separators of lines, and the marks,
/// embeddings, overrides and isolates of the Unicode Bidirectional Algorithm (UAX #9).
fn acts(letter: char) -> bool {
    letter.is_control()
        || matches!(letter, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_acts_on_a_terminal() {
        assert_eq!(Visible("Zoë: \"x\\y\" 雪").to_string(), "Zoë: \"x\\y\" 雪");
        assert_eq!(Visible("a\x1b[31m\r\n\u{7f}\u{9b}b").to_string(), r"a\u{1b}[31m\u{d}\u{a}\u{7f}\u{9b}b");
        assert_eq!(Visible("\u{202e}evil\u{2066}\u{2028}").to_string(), r"\u{202e}evil\u{2066}\u{2028}");
    }
}

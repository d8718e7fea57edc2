//! An event that patterns look at: read as JSON or as words once, however many patterns do.

use std::cell::OnceCell;

use serde_json::Value;

/// The text of an event.
pub(crate) struct Event<'m> {
    message: &'m str,
    json: OnceCell<Option<Value>>,
    words: OnceCell<Vec<&'m str>>,
}

impl<'m> Event<'m> {
    pub(crate) fn new(message: &'m str) -> Self {
        Self { message, json: OnceCell::new(), words: OnceCell::new() }
    }

    pub(crate) fn message(&self) -> &'m str {
        self.message
    }

    /// The event as JSON, if it is.
    pub(super) fn json(&self) -> Option<&Value> {
        self.json.get_or_init(|| serde_json::from_str(self.message).ok()).as_ref()
    }

    /// What stands between spaces; what stands in quotes or brackets is one.
    pub(super) fn words(&self) -> &[&'m str] {
        self.words.get_or_init(|| Words::of(self.message).collect())
    }
}

/// The words that are left. Each character is looked at so many times at most, however many quotes and brackets have no
/// end.
struct Words<'m> {
    rest: &'m str,
    quotes: Closing,
    brackets: Closing,
}

/// What ends a word that begins with its counterpart.
struct Closing {
    letter: char,
    /// Whether one may follow: once none was found, none does.
    may_follow: bool,
    /// Characters that were looked at for one.
    #[cfg(test)]
    looked_at: usize,
}

impl<'m> Words<'m> {
    fn of(message: &'m str) -> Self {
        let closing = |letter| Closing {
            letter,
            may_follow: true,
            #[cfg(test)]
            looked_at: 0,
        };
        Self { rest: message.trim_start(), quotes: closing('"'), brackets: closing(']') }
    }
}

impl<'m> Iterator for Words<'m> {
    type Item = &'m str;

    fn next(&mut self) -> Option<&'m str> {
        let first = self.rest.chars().next()?;
        let inner = self.rest.get(1..).unwrap_or_default();
        let enclosed = match first {
            '"' => self.quotes.split(inner),
            '[' => self.brackets.split(inner),
            _ => None,
        };
        let (word, after) =
            enclosed.unwrap_or_else(|| self.rest.split_once(char::is_whitespace).unwrap_or((self.rest, "")));
        self.rest = after.trim_start();
        Some(word)
    }
}

impl Closing {
    /// What stands before the next one, and after it.
    fn split<'m>(&mut self, text: &'m str) -> Option<(&'m str, &'m str)> {
        if !self.may_follow {
            return None;
        }
        let parts = text.split_once(self.letter);
        #[cfg(test)]
        {
            self.looked_at += parts.map_or(text.len(), |(before, _)| before.len());
        }
        self.may_follow = parts.is_some();
        parts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_enclosed_is_one_word() {
        let words = |text| Words::of(text).collect::<Vec<_>>();
        assert_eq!(words(" a  [b c] \"d ] e\" f"), ["a", "b c", "d ] e", "f"]);
        assert_eq!(words("[a \"b c\" \"d"), ["[a", "b c", "\"d"]);
    }

    #[test]
    fn brackets_without_an_end_are_looked_for_once() {
        let text = format!("{}\"", "[ ".repeat(50_000));
        let mut words = Words::of(&text);
        assert_eq!(words.by_ref().filter(|word| *word == "[").count(), 50_000);
        assert!(words.brackets.looked_at <= text.len());
        assert!(words.quotes.looked_at <= text.len());
    }
}

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
        self.words.get_or_init(|| words(self.message))
    }
}

fn words(message: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let mut rest = message.trim_start();
    while let Some(first) = rest.chars().next() {
        let closing = match first {
            '"' => Some('"'),
            '[' => Some(']'),
            _ => None,
        };
        let inner = rest.get(1..).unwrap_or_default();
        let (word, after) = match closing.and_then(|closing| inner.split_once(closing)) {
            Some((word, after)) => (word, after),
            None => rest.split_once(char::is_whitespace).unwrap_or((rest, "")),
        };
        words.push(word);
        rest = after.trim_start();
    }
    words
}

//! Patterns of the service models, compiled on first use.

use std::sync::OnceLock;

use regex::Regex;

/// A regular expression of a service model.
///
/// The models are written for Java's engine and mean a match of the whole value. [`Pattern::text`] is what
/// AWS prints in its validation errors; the expression that is run is an equal one for the linear-time
/// engine, translated by the generator.
#[derive(Debug)]
pub struct Pattern {
    text: &'static str,
    expression: &'static str,
    compiled: OnceLock<Option<Regex>>,
}

impl Pattern {
    /// A pattern shown as `text` and run as `expression`.
    pub const fn new(text: &'static str, expression: &'static str) -> Self {
        Self { text, expression, compiled: OnceLock::new() }
    }

    /// The pattern in AWS's words.
    pub fn text(&self) -> &'static str {
        self.text
    }

    /// Whether `value` as a whole matches. The generator proves that every expression compiles; one that
    /// does not would match nothing.
    pub fn matches(&self, value: &str) -> bool {
        let compiled =
            self.compiled.get_or_init(|| Regex::new(&format!(r"\A(?:{})\z", self.expression)).ok());
        compiled.as_ref().is_some_and(|regex| regex.is_match(value))
    }
}

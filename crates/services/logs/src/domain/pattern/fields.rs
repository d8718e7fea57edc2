//! Patterns of fields between spaces.

use strongroom_schema::Map;

use super::invalid;
use super::value::{Comparison, Operator};
use crate::error::Refusal;

/// What a pattern says of the fields of an event, in their order.
#[derive(Clone, Debug)]
pub(crate) struct Fields(Vec<Field>);

#[derive(Clone, Debug)]
enum Field {
    /// Any number of fields.
    Rest,
    /// One field, and what must hold of it: one of these, of each all.
    One { name: Option<String>, any: Vec<Vec<Comparison>> },
}

impl Fields {
    /// Reads what stands between the brackets.
    pub(super) fn parse(text: &str) -> Result<Self, Refusal> {
        let fields: Result<Vec<_>, Refusal> = split_at_commas(text).into_iter().map(Field::parse).collect();
        let fields = fields?;
        let rests = fields.iter().filter(|field| matches!(field, Field::Rest)).count();
        if text.trim().is_empty() || rests > 1 {
            return Err(invalid());
        }
        Ok(Self(fields))
    }

    /// The fields of an event that fits, by their names or numbers.
    pub(super) fn extract(&self, message: &str) -> Option<Map<String>> {
        let words = words(message);
        let has_rest = self.0.iter().any(|field| matches!(field, Field::Rest));
        let named = self.0.len() - usize::from(has_rest);
        let skipped = words.len().checked_sub(named).filter(|skipped| has_rest || *skipped == 0)?;
        let mut found = Vec::with_capacity(words.len());
        let mut words = words.into_iter();
        for field in &self.0 {
            match field {
                Field::Rest => {
                    for word in words.by_ref().take(skipped) {
                        found.push((format!("${}", found.len() + 1), word));
                    }
                }
                Field::One { name, any } => {
                    let word = words.next()?;
                    let holds = |all: &Vec<Comparison>| all.iter().all(|one| one.holds_of_text(&word));
                    if !any.is_empty() && !any.iter().any(holds) {
                        return None;
                    }
                    let number = (found.len() + 1).to_string();
                    found.push((format!("${}", name.as_ref().unwrap_or(&number)), word));
                }
            }
        }
        Some(found.into_iter().collect())
    }
}

impl Field {
    fn parse(text: &str) -> Result<Self, Refusal> {
        let text = text.trim();
        if text == "..." {
            return Ok(Self::Rest);
        }
        let is_name = |letter: char| letter.is_alphanumeric() || letter == '_';
        let end = text.find(|letter| !is_name(letter)).unwrap_or(text.len());
        let (name, _) = text.split_at_checked(end).ok_or_else(invalid)?;
        let mut any = Vec::new();
        let has_conditions = end < text.len();
        if has_conditions {
            for alternative in text.split("||") {
                let all: Result<Vec<_>, Refusal> =
                    alternative.split("&&").map(|condition| condition_on(name, condition)).collect();
                any.push(all?);
            }
        }
        Ok(Self::One { name: Some(name.to_owned()).filter(|name| !name.is_empty()), any })
    }
}

/// A condition on the field of that name.
fn condition_on(name: &str, text: &str) -> Result<Comparison, Refusal> {
    let rest = text.trim().strip_prefix(name).ok_or_else(invalid)?.trim_start();
    let (operator, value) = Operator::split(rest).ok_or_else(invalid)?;
    let value = value.trim();
    let quoted = value.strip_prefix('"').and_then(|value| value.strip_suffix('"'));
    Comparison::new(operator, quoted.unwrap_or(value), quoted.is_some())
}

fn split_at_commas(text: &str) -> Vec<&str> {
    let (mut parts, mut start, mut is_quoted) = (Vec::new(), 0, false);
    for (at, letter) in text.char_indices() {
        match letter {
            '"' => is_quoted = !is_quoted,
            ',' if !is_quoted => {
                parts.push(text.get(start..at).unwrap_or_default());
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(text.get(start..).unwrap_or_default());
    parts
}

/// The fields of an event: what stands in quotes or brackets is one.
fn words(message: &str) -> Vec<String> {
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
        words.push(word.to_owned());
        rest = after.trim_start();
    }
    words
}

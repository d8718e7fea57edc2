//! Patterns of terms: texts that an event contains, or does not.

use super::invalid;
use crate::error::Refusal;

/// Terms. Where one must be there, those of which any would do are passed over, as AWS does.
#[derive(Clone, Debug, Default)]
pub(crate) struct Terms {
    all: Vec<String>,
    any: Vec<String>,
    none: Vec<String>,
}

impl Terms {
    pub(super) fn parse(text: &str) -> Result<Self, Refusal> {
        let mut terms = Self::default();
        let mut rest = text.trim_start();
        while let Some(first) = rest.chars().next() {
            let (list, after) = match first {
                '?' => (&mut terms.any, rest.get(1..).unwrap_or_default()),
                '-' => (&mut terms.none, rest.get(1..).unwrap_or_default()),
                _ => (&mut terms.all, rest),
            };
            let (term, after) = term(after)?;
            list.push(term);
            rest = after.trim_start();
        }
        Ok(terms)
    }

    pub(super) fn fit(&self, message: &str) -> bool {
        let contains = |term: &String| message.contains(term.as_str());
        let has_wanted =
            if self.all.is_empty() && !self.any.is_empty() { self.any.iter().any(contains) } else { self.all.iter().all(contains) };
        has_wanted && !self.none.iter().any(contains)
    }
}

/// A term and what follows: in quotes, or of letters, digits and underscores.
fn term(text: &str) -> Result<(String, &str), Refusal> {
    if let Some(quoted) = text.strip_prefix('"') {
        let (mut term, mut letters) = (String::new(), quoted.char_indices());
        while let Some((at, letter)) = letters.next() {
            match letter {
                '\\' => term.push(letters.next().ok_or_else(invalid)?.1),
                '"' => return Ok((term, quoted.get(at + 1..).unwrap_or_default())),
                _ => term.push(letter),
            }
        }
        return Err(invalid());
    }
    let end = text.find(char::is_whitespace).unwrap_or(text.len());
    let (term, after) = text.split_at_checked(end).ok_or_else(invalid)?;
    let is_plain = !term.is_empty() && term.chars().all(|letter| letter.is_alphanumeric() || letter == '_');
    if is_plain { Ok((term.to_owned(), after)) } else { Err(invalid()) }
}

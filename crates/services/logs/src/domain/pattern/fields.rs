//! Patterns of fields between spaces.

use super::invalid;
use super::value::{Comparison, Operator, quoted};
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

    pub(super) fn regexes(&self) -> usize {
        let of_field = |field: &Field| match field {
            Field::Rest => 0,
            Field::One { any, .. } => any.iter().flatten().filter(|one| one.is_regex()).count(),
        };
        self.0.iter().map(of_field).sum()
    }

    /// Whether a field has that name, or that number, which all have that are there.
    pub(super) fn has(&self, name: &str) -> bool {
        let is_named = |field: &Field| matches!(field, Field::One { name: Some(known), .. } if known == name);
        self.0.iter().any(is_named) || name.parse::<u16>().is_ok_and(|number| number > 0)
    }

    pub(super) fn fit(&self, words: &[&str]) -> bool {
        let Some(met) = self.meet(words) else { return false };
        met.into_iter().all(|(word, field)| match field {
            Field::One { any, .. } if !any.is_empty() => {
                any.iter().any(|all| all.iter().all(|one| one.holds_of_text(word)))
            }
            _ => true,
        })
    }

    /// The fields of an event that fits, by their names or numbers.
    pub(super) fn extract(&self, words: &[&str]) -> Vec<(String, String)> {
        let met = self.meet(words).unwrap_or_default();
        let named = (1_usize..).zip(met).map(|(number, (word, field))| {
            let name = match field {
                Field::One { name: Some(name), .. } => name.clone(),
                _ => number.to_string(),
            };
            (format!("${name}"), word.to_owned())
        });
        named.collect()
    }

    pub(super) fn select(&self, words: &[&str], name: &str) -> Option<String> {
        let is_it = |(number, (_, field)): &(usize, (&str, &Field))| match field {
            Field::One { name: Some(known), .. } => known == name,
            _ => number.to_string() == name,
        };
        let found = (1_usize..).zip(self.meet(words)?).find(is_it)?;
        Some(found.1.0.to_owned())
    }

    /// Each word with the field that it stands at; `None` if there are too many or too few.
    fn meet<'w>(&self, words: &[&'w str]) -> Option<Vec<(&'w str, &Field)>> {
        let has_rest = self.0.iter().any(|field| matches!(field, Field::Rest));
        let named = self.0.len() - usize::from(has_rest);
        let skipped = words.len().checked_sub(named).filter(|skipped| has_rest || *skipped == 0)?;
        let fields = self.0.iter().flat_map(|field| {
            let times = if matches!(field, Field::Rest) { skipped } else { 1 };
            std::iter::repeat_n(field, times)
        });
        Some(words.iter().copied().zip(fields).collect())
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
        if end < text.len() {
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
    match quoted(value)? {
        Some((text, "")) => Comparison::of_text(operator, &text),
        Some(_) => Err(invalid()),
        None => Comparison::new(operator, value),
    }
}

/// Splits at commas, but for those in quotes and regular expressions.
fn split_at_commas(text: &str) -> Vec<&str> {
    let (mut parts, mut start, mut within) = (Vec::new(), 0, None);
    for (at, letter) in text.char_indices() {
        match (letter, within) {
            (',', None) => {
                parts.push(text.get(start..at).unwrap_or_default());
                start = at + 1;
            }
            ('"' | '%', None) => within = Some(letter),
            (letter, Some(open)) if letter == open => within = None,
            _ => {}
        }
    }
    parts.push(text.get(start..).unwrap_or_default());
    parts
}

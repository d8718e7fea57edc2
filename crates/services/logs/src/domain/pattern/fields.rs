//! Patterns of fields between spaces.

use super::invalid;
use super::value::{Comparison, Operator, quoted};
use super::work::{Spent, Work, all, any};
use crate::error::Refusal;

/// The work with a word that is passed, and with one that is taken out together with its name.
const A_WORD: u64 = 4;
const A_WORD_TAKEN: u64 = 256;

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
        let fields: Result<Vec<_>, Refusal> = split_at(text, ",").into_iter().map(Field::parse).collect();
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

    pub(super) fn fit(&self, words: &[&str], work: &mut Work) -> Result<bool, Spent> {
        work.spend(words.len(), A_WORD)?;
        let Some(met) = self.meet(words) else { return Ok(false) };
        for (word, field) in met {
            if let Field::One { any: wanted, .. } = field
                && !wanted.is_empty()
                && !any(wanted, |each| all(each, |one| one.holds_of_text(word, work)))?
            {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The fields of an event that fits, by their names or numbers.
    pub(super) fn extract(&self, words: &[&str], work: &mut Work) -> Result<Vec<(String, String)>, Spent> {
        work.spend(words.len(), A_WORD_TAKEN)?;
        let Some(met) = self.meet(words) else { return Ok(Vec::new()) };
        let named = (1_usize..).zip(met).map(|(number, (word, field))| {
            let name = match field {
                Field::One { name: Some(name), .. } => name.clone(),
                _ => number.to_string(),
            };
            (format!("${name}"), word.to_owned())
        });
        Ok(named.collect())
    }

    pub(super) fn select(
        &self,
        words: &[&str],
        name: &str,
        work: &mut Work,
    ) -> Result<Option<String>, Spent> {
        work.spend(words.len(), A_WORD)?;
        let wanted = name.parse::<usize>().ok().filter(|number| number.to_string() == name);
        let is_it = |(number, (_, field)): &(usize, (&str, &Field))| match field {
            Field::One { name: Some(known), .. } => known == name,
            _ => wanted == Some(*number),
        };
        let found = self.meet(words).and_then(|met| (1_usize..).zip(met).find(is_it));
        Ok(found.map(|(_, (word, _))| word.to_owned()))
    }

    /// Each word with the field that it stands at; `None` if there are too many or too few.
    fn meet<'w>(&self, words: &[&'w str]) -> Option<impl Iterator<Item = (&'w str, &Field)>> {
        let has_rest = self.0.iter().any(|field| matches!(field, Field::Rest));
        let named = self.0.len() - usize::from(has_rest);
        let skipped = words.len().checked_sub(named).filter(|skipped| has_rest || *skipped == 0)?;
        let fields = self.0.iter().flat_map(move |field| {
            let times = if matches!(field, Field::Rest) { skipped } else { 1 };
            std::iter::repeat_n(field, times)
        });
        Some(words.iter().copied().zip(fields))
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
            for alternative in split_at(text, "||") {
                let conditions = split_at(alternative, "&&").into_iter();
                let all: Result<Vec<_>, Refusal> =
                    conditions.map(|condition| condition_on(name, condition)).collect();
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

/// Splits at a separator, but for those in quotes and in regular expressions, which follow an operator.
fn split_at<'t>(text: &'t str, separator: &str) -> Vec<&'t str> {
    let (mut parts, mut start, mut within, mut last) = (Vec::new(), 0, None, ' ');
    let mut letters = text.char_indices();
    while let Some((at, letter)) = letters.next() {
        match (letter, within) {
            ('\\', Some('"')) => drop(letters.next()),
            (letter, Some(open)) if letter == open => within = None,
            ('"', None) => within = Some(letter),
            ('%', None) if last == '=' => within = Some(letter),
            (_, None) if at >= start && text.get(at..).is_some_and(|rest| rest.starts_with(separator)) => {
                parts.push(text.get(start..at).unwrap_or_default());
                start = at + separator.len();
            }
            _ => {}
        }
        if !letter.is_whitespace() {
            last = letter;
        }
    }
    parts.push(text.get(start..).unwrap_or_default());
    parts
}

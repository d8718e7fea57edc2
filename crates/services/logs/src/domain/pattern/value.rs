//! What values are compared with.

use std::cmp::Ordering;

use super::invalid;
use super::work::{Spent, Work};
use crate::error::Refusal;

/// What a compiled regular expression takes, in bytes at most, and the work that one of that size has with a character at
/// worst: there it follows all that may still become a match, which are the more the larger it is.
const SIZES: [(usize, u64); 3] = [(16 << 10, 16), (64 << 10, 128), (256 << 10, 1_024)];

/// The work with a comparison beside that with its characters.
const A_COMPARISON: usize = 32;

/// Characters that stand for themselves in regular expressions, and those that mean something (User Guide, "Supported
/// regular expressions syntax"). Others are written `\xHH`.
const PLAIN: &str = ":_#=@/;,- ";
const MEANING: &str = "^$?[]{}|\\*+.";

/// How a value is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operator {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// A comparison with a number, with text in which `*` stands for anything, or with a regular expression.
#[derive(Clone, Debug)]
pub(super) struct Comparison {
    operator: Operator,
    wanted: Wanted,
}

#[derive(Clone, Debug)]
enum Wanted {
    Number(Number, String),
    Text(String),
    Regex(Regex),
}

/// A number as it is written. Integers are compared as such: long ones that differ are different.
#[derive(Clone, Copy, Debug)]
struct Number {
    integer: Option<i128>,
    number: f64,
}

/// A regular expression, of those that AWS takes. It is found anywhere in a text, in time that grows with the text and with
/// the expression.
#[derive(Clone, Debug)]
pub(super) struct Regex {
    regex: regex::Regex,
    /// The work with a character.
    work: u64,
}

impl Regex {
    pub(super) fn parse(text: &str) -> Result<Self, Refusal> {
        // Text: answers of AWS quoted in public issue threads.
        let refused = || Refusal::invalid(format!("Invalid character(s) in term '%{text}%'"));
        let is_taken = |letter: char| {
            letter.is_ascii_alphanumeric() || PLAIN.contains(letter) || MEANING.contains(letter)
        };
        if text.is_empty() || !text.chars().all(is_taken) {
            return Err(refused());
        }
        let of_size = |(size, work): (usize, u64)| {
            let built = regex::RegexBuilder::new(text).size_limit(size).nest_limit(16).build();
            built.ok().map(|regex| Self { regex, work })
        };
        SIZES.into_iter().find_map(of_size).ok_or_else(refused)
    }

    pub(super) fn is_in(&self, text: &str, work: &mut Work) -> Result<bool, Spent> {
        work.spend(text.len().saturating_add(A_COMPARISON), self.work)?;
        Ok(self.regex.is_match(text))
    }
}

impl Operator {
    /// The operator that a text begins with, and what follows.
    pub(super) fn split(text: &str) -> Option<(Self, &str)> {
        [
            ("!=", Self::NotEqual),
            ("<=", Self::LessOrEqual),
            (">=", Self::GreaterOrEqual),
            ("=", Self::Equal),
            ("<", Self::Less),
            (">", Self::Greater),
        ]
        .into_iter()
        .find_map(|(sign, operator)| Some((operator, text.strip_prefix(sign)?)))
    }

    fn is_order(self) -> bool {
        !matches!(self, Self::Equal | Self::NotEqual)
    }
}

impl Comparison {
    /// A comparison with a value as it is written without quotes.
    pub(super) fn new(operator: Operator, text: &str) -> Result<Self, Refusal> {
        if let Some(regex) = text.strip_prefix('%') {
            let regex = regex.strip_suffix('%').filter(|_| !operator.is_order()).ok_or_else(invalid)?;
            return Ok(Self { operator, wanted: Wanted::Regex(Regex::parse(regex)?) });
        }
        match Number::parse(text).filter(|number| number.number.is_finite()) {
            Some(number) => Ok(Self { operator, wanted: Wanted::Number(number, text.to_owned()) }),
            None if text.is_empty() => Err(invalid()),
            None => Self::of_text(operator, text),
        }
    }

    /// A comparison with text.
    pub(super) fn of_text(operator: Operator, text: &str) -> Result<Self, Refusal> {
        if operator.is_order() {
            return Err(invalid());
        }
        Ok(Self { operator, wanted: Wanted::Text(text.to_owned()) })
    }

    pub(super) fn is_regex(&self) -> bool {
        matches!(self.wanted, Wanted::Regex(_))
    }

    pub(super) fn holds_of_number(&self, value: &serde_json::Number, work: &mut Work) -> Result<bool, Spent> {
        match (&self.wanted, Number::of(value)) {
            (Wanted::Number(wanted, _), Some(number)) => {
                work.spend(A_COMPARISON, 1)?;
                Ok(self.compares(number, *wanted))
            }
            _ => self.holds_of_text(&value.to_string(), work),
        }
    }

    pub(super) fn holds_of_text(&self, value: &str, work: &mut Work) -> Result<bool, Spent> {
        work.spend(value.len().saturating_add(A_COMPARISON), 1)?;
        if let Wanted::Number(wanted, _) = &self.wanted
            && self.operator.is_order()
        {
            return Ok(Number::parse(value).is_some_and(|number| self.compares(number, *wanted)));
        }
        let fits = match &self.wanted {
            Wanted::Number(_, text) | Wanted::Text(text) => {
                work.spend(text.len(), 1)?;
                fits_wildcard(text, value)
            }
            Wanted::Regex(regex) => regex.is_in(value, work)?,
        };
        Ok(fits == (self.operator == Operator::Equal))
    }

    fn compares(&self, value: Number, wanted: Number) -> bool {
        let order = value.compare(wanted);
        match self.operator {
            Operator::Equal => order == Some(Ordering::Equal),
            Operator::NotEqual => order != Some(Ordering::Equal),
            Operator::Less => order == Some(Ordering::Less),
            Operator::LessOrEqual => matches!(order, Some(Ordering::Less | Ordering::Equal)),
            Operator::Greater => order == Some(Ordering::Greater),
            Operator::GreaterOrEqual => matches!(order, Some(Ordering::Greater | Ordering::Equal)),
        }
    }
}

impl Number {
    fn parse(text: &str) -> Option<Self> {
        Some(Self { integer: text.parse().ok(), number: text.parse().ok()? })
    }

    fn of(value: &serde_json::Number) -> Option<Self> {
        let integer = value.as_i64().map(i128::from).or_else(|| value.as_u64().map(i128::from));
        Some(Self { integer, number: value.as_f64()? })
    }

    fn compare(self, other: Self) -> Option<Ordering> {
        match (self.integer, other.integer) {
            (Some(one), Some(other)) => Some(one.cmp(&other)),
            _ => self.number.partial_cmp(&other.number),
        }
    }
}

/// The text in quotes that a text begins with, and what follows; `None` if it begins with no quote. A backslash takes the
/// meaning from what follows.
pub(super) fn quoted(text: &str) -> Result<Option<(String, &str)>, Refusal> {
    let Some(inner) = text.strip_prefix('"') else { return Ok(None) };
    let (mut taken, mut letters) = (String::new(), inner.char_indices());
    while let Some((at, letter)) = letters.next() {
        match letter {
            '\\' => taken.push(letters.next().ok_or_else(invalid)?.1),
            '"' => return Ok(Some((taken, inner.get(at + 1..).unwrap_or_default()))),
            _ => taken.push(letter),
        }
    }
    Err(invalid())
}

/// Parts between `*` are looked for from left to right; the first and the last are tied to the ends.
fn fits_wildcard(pattern: &str, text: &str) -> bool {
    let Some((first, rest)) = pattern.split_once('*') else { return pattern == text };
    let Some(mut text) = text.strip_prefix(first) else { return false };
    let (middle, last) = rest.rsplit_once('*').unwrap_or(("", rest));
    for part in middle.split('*').filter(|part| !part.is_empty()) {
        let Some((_, after)) = text.split_once(part) else { return false };
        text = after;
    }
    text.ends_with(last)
}

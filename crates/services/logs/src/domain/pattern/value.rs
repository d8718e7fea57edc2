//! What values are compared with.

use super::invalid;
use crate::error::Refusal;

/// What a compiled regular expression may take, in bytes.
const MOST_COMPILED: usize = 256 << 10;

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
    Number(f64, String),
    Text(String),
    Regex(Regex),
}

/// A regular expression, of those that AWS takes. It is found anywhere in a text, in time that grows with the text alone.
#[derive(Clone, Debug)]
pub(super) struct Regex(regex::Regex);

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
        let compiled = regex::RegexBuilder::new(text).size_limit(MOST_COMPILED).nest_limit(16).build();
        compiled.map(Self).map_err(|_| refused())
    }

    pub(super) fn is_in(&self, text: &str) -> bool {
        self.0.is_match(text)
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
        match text.parse::<f64>().ok().filter(|number| number.is_finite()) {
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

    pub(super) fn holds_of_number(&self, value: &serde_json::Number) -> bool {
        match (&self.wanted, value.as_f64()) {
            (Wanted::Number(wanted, _), Some(number)) => self.compares(number, *wanted),
            _ => self.holds_of_text(&value.to_string()),
        }
    }

    pub(super) fn holds_of_text(&self, value: &str) -> bool {
        if let Wanted::Number(wanted, _) = &self.wanted
            && self.operator.is_order()
        {
            return value.parse().is_ok_and(|number| self.compares(number, *wanted));
        }
        let fits = match &self.wanted {
            Wanted::Number(_, text) | Wanted::Text(text) => fits_wildcard(text, value),
            Wanted::Regex(regex) => regex.is_in(value),
        };
        fits == (self.operator == Operator::Equal)
    }

    fn compares(&self, value: f64, wanted: f64) -> bool {
        let is_same = (value - wanted).abs() <= f64::EPSILON * wanted.abs();
        match self.operator {
            Operator::Equal => is_same,
            Operator::NotEqual => !is_same,
            Operator::Less => value < wanted,
            Operator::LessOrEqual => value <= wanted,
            Operator::Greater => value > wanted,
            Operator::GreaterOrEqual => value >= wanted,
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

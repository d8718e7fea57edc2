//! What values are compared with.

use super::invalid;
use crate::error::Refusal;

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

/// A comparison with a number or with text, in which `*` stands for anything.
#[derive(Clone, Debug)]
pub(super) struct Comparison {
    operator: Operator,
    text: String,
    number: Option<f64>,
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
}

impl Comparison {
    /// A comparison with a value as it is written; `is_quoted` says that it is text in any case.
    pub(super) fn new(operator: Operator, text: &str, is_quoted: bool) -> Result<Self, Refusal> {
        let number = text.parse::<f64>().ok().filter(|number| !is_quoted && number.is_finite());
        let is_order = !matches!(operator, Operator::Equal | Operator::NotEqual);
        if is_order && number.is_none() || text.is_empty() && !is_quoted {
            return Err(invalid());
        }
        Ok(Self { operator, text: text.to_owned(), number })
    }

    pub(super) fn holds_of_number(&self, value: f64) -> bool {
        let Some(bound) = self.number else { return self.operator == Operator::NotEqual };
        match self.operator {
            Operator::Equal => (value - bound).abs() <= f64::EPSILON * bound.abs(),
            Operator::NotEqual => (value - bound).abs() > f64::EPSILON * bound.abs(),
            Operator::Less => value < bound,
            Operator::LessOrEqual => value <= bound,
            Operator::Greater => value > bound,
            Operator::GreaterOrEqual => value >= bound,
        }
    }

    pub(super) fn holds_of_text(&self, value: &str) -> bool {
        match self.operator {
            Operator::Equal => fits_wildcard(&self.text, value),
            Operator::NotEqual => !fits_wildcard(&self.text, value),
            _ => value.parse().is_ok_and(|number| self.holds_of_number(number)),
        }
    }
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

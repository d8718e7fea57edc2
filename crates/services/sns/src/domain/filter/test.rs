//! Tests of single values.

use std::net::IpAddr;

use ipnet::IpNet;
use serde_json::{Map, Value};

use super::refused;
use crate::error::Refusal;

/// Numbers that policies may hold (SNS Developer Guide, "Filter policy constraints").
const LARGEST: f64 = 1.0e9;

/// What a value may be.
#[derive(Clone, Debug)]
pub(super) enum Test {
    /// Text, a number, a flag or null, as it is.
    Is(Value),
    Text(TextTest),
    /// None of these.
    AnythingBut(Vec<Value>),
    /// No text for which one of these holds.
    AnythingButText(Vec<TextTest>),
    Numeric(Vec<(Comparison, f64)>),
    Cidr(IpNet),
    Exists(bool),
}

/// A test of text.
#[derive(Clone, Debug)]
pub(super) enum TextTest {
    Prefix(String),
    Suffix(String),
    IgnoringCase(String),
    /// `*` stands for any characters.
    Wildcard(String),
}

/// How a number is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Comparison {
    Equal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Test {
    pub(super) fn parse(json: &Value) -> Result<Self, Refusal> {
        match json {
            Value::Object(members) => Self::parse_object(members),
            Value::Array(_) => Err(refused("Match value must be String, number, true, false, or null")),
            value => Ok(Self::Is(checked(value)?)),
        }
    }

    fn parse_object(members: &Map<String, Value>) -> Result<Self, Refusal> {
        let mut members = members.iter();
        let (Some((keyword, value)), None) = (members.next(), members.next()) else {
            return Err(refused("Only one key allowed in match expression"));
        };
        Ok(match (keyword.as_str(), value) {
            ("exists", Value::Bool(exists)) => Self::Exists(*exists),
            ("exists", _) => return Err(refused("exists match pattern must be either true or false.")),
            ("numeric", Value::Array(terms)) => Self::Numeric(numeric(terms)?),
            ("numeric", _) => return Err(refused("Value of numeric must be an array.")),
            ("cidr", Value::String(text)) => {
                let network = text.parse().map_err(|_| refused(format!("Malformed CIDR: {text}")))?;
                Self::Cidr(network)
            }
            ("anything-but", Value::Array(values)) => {
                if values.is_empty() {
                    return Err(refused("Empty arrays are not allowed"));
                }
                Self::AnythingBut(values.iter().map(checked).collect::<Result<_, _>>()?)
            }
            ("anything-but", Value::Object(inner)) => {
                let mut inner = inner.iter();
                let (Some((keyword, value)), None) = (inner.next(), inner.next()) else {
                    return Err(refused("Only one key allowed in match expression"));
                };
                let values = match value {
                    Value::Array(values) if !values.is_empty() => values.as_slice(),
                    single => std::slice::from_ref(single),
                };
                let tests = values.iter().map(|value| TextTest::parse(keyword, value));
                Self::AnythingButText(tests.collect::<Result<_, _>>()?)
            }
            ("anything-but", value) => Self::AnythingBut(vec![checked(value)?]),
            (keyword, value) => Self::Text(TextTest::parse(keyword, value)?),
        })
    }

    /// Whether it asks only whether there is something.
    pub(super) fn existence(&self) -> Option<bool> {
        if let Self::Exists(exists) = self { Some(*exists) } else { None }
    }

    /// Whether a value fits.
    pub(super) fn fits(&self, value: &Value) -> bool {
        match self {
            Self::Is(wanted) => same(wanted, value),
            Self::Text(test) => value.as_str().is_some_and(|text| test.fits(text)),
            Self::AnythingBut(unwanted) => !unwanted.iter().any(|unwanted| same(unwanted, value)),
            Self::AnythingButText(tests) => {
                value.as_str().is_some_and(|text| !tests.iter().any(|test| test.fits(text)))
            }
            Self::Numeric(terms) => value
                .as_f64()
                .is_some_and(|number| terms.iter().all(|(how, bound)| how.holds(number, *bound))),
            Self::Cidr(network) => {
                let address = value.as_str().and_then(|text| text.parse::<IpAddr>().ok());
                address.is_some_and(|address| network.contains(&address))
            }
            Self::Exists(exists) => *exists,
        }
    }
}

/// Whether two values are the same; numbers are, however they are written.
fn same(wanted: &Value, value: &Value) -> bool {
    match (wanted.as_f64(), value.as_f64()) {
        (Some(wanted), Some(value)) => Comparison::Equal.holds(value, wanted),
        _ => wanted == value,
    }
}

fn checked(value: &Value) -> Result<Value, Refusal> {
    match value {
        Value::Array(_) | Value::Object(_) => {
            Err(refused("Match value must be String, number, true, false, or null"))
        }
        Value::Number(number) => {
            let within = number.as_f64().filter(|number| number.abs() <= LARGEST);
            within.ok_or_else(|| refused("Value must be between -1.0E9 and 1.0E9, inclusive"))?;
            Ok(value.clone())
        }
        value => Ok(value.clone()),
    }
}

fn numeric(terms: &[Value]) -> Result<Vec<(Comparison, f64)>, Refusal> {
    let (pairs, rest) = terms.as_chunks::<2>();
    if pairs.is_empty() || pairs.len() > 2 || !rest.is_empty() {
        return Err(refused("Invalid member in numeric match: an operator and a number, once or twice"));
    }
    let read = |[operator, number]: &[Value; 2]| {
        let operator = operator.as_str().and_then(Comparison::parse);
        let operator = operator.ok_or_else(|| refused("Unrecognized numeric range operator"))?;
        let number = checked(number)?.as_f64();
        Ok((operator, number.ok_or_else(|| refused("Value of numeric must be numeric"))?))
    };
    let read: Vec<_> = pairs.iter().map(read).collect::<Result<_, Refusal>>()?;
    if let [(low, least), (high, most)] = read.as_slice() {
        use Comparison::{Greater, GreaterOrEqual, Less, LessOrEqual};
        let is_range = matches!((low, high), (Greater | GreaterOrEqual, Less | LessOrEqual));
        if !is_range || least >= most {
            return Err(refused("Bottom must be less than top"));
        }
    }
    Ok(read)
}

impl Comparison {
    fn parse(text: &str) -> Option<Self> {
        match text {
            "=" => Some(Self::Equal),
            "<" => Some(Self::Less),
            "<=" => Some(Self::LessOrEqual),
            ">" => Some(Self::Greater),
            ">=" => Some(Self::GreaterOrEqual),
            _ => None,
        }
    }

    /// Numbers count to five places after the point (SNS Developer Guide, "Numeric value matching").
    fn holds(self, number: f64, bound: f64) -> bool {
        let (number, bound) = ((number * 1e5).round(), (bound * 1e5).round());
        match self {
            Self::Equal => (number - bound).abs() < 0.5,
            Self::Less => number < bound,
            Self::LessOrEqual => number <= bound,
            Self::Greater => number > bound,
            Self::GreaterOrEqual => number >= bound,
        }
    }
}

impl TextTest {
    fn parse(keyword: &str, value: &Value) -> Result<Self, Refusal> {
        let text = || {
            let text = value.as_str().filter(|text| !text.is_empty());
            text.map(str::to_owned)
                .ok_or_else(|| refused(format!("{keyword} match pattern must be a string")))
        };
        Ok(match keyword {
            "prefix" => Self::Prefix(text()?),
            "suffix" => Self::Suffix(text()?),
            "equals-ignore-case" => Self::IgnoringCase(text()?),
            "wildcard" => {
                let text = text()?;
                if text.contains("**") {
                    return Err(refused("Consecutive wildcard characters are not allowed"));
                }
                Self::Wildcard(text)
            }
            other => return Err(refused(format!("Unrecognized match type {other}"))),
        })
    }

    fn fits(&self, text: &str) -> bool {
        match self {
            Self::Prefix(prefix) => text.starts_with(prefix.as_str()),
            Self::Suffix(suffix) => text.ends_with(suffix.as_str()),
            Self::IgnoringCase(other) => text.to_lowercase() == other.to_lowercase(),
            Self::Wildcard(pattern) => fits_wildcard(pattern, text),
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn stars_stand_for_anything() {
        for (pattern, text, fits) in [
            ("a", "a", true),
            ("a", "ab", false),
            ("*", "", true),
            ("a*", "a", true),
            ("*a", "ba", true),
            ("a*a", "a", false),
            ("a*b*c", "axxbyyc", true),
            ("a*b*c", "acb", false),
            ("a*b*", "ab", true),
            ("*aab", "aaab", true),
        ] {
            assert_eq!(fits_wildcard(pattern, text), fits, "{pattern} {text}");
        }
    }

    proptest! {
        /// As the definition has it, which takes exponential time.
        #[test]
        fn stars_are_as_the_definition_says(pattern in "[ab*]{0,7}", text in "[ab]{0,8}") {
            fn slow(pattern: &[u8], text: &[u8]) -> bool {
                match pattern.split_first() {
                    None => text.is_empty(),
                    Some((b'*', rest)) => (0..=text.len()).any(|skipped| slow(rest, &text[skipped..])),
                    Some((letter, rest)) => text.first() == Some(letter) && slow(rest, &text[1..]),
                }
            }
            prop_assert_eq!(fits_wildcard(&pattern, &text), slow(pattern.as_bytes(), text.as_bytes()));
        }
    }
}

//! The constraints of one shape: what they say, and whether a value satisfies them.

use std::fmt;

use strongroom_schema::{Bound, Kind, Pattern, Schema, Value};

/// One constraint.
#[derive(Clone, Copy)]
pub(crate) enum Rule {
    /// Length, or value of a number, at most that.
    Most(&'static Schema, Bound),
    /// Length, or value of a number, at least that.
    Least(&'static Schema, Bound),
    /// The whole text matches.
    Matches(&'static Pattern),
    /// The text is one of the first; AWS says that it would have to be one of the second.
    OneOf(&'static [&'static str], &'static [&'static str]),
}

/// The constraints of a shape, in the order in which AWS lists them.
pub(crate) fn of(schema: &'static Schema) -> impl Iterator<Item = Rule> {
    let constraints = &schema.constraints;
    let values = if let Kind::Enum(values) = schema.kind { Some(values) } else { None };
    let one_of = |valid| Rule::OneOf(valid, constraints.enum_listed.unwrap_or(valid));
    [
        constraints.max.map(|bound| Rule::Most(schema, bound)),
        constraints.min.map(|bound| Rule::Least(schema, bound)),
        constraints.pattern.map(Rule::Matches),
        values.map(one_of),
    ]
    .into_iter()
    .flatten()
}

/// The constraints of a shape in words, joined.
pub(super) fn all(schema: &'static Schema) -> String {
    of(schema).map(|rule| rule.to_string()).collect::<Vec<_>>().join(", ")
}

/// Whether values of that shape hold values of their own.
pub(super) fn has_inside(schema: &Schema) -> bool {
    matches!(schema.kind, Kind::List(_) | Kind::Map(..) | Kind::Structure(_) | Kind::Union(_))
}

impl Rule {
    /// Whether a value satisfies the constraint.
    pub(crate) fn holds(self, value: Value<'_>) -> bool {
        match self {
            Self::Most(_, bound) => compare(value, bound).is_none_or(std::cmp::Ordering::is_le),
            Self::Least(_, bound) => compare(value, bound).is_none_or(std::cmp::Ordering::is_ge),
            Self::Matches(pattern) => !matches!(value, Value::String(text) if !pattern.matches(text)),
            Self::OneOf(valid, _) => !matches!(value, Value::String(text) if !valid.contains(&text)),
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Most(schema, bound) => {
                write!(f, "Member must have {} less than or equal to {bound}", measure(schema))
            }
            Self::Least(schema, bound) => {
                write!(f, "Member must have {} greater than or equal to {bound}", measure(schema))
            }
            Self::Matches(pattern) => {
                write!(f, "Member must satisfy regular expression pattern: {}", pattern.text())
            }
            Self::OneOf(_, listed) => {
                write!(f, "Member must satisfy enum value set: [{}]", listed.join(", "))
            }
        }
    }
}

/// What limits of that shape are limits of.
fn measure(schema: &Schema) -> &'static str {
    match schema.kind {
        Kind::Integer | Kind::Long | Kind::Float | Kind::Double => "value",
        _ => "length",
    }
}

/// A value's number or length against a limit; `None` for values that have neither, and for NaN.
fn compare(value: Value<'_>, bound: Bound) -> Option<std::cmp::Ordering> {
    let length = match value {
        Value::Integer(number) => {
            return match bound {
                Bound::Int(limit) => Some(number.cmp(&limit)),
                Bound::Float(limit) => (number as f64).partial_cmp(&limit),
            };
        }
        Value::Float(number) => return f64::from(number).partial_cmp(&bound.as_f64()),
        Value::Double(number) => return number.partial_cmp(&bound.as_f64()),
        Value::String(text) => utf16_length(text),
        Value::Blob(bytes) => bytes.len(),
        Value::List(list) => list.len(),
        Value::Map(map) => map.len(),
        Value::Boolean(_) | Value::Timestamp(_) | Value::Structure(_) => return None,
    };
    Some((length as i64).cmp(&bound.as_i64()))
}

/// The length of a text as AWS's services count it, which are written in Java.
fn utf16_length(text: &str) -> usize {
    if text.is_ascii() { text.len() } else { text.chars().map(char::len_utf16).sum() }
}

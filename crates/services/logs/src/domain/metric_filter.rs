//! Metric filters: which events say something, and what (CloudWatch Logs User Guide, "Creating metrics from log events
//! using filters").

use serde::{Deserialize, Serialize};
use strongroom_crypto::CryptoError;

use super::id::Id;
use super::pattern::{Event, Pattern, Selector, Spent, Work};
use crate::error::Refusal;

/// Filters of a group, and regular expressions in all of them (Logs API Reference, PutMetricFilter).
pub(crate) const MOST_IN_GROUP: usize = 100;
pub(crate) const MOST_REGEXES_IN_GROUP: usize = 5;

/// What the namespaces of the services' own metrics begin with: nobody else says anything in them.
const RESERVED: &str = "AWS/";

/// Dimensions of a filter's metric.
const MOST_DIMENSIONS: usize = 3;

/// The work that a filter may have with the events of one batch before it looks at no other of them, and more for each of its regular expressions: 32 terms are
/// looked for in all that one call can put.
const MOST_WORK: u64 = 32 << 20;
const MOST_WORK_OF_A_REGEX: u64 = 256 << 20;

/// Characters of a dimension's value (CloudWatch API Reference, Dimension).
const LONGEST_DIMENSION: usize = 1024;

/// The largest value that CloudWatch takes, either way: 2 to the power of 360.
fn largest() -> f64 {
    2.0_f64.powi(360)
}

/// A metric filter as the store keeps it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct MetricFilter {
    /// The group.
    pub(crate) group: Id,
    pub(crate) name: String,
    /// What its minutes are noted under. A filter that is made anew under the name of one that was deleted has another, so
    /// that what is still said by that one does not count for it.
    pub(crate) noted_under: String,
    pub(crate) created_ms: i64,
    pub(crate) rule: Rule,
}

impl MetricFilter {
    /// What the minutes of a new filter are noted under. No filter has that for a name: there is a colon in it.
    pub(crate) fn new_note(name: &str) -> Result<String, CryptoError> {
        Ok(format!("{name}:{}", Id::new()?))
    }
}

/// What PutMetricFilter sets.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Rule {
    pub(crate) pattern: String,
    pub(crate) metric: String,
    pub(crate) namespace: String,
    /// A number, or what names one in events.
    pub(crate) value: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) default: Option<f64>,
    /// Names, and what names their values in events.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) dimensions: Vec<(String, String)>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) unit: Option<String>,
}

/// A rule, ready to look at events.
#[derive(Clone, Debug)]
pub(crate) struct Compiled {
    pattern: Pattern,
    value: Value,
    default: Option<f64>,
    dimensions: Vec<(String, Selector)>,
}

#[derive(Clone, Debug)]
enum Value {
    Number(f64),
    Of(Selector),
}

/// What comes of an event that fits.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Seen {
    Says(Said),
    /// It has no number, or not all dimensions.
    SaysNothing,
}

/// What an event says.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Said {
    pub(crate) value: f64,
    pub(crate) dimensions: Vec<(String, String)>,
}

impl Rule {
    /// Whether its metric would be one of the services' own.
    pub(crate) fn is_reserved(&self) -> bool {
        self.namespace.starts_with(RESERVED)
    }

    /// Reads a rule. Texts without a note are answers of AWS quoted in public issue threads.
    pub(crate) fn compile(&self) -> Result<Compiled, Refusal> {
        let pattern = Pattern::parse(&self.pattern)?;
        if !self.dimensions.is_empty() && self.default.is_some() {
            return Err(Refusal::invalid(
                "Invalid metric transformation: dimensions and default value are mutually exclusive properties",
            ));
        }
        if self.dimensions.len() > MOST_DIMENSIONS {
            // Text: ours.
            return Err(Refusal::invalid(format!(
                "Invalid metric transformation: a metric filter has at most {MOST_DIMENSIONS} dimensions"
            )));
        }
        if !self.dimensions.is_empty() && !pattern.has_values() {
            return Err(Refusal::invalid("The specified filter pattern does not support dimensions"));
        }
        // Texts: ours.
        let unknown = |what: &str, text: &str| {
            Refusal::invalid(format!(
                "Invalid metric transformation: {what} '{text}' is no field of the filter pattern"
            ))
        };
        let value = match self.value.trim().parse::<f64>() {
            Ok(number) if number.is_finite() && number.abs() <= largest() => Value::Number(number),
            _ => Value::Of(
                pattern.selector(self.value.trim()).ok_or_else(|| unknown("the value", &self.value))?,
            ),
        };
        if self.default.is_some_and(|default| !default.is_finite() || default.abs() > largest()) {
            return Err(Refusal::invalid("Invalid metric transformation: the default value is no number"));
        }
        let dimension = |(name, of): &(String, String)| {
            if !is_dimension(name) || name.starts_with(':') {
                return Err(Refusal::invalid(format!(
                    "Invalid metric transformation: '{name}' cannot be the name of a dimension"
                )));
            }
            Ok((name.clone(), pattern.selector(of).ok_or_else(|| unknown("the dimension", of))?))
        };
        let dimensions = self.dimensions.iter().map(dimension).collect::<Result<_, _>>()?;
        Ok(Compiled { value, default: self.default, dimensions, pattern })
    }
}

impl Compiled {
    pub(crate) fn regexes(&self) -> usize {
        self.pattern.regexes()
    }

    pub(crate) fn default(&self) -> Option<f64> {
        self.default
    }

    /// What comes of an event, if it fits.
    pub(crate) fn look_at(&self, event: &Event<'_>, work: &mut Work) -> Result<Option<Seen>, Spent> {
        if !self.pattern.fits(event, work)? {
            return Ok(None);
        }
        Ok(Some(self.said(event, work)?.map_or(Seen::SaysNothing, Seen::Says)))
    }

    fn said(&self, event: &Event<'_>, work: &mut Work) -> Result<Option<Said>, Spent> {
        let value = match &self.value {
            Value::Number(number) => Some(*number),
            Value::Of(selector) => {
                self.pattern.select(event, selector, work)?.and_then(|value| value.parse().ok())
            }
        };
        let Some(value) = value.filter(|value| value.is_finite() && value.abs() <= largest()) else {
            return Ok(None);
        };
        let mut dimensions = Vec::new();
        for (name, selector) in &self.dimensions {
            let found = self.pattern.select(event, selector, work)?;
            let Some(found) = found.filter(|found| is_dimension(found)) else { return Ok(None) };
            dimensions.push((name.clone(), found));
        }
        Ok(Some(Said { value, dimensions }))
    }

    /// The work that looking at the events of one batch may be.
    pub(crate) fn work(&self) -> Work {
        let regexes = u64::try_from(self.regexes()).unwrap_or_default();
        Work::of(MOST_WORK.saturating_add(MOST_WORK_OF_A_REGEX.saturating_mul(regexes)))
    }
}

/// What CloudWatch takes as name or value of a dimension.
fn is_dimension(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii() && !byte.is_ascii_control();
    !text.trim().is_empty() && text.len() <= LONGEST_DIMENSION && text.bytes().all(is_plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(pattern: &str, value: &str) -> Rule {
        Rule {
            pattern: pattern.to_owned(),
            metric: "m".to_owned(),
            namespace: "n".to_owned(),
            value: value.to_owned(),
            default: None,
            dimensions: Vec::new(),
            unit: None,
        }
    }

    fn with_dimensions(rule: Rule, dimensions: &[(&str, &str)]) -> Rule {
        let owned = dimensions.iter().map(|(name, of)| ((*name).to_owned(), (*of).to_owned()));
        Rule { dimensions: owned.collect(), ..rule }
    }

    fn look(rule: &Rule, message: &str) -> Option<Seen> {
        let compiled = rule.compile().unwrap();
        compiled.look_at(&Event::new(message), &mut compiled.work()).unwrap()
    }

    #[test]
    fn events_say_numbers_and_dimensions() {
        let said = |value, dimensions: &[(&str, &str)]| {
            let owned = dimensions.iter().map(|(name, of)| ((*name).to_owned(), (*of).to_owned()));
            Some(Seen::Says(Said { value, dimensions: owned.collect() }))
        };
        assert_eq!(look(&rule("ERROR", "1"), "an ERROR"), said(1.0, &[]));
        assert_eq!(look(&rule("ERROR", "1"), "fine"), None);
        let latency = rule("{ $.latency = * }", "$.latency");
        assert_eq!(look(&latency, r#"{"latency": 2.5}"#), said(2.5, &[]));
        assert_eq!(
            look(&latency, r#"{"latency": "slow"}"#),
            Some(Seen::SaysNothing),
            "it fits, and says no number"
        );
        let bytes = with_dimensions(rule("[ip, ..., bytes]", "$bytes"), &[("Ip", "$ip")]);
        assert_eq!(look(&bytes, "10.0.0.1 x 42"), said(42.0, &[("Ip", "10.0.0.1")]));
        let by_name = with_dimensions(rule("{ $.n = * }", "1"), &[("Name", "$.name")]);
        assert_eq!(look(&by_name, r#"{"n": 1}"#), Some(Seen::SaysNothing), "a dimension that is not there");
        assert_eq!(look(&by_name, "{\"n\": 1, \"name\": \"\u{e4}\"}"), Some(Seen::SaysNothing));
    }

    #[test]
    fn rules_that_cannot_be_are_refused() {
        let text = |rule: &Rule| match rule.compile() {
            Err(Refusal::Invalid(text)) => text,
            other => panic!("{other:?}"),
        };
        let both = Rule { default: Some(0.0), ..with_dimensions(rule("{ $.a = 1 }", "1"), &[("A", "$.a")]) };
        assert_eq!(
            text(&both),
            "Invalid metric transformation: dimensions and default value are mutually exclusive properties"
        );
        let terms = with_dimensions(rule("ERROR", "1"), &[("A", "$.a")]);
        assert_eq!(text(&terms), "The specified filter pattern does not support dimensions");
        let four = [("A", "$.a"), ("B", "$.a"), ("C", "$.a"), ("D", "$.a")];
        assert!(text(&with_dimensions(rule("{ $.a = 1 }", "1"), &four)).contains("at most 3"));
        for (pattern, value) in [("ERROR", "$.a"), ("[a]", "$b"), ("ERROR", "one"), ("ERROR", "inf")] {
            assert!(text(&rule(pattern, value)).contains("is no field"), "{pattern} {value}");
        }
        assert!(
            text(&with_dimensions(rule("{ $.a = 1 }", "1"), &[(":", "$.a")])).contains("name of a dimension")
        );
    }
}

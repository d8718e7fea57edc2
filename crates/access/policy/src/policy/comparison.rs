//! The operators: how a value of a request is compared with the values of a policy (IAM User Guide, "IAM JSON
//! policy elements: Condition operators").

use std::borrow::Cow;
use std::cmp::Ordering;
use std::net::IpAddr;

use ipnet::IpNet;

use super::template::{Fillable, Template};
use super::values::{self, Decimal, text_of};
use crate::decision::Facts;
use crate::document::{Operator, Version};
use crate::effort::Effort;
use crate::keys::Value;
use crate::pattern::Place;

/// The values of a policy, ready to be compared with. A value that is not of the operator's kind, such as
/// `tomorrow` where a date is due, equals nothing and is left out.
#[derive(Clone, Debug)]
pub(super) enum Comparison {
    Text(Box<[Template]>),
    /// In lower case.
    TextOfAnyCase(Box<[Template]>),
    /// Patterns of text and of ARNs.
    Pattern(Box<[Fillable]>, Shape),
    Number(Order, Box<[Decimal]>),
    Moment(Order, Box<[i64]>),
    Truth(Box<[bool]>),
    Bytes(Box<[Vec<u8>]>),
    Network(Box<[IpNet]>),
}

/// What the text of a request must look like to be compared with patterns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    Any,
    Arn,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Order {
    Equal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Order {
    fn holds<T: Ord>(self, of_request: &T, of_policy: &T) -> bool {
        let ordering = of_request.cmp(of_policy);
        match self {
            Self::Equal => ordering == Ordering::Equal,
            Self::Less => ordering == Ordering::Less,
            Self::LessOrEqual => ordering != Ordering::Greater,
            Self::Greater => ordering == Ordering::Greater,
            Self::GreaterOrEqual => ordering != Ordering::Less,
        }
    }
}

/// Whether an operator asks for the opposite of its comparison.
pub(super) fn is_negated(operator: Operator) -> bool {
    matches!(
        operator,
        Operator::StringNotEquals
            | Operator::StringNotEqualsIgnoreCase
            | Operator::StringNotLike
            | Operator::NumericNotEquals
            | Operator::DateNotEquals
            | Operator::NotIpAddress
            | Operator::ArnNotEquals
            | Operator::ArnNotLike
    )
}

impl Comparison {
    /// The comparison that an operator makes or, where it is negated, the opposite of which it makes. `Null`
    /// compares nothing; its values are read as truths.
    pub(super) fn new(operator: Operator, texts: &[String], version: Version) -> Self {
        use Operator as Op;
        let order = match operator {
            Op::NumericLessThan | Op::DateLessThan => Order::Less,
            Op::NumericLessThanEquals | Op::DateLessThanEquals => Order::LessOrEqual,
            Op::NumericGreaterThan | Op::DateGreaterThan => Order::Greater,
            Op::NumericGreaterThanEquals | Op::DateGreaterThanEquals => Order::GreaterOrEqual,
            _ => Order::Equal,
        };
        let template = |text: &String| Template::parse(text, version, Place::Text);
        let patterns = |place| texts.iter().map(|text| Fillable::parse(text, version, place)).collect();
        match operator {
            Op::StringEquals | Op::StringNotEquals => Self::Text(texts.iter().map(template).collect()),
            Op::StringEqualsIgnoreCase | Op::StringNotEqualsIgnoreCase => {
                Self::TextOfAnyCase(texts.iter().map(|text| template(text).to_lowercase()).collect())
            }
            Op::StringLike | Op::StringNotLike => Self::Pattern(patterns(Place::Text), Shape::Any),
            Op::ArnEquals | Op::ArnNotEquals | Op::ArnLike | Op::ArnNotLike => {
                Self::Pattern(patterns(Place::ConditionArn), Shape::Arn)
            }
            Op::NumericEquals
            | Op::NumericNotEquals
            | Op::NumericLessThan
            | Op::NumericLessThanEquals
            | Op::NumericGreaterThan
            | Op::NumericGreaterThanEquals => {
                Self::Number(order, texts.iter().filter_map(|text| values::decimal(text)).collect())
            }
            Op::DateEquals
            | Op::DateNotEquals
            | Op::DateLessThan
            | Op::DateLessThanEquals
            | Op::DateGreaterThan
            | Op::DateGreaterThanEquals => {
                Self::Moment(order, texts.iter().filter_map(|text| values::moment(text)).collect())
            }
            Op::Bool | Op::Null => Self::Truth(texts.iter().filter_map(|text| values::truth(text)).collect()),
            Op::BinaryEquals => Self::Bytes(texts.iter().filter_map(|text| values::bytes(text)).collect()),
            Op::IpAddress | Op::NotIpAddress => {
                Self::Network(texts.iter().filter_map(|text| values::network(text)).collect())
            }
        }
    }

    /// The same with its variables filled in, once for all values of a request: filling in for each would cost the
    /// product of both. What a request has no value for stands for nothing, and is left out.
    pub(super) fn filled(&self, facts: &Facts<'_>) -> Cow<'_, Self> {
        match self {
            Self::Text(templates) if !templates.iter().all(Template::is_fixed) => Cow::Owned(Self::Text(
                templates.iter().filter_map(|template| template.filled(facts)).collect(),
            )),
            Self::TextOfAnyCase(templates) if !templates.iter().all(Template::is_fixed) => {
                let lower = |template: &Template| Some(template.filled(facts)?.to_lowercase());
                Cow::Owned(Self::TextOfAnyCase(templates.iter().filter_map(lower).collect()))
            }
            Self::Pattern(patterns, shape) if !patterns.iter().all(Fillable::is_fixed) => {
                let filled = patterns.iter().filter_map(|pattern| pattern.filled(facts)).collect();
                Cow::Owned(Self::Pattern(filled, *shape))
            }
            _ => Cow::Borrowed(self),
        }
    }

    /// Whether a value of the request fits any value of the policy, whose variables are filled in.
    pub(super) fn fits(&self, value: &Value<'_>, effort: &Effort) -> bool {
        if !effort.spend(self.len()) {
            return false;
        }
        match self {
            Self::Text(templates) => is_any_of(&text_of(value), templates),
            Self::TextOfAnyCase(templates) => {
                let text = text_of(value);
                effort.spend(text.len()) && is_any_of(&text.to_lowercase(), templates)
            }
            Self::Pattern(patterns, shape) => {
                let text = text_of(value);
                (*shape == Shape::Any || is_arn(&text))
                    && patterns.iter().any(|pattern| pattern.matches_filled(&text, effort))
            }
            Self::Number(order, numbers) => values::decimal_of(value)
                .is_some_and(|value| numbers.iter().any(|number| order.holds(&value, number))),
            Self::Moment(order, moments) => values::moment_of(value)
                .is_some_and(|value| moments.iter().any(|moment| order.holds(&value, moment))),
            Self::Truth(truths) => values::truth_of(value).is_some_and(|value| truths.contains(&value)),
            Self::Bytes(all) => {
                values::bytes_of(value).is_some_and(|value| all.iter().any(|b| **b == *value))
            }
            Self::Network(networks) => {
                let has = |address: IpAddr| networks.iter().any(|network| values::has(network, address));
                values::address_of(value).is_some_and(has)
            }
        }
    }

    /// How many values it has: those that could be read, of those that the policy lists.
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Text(values) | Self::TextOfAnyCase(values) => values.len(),
            Self::Pattern(values, _) => values.len(),
            Self::Number(_, values) => values.len(),
            Self::Moment(_, values) => values.len(),
            Self::Truth(values) => values.len(),
            Self::Bytes(values) => values.len(),
            Self::Network(values) => values.len(),
        }
    }

    /// What `Null` asks for: that the key is absent (`true`) or present (`false`).
    pub(super) fn asks_for(&self, absent: bool) -> bool {
        matches!(self, Self::Truth(truths) if truths.contains(&absent))
    }
}

/// Whether a text is one of those that are complete.
fn is_any_of(text: &str, templates: &[Template]) -> bool {
    templates.iter().any(|template| template.text(&()).is_some_and(|complete| complete == text))
}

/// Six fields, of which the first says that it is one.
fn is_arn(text: &str) -> bool {
    text.starts_with("arn:") && text.matches(':').count() >= 5
}

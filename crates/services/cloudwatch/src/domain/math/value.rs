//! What expressions are computed over, and how two of them meet.

use std::collections::BTreeMap;

use super::MathError;
use crate::domain::series::Span;

/// Values in time, one for each period at the most.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Series {
    pub(crate) span: Span,
    pub(crate) points: BTreeMap<i64, f64>,
}

/// A series of an array, and what it is called there.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Labelled {
    pub(crate) label: String,
    pub(crate) series: Series,
}

/// The value of an expression.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    Number(f64),
    Series(Series),
    Array(Vec<Labelled>),
}

impl Series {
    /// The same times with other values; those that have none, or none that is a number, are left out.
    pub(crate) fn map(&self, value: impl Fn(i64, f64) -> Option<f64>) -> Self {
        let points = self.points.iter().filter_map(|(at, known)| {
            let value = value(*at, *known).filter(|value| value.is_finite())?;
            Some((*at, value))
        });
        Self { span: self.span, points: points.collect() }
    }

    /// The beginnings of all of its periods.
    pub(crate) fn periods(&self) -> impl Iterator<Item = i64> + use<> {
        let Span { start_ms, period_ms, .. } = self.span;
        (0..self.span.periods()).map(move |number| start_ms.saturating_add(number.saturating_mul(period_ms)))
    }

    /// Two series, time by time. What only one of them has counts as 0 in the other.
    fn with(&self, other: &Self, meet: impl Fn(f64, f64) -> f64) -> Self {
        let times = self.points.keys().chain(other.points.keys());
        let points = times.filter_map(|at| {
            let one = |series: &Self| series.points.get(at).copied().unwrap_or_default();
            Some((*at, meet(one(self), one(other)))).filter(|(_, value)| value.is_finite())
        });
        Self { span: self.span, points: points.collect() }
    }
}

impl Value {
    /// Each of its numbers made another.
    pub(crate) fn map(self, value: &impl Fn(i64, f64) -> Option<f64>) -> Result<Self, MathError> {
        Ok(match self {
            Self::Number(number) => Self::Number(
                value(0, number)
                    .filter(|value| value.is_finite())
                    .ok_or_else(|| MathError::invalid("the result is not a number"))?,
            ),
            Self::Series(series) => Self::Series(series.map(value)),
            Self::Array(all) => Self::Array(
                all.into_iter()
                    .map(|one| Labelled { series: one.series.map(value), label: one.label })
                    .collect(),
            ),
        })
    }

    /// Each of its series made another; a number is none.
    pub(crate) fn map_series(self, make: &impl Fn(&Series) -> Series) -> Result<Self, MathError> {
        match self {
            Self::Number(_) => Err(MathError::invalid("a time series is expected, not a number")),
            Self::Series(series) => Ok(Self::Series(make(&series))),
            Self::Array(all) => Ok(Self::Array(
                all.into_iter().map(|one| Labelled { series: make(&one.series), label: one.label }).collect(),
            )),
        }
    }

    /// Two values, number by number.
    pub(crate) fn with(self, other: Self, meet: &impl Fn(f64, f64) -> f64) -> Result<Self, MathError> {
        Ok(match (self, other) {
            (Self::Number(left), Self::Number(right)) => {
                let value = meet(left, right);
                if !value.is_finite() {
                    return Err(MathError::invalid("the result is not a number"));
                }
                Self::Number(value)
            }
            (Self::Number(left), right) => right.map(&|_, right| Some(meet(left, right)))?,
            (left, Self::Number(right)) => left.map(&|_, left| Some(meet(left, right)))?,
            (Self::Series(left), Self::Series(right)) => Self::Series(left.with(&right, meet)),
            (Self::Array(left), Self::Series(right)) => Self::Array(
                left.into_iter()
                    .map(|one| Labelled { series: one.series.with(&right, meet), label: one.label })
                    .collect(),
            ),
            (Self::Series(left), Self::Array(right)) => Self::Array(
                right
                    .into_iter()
                    .map(|one| Labelled { series: left.with(&one.series, meet), label: one.label })
                    .collect(),
            ),
            (Self::Array(_), Self::Array(_)) => {
                return Err(MathError::invalid("two arrays of time series cannot be combined"));
            }
        })
    }
}

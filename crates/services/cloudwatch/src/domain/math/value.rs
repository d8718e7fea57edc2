//! What expressions are computed over, and how two of them meet.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Budget, MathError};
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
    pub(crate) series: Arc<Series>,
}

/// The value of an expression. Series are shared: many may name one.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    Number(f64),
    Series(Arc<Series>),
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

    /// How many points it may have.
    pub(super) fn count(&self) -> usize {
        usize::try_from(self.span.periods()).unwrap_or(usize::MAX)
    }

    /// The beginnings of all of its periods.
    pub(crate) fn periods(&self) -> impl Iterator<Item = i64> + use<> {
        let Span { start_ms, period_ms, .. } = self.span;
        (0..self.span.periods()).map(move |number| start_ms.saturating_add(number.saturating_mul(period_ms)))
    }

    /// Two series, time by time. What only one of them has counts as 0 in the other.
    fn with(&self, other: &Self, meet: impl Fn(f64, f64) -> f64) -> Self {
        let missing = other.points.keys().filter(|at| !self.points.contains_key(at));
        let points = self.points.keys().chain(missing).filter_map(|at| {
            let one = |series: &Self| series.points.get(at).copied().unwrap_or_default();
            Some((*at, meet(one(self), one(other)))).filter(|(_, value)| value.is_finite())
        });
        Self { span: self.span, points: points.collect() }
    }
}

impl From<Series> for Value {
    fn from(series: Series) -> Self {
        Self::Series(Arc::new(series))
    }
}

impl Value {
    /// Each of its numbers made another.
    pub(crate) fn map(
        self,
        budget: &Budget,
        value: &impl Fn(i64, f64) -> Option<f64>,
    ) -> Result<Self, MathError> {
        match self {
            Self::Number(number) => value(0, number)
                .filter(|value| value.is_finite())
                .map(Self::Number)
                .ok_or_else(|| MathError::invalid("the result is not a number")),
            other => other.map_series(budget, &|series| series.map(value)),
        }
    }

    /// Each of its series made another; a number is none.
    pub(crate) fn map_series(
        self,
        budget: &Budget,
        make: &impl Fn(&Series) -> Series,
    ) -> Result<Self, MathError> {
        self.each(&|series| {
            budget.spend(series.points.len())?;
            Ok(make(series))
        })
    }

    /// Each of its series made another by something that counts what it costs.
    pub(crate) fn each(
        self,
        make: &impl Fn(&Series) -> Result<Series, MathError>,
    ) -> Result<Self, MathError> {
        match self {
            Self::Number(_) => Err(MathError::invalid("a time series is expected, not a number")),
            Self::Series(series) => Ok(make(&series)?.into()),
            Self::Array(all) => {
                let made = all
                    .into_iter()
                    .map(|one| Ok(Labelled { series: Arc::new(make(&one.series)?), label: one.label }));
                made.collect::<Result<_, _>>().map(Self::Array)
            }
        }
    }

    /// Two values, number by number.
    pub(crate) fn with(
        self,
        other: Self,
        budget: &Budget,
        meet: &impl Fn(f64, f64) -> f64,
    ) -> Result<Self, MathError> {
        let both = |left: &Series, right: &Series| {
            budget.spend(left.points.len().saturating_add(right.points.len()))?;
            Ok(left.with(right, meet))
        };
        match (self, other) {
            (Self::Number(left), Self::Number(right)) => {
                let value = meet(left, right);
                if !value.is_finite() {
                    return Err(MathError::invalid("the result is not a number"));
                }
                Ok(Self::Number(value))
            }
            (Self::Number(left), right) => right.map(budget, &|_, right| Some(meet(left, right))),
            (left, Self::Number(right)) => left.map(budget, &|_, left| Some(meet(left, right))),
            (left, Self::Series(right)) => left.each(&|left| both(left, &right)),
            (Self::Series(left), right @ Self::Array(_)) => right.each(&|right| both(&left, right)),
            (Self::Array(_), Self::Array(_)) => {
                Err(MathError::invalid("two arrays of time series cannot be combined"))
            }
        }
    }
}

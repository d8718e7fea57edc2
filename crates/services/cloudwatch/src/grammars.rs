//! Texts of callers that have a grammar, for those who try to break it: the targets in `fuzz/`.

use std::collections::BTreeMap;

use crate::domain::alarm::StateValue;
use crate::domain::math::{Budget, Expression, Labelled, MathError, Scope, Series, Value, compute};
use crate::domain::rule::Rule;
use crate::domain::series::Span;

/// Five minutes.
const SPAN: Span = Span { start_ms: 0, end_ms: 300_000, period_ms: 60_000 };

/// Metrics `m1` and `m2`, with gaps.
#[derive(Default)]
struct Metrics(Budget);

impl Scope for Metrics {
    fn value(&self, id: &str) -> Result<Value, MathError> {
        let found = self.metrics(None).into_iter().find(|one| one.label == id);
        found.map(|one| Value::Series(one.series)).ok_or_else(|| MathError::Invalid(format!("no id {id}")))
    }

    fn metrics(&self, containing: Option<&str>) -> Vec<Labelled> {
        let of = |label: &str, points: &[(i64, f64)]| Labelled {
            label: label.to_owned(),
            series: Series { span: SPAN, points: points.iter().copied().collect() }.into(),
        };
        let both =
            [of("m1", &[(0, 1.0), (120_000, -3.0), (240_000, 5.5)]), of("m2", &[(0, 0.0), (60_000, 1e300)])];
        both.into_iter().filter(|one| containing.is_none_or(|text| one.label.contains(text))).collect()
    }

    fn budget(&self) -> &Budget {
        &self.0
    }

    fn blank(&self) -> Series {
        Series { span: SPAN, points: BTreeMap::new() }
    }
}

/// Reads an expression of metric math and computes it; answers whether it has a value.
pub fn compute_expression(text: &str) -> bool {
    let Ok(expression) = Expression::parse(text) else { return false };
    let _ = (expression.ids(), expression.parts());
    compute(&expression, &Metrics::default()).is_ok()
}

/// Reads the rule of a composite alarm and asks whether it holds, with some of its alarms in alarm; answers whether it is
/// one.
pub fn judge_rule(text: &str) -> bool {
    let Ok(rule) = Rule::parse(text) else { return false };
    let _ = rule.alarms();
    for state in [None, Some(StateValue::Ok), Some(StateValue::Alarm)] {
        let _ = rule.holds(&|alarm: &str| state.filter(|_| alarm.len().is_multiple_of(2)));
    }
    true
}

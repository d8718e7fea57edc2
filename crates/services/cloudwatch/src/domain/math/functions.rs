//! Functions of metric math.

use std::collections::BTreeMap;
use std::sync::Arc;

use time::OffsetDateTime;

use super::compute::{Scope, compute};
use super::parse::Expression;
use super::value::{Labelled, Series, Value};
use super::{Budget, MathError};

/// Functions of AWS's that are not here.
const NOT_YET: [&str; 6] = [
    "ANOMALY_DETECTION_BAND",
    "DB_PERF_INSIGHTS",
    "INSIGHT_RULE_METRIC",
    "LAMBDA",
    "SEARCH",
    "SERVICE_QUOTA",
];

/// Calls the function of that name.
pub(super) fn call(name: &str, arguments: &[Expression], scope: &impl Scope) -> Result<Value, MathError> {
    let wrong = || MathError::invalid(format!("wrong arguments of {name}"));
    let value = |at: usize| arguments.get(at).ok_or_else(wrong).and_then(|part| compute(part, scope));
    let budget = scope.budget();
    let exactly = |number: usize| if arguments.len() == number { Ok(()) } else { Err(wrong()) };
    if let Some(map) = elementary(name) {
        exactly(1)?;
        return value(0)?.map(budget, &|_, number| Some(map(number)));
    }
    if let Some(map) = of_time(name) {
        exactly(1)?;
        return value(0)?.map_series(budget, &|series| series.map(|at, _| moment(at).map(&map)));
    }
    if let Some(fold) = aggregate(name) {
        exactly(1)?;
        return Ok(match value(0)? {
            Value::Number(number) => Value::Number(number),
            Value::Series(series) => {
                budget.spend(series.points.len())?;
                match fold(&series.points.values().copied().collect::<Vec<_>>()) {
                    Some(number) => Value::Number(number),
                    None => Series { points: BTreeMap::new(), span: series.span }.into(),
                }
            }
            Value::Array(all) => across(&all, scope, fold)?.into(),
        });
    }
    match name {
        "METRICS" => {
            let containing = match arguments {
                [] => None,
                [Expression::Text(text)] => Some(text.as_str()),
                _ => return Err(wrong()),
            };
            let metrics = scope.metrics(containing);
            budget.spend(metrics.len())?;
            Ok(Value::Array(metrics))
        }
        "METRIC_COUNT" => {
            exactly(1)?;
            let Value::Array(all) = value(0)? else { return Err(wrong()) };
            Ok(Value::Number(all.len() as f64))
        }
        "FILL" => {
            exactly(2)?;
            fill(value(0)?, arguments.get(1).ok_or_else(wrong)?, scope)
        }
        "IF" => {
            let otherwise = if arguments.len() == 2 { None } else { Some(value(2)?) };
            choose(value(0)?, &value(1)?, otherwise.as_ref(), budget)
        }
        "RATE" => {
            exactly(1)?;
            value(0)?.map_series(budget, &|series| {
                steps(series, |(at, from), (then, to)| (to - from) / ((then - at) as f64 / 1000.0))
            })
        }
        "DIFF" => {
            exactly(1)?;
            value(0)?.map_series(budget, &|series| steps(series, |(_, from), (_, to)| to - from))
        }
        "DIFF_TIME" => {
            exactly(1)?;
            value(0)?
                .map_series(budget, &|series| steps(series, |(at, _), (then, _)| (then - at) as f64 / 1000.0))
        }
        "RUNNING_SUM" => {
            exactly(1)?;
            value(0)?.map_series(budget, &running_sum)
        }
        "PERIOD" => {
            exactly(1)?;
            match value(0)? {
                Value::Series(series) => Ok(Value::Number(series.span.period_ms as f64 / 1000.0)),
                _ => Err(wrong()),
            }
        }
        "TIME_SERIES" => {
            exactly(1)?;
            match value(0)? {
                Value::Number(number) => {
                    let blank = scope.blank();
                    budget.spend(blank.count())?;
                    let points = blank.periods().map(|at| (at, number)).collect();
                    Ok(Series { points, ..blank }.into())
                }
                other => Ok(other),
            }
        }
        "FIRST" | "LAST" => {
            exactly(1)?;
            let Value::Array(all) = value(0)? else { return Err(wrong()) };
            let one = if name == "FIRST" { all.into_iter().next() } else { all.into_iter().next_back() };
            Ok(Value::Series(one.map_or_else(|| Arc::new(scope.blank()), |one| one.series)))
        }
        "REMOVE_EMPTY" => {
            exactly(1)?;
            let Value::Array(all) = value(0)? else { return Err(wrong()) };
            Ok(Value::Array(all.into_iter().filter(|one| !one.series.points.is_empty()).collect()))
        }
        "SLICE" => {
            let Value::Array(all) = value(0)? else { return Err(wrong()) };
            let place = |at: usize| match value(at)? {
                Value::Number(number) if number >= 0.0 => Ok(number as usize),
                _ => Err(wrong()),
            };
            let from = place(1)?;
            let until = if arguments.len() > 2 { place(2)? } else { all.len() };
            Ok(Value::Array(all.into_iter().take(until).skip(from).collect()))
        }
        "SORT" => sort(value(0)?, arguments, budget)?.ok_or_else(wrong),
        _ if NOT_YET.contains(&name) => Err(MathError::NotYet(format!("the function {name} of metric math"))),
        _ => Err(MathError::invalid(format!("there is no function {name}"))),
    }
}

fn elementary(name: &str) -> Option<fn(f64) -> f64> {
    Some(match name {
        "ABS" => f64::abs,
        "CEIL" => f64::ceil,
        "FLOOR" => f64::floor,
        "LOG" => f64::ln,
        "LOG10" => f64::log10,
        _ => return None,
    })
}

type Fold = fn(&[f64]) -> Option<f64>;

/// Functions that make one number of many; `None` of none.
fn aggregate(name: &str) -> Option<Fold> {
    fn average(all: &[f64]) -> Option<f64> {
        (!all.is_empty()).then(|| all.iter().sum::<f64>() / all.len() as f64)
    }
    Some(match name {
        "AVG" => average,
        "SUM" => |all| (!all.is_empty()).then(|| all.iter().sum()),
        "MIN" => |all| all.iter().copied().reduce(f64::min),
        "MAX" => |all| all.iter().copied().reduce(f64::max),
        "STDDEV" => |all| {
            let mean = average(all)?;
            let squares: f64 = all.iter().map(|value| (value - mean).powi(2)).sum();
            Some((squares / all.len() as f64).sqrt())
        },
        "DATAPOINT_COUNT" => |all| Some(all.len() as f64),
        _ => return None,
    })
}

fn of_time(name: &str) -> Option<fn(OffsetDateTime) -> f64> {
    Some(match name {
        "MINUTE" => |at| f64::from(at.minute()),
        "HOUR" => |at| f64::from(at.hour()),
        "DAY" => |at| f64::from(at.weekday().number_from_monday()),
        "DATE" => |at| f64::from(at.day()),
        "MONTH" => |at| f64::from(u8::from(at.month())),
        "YEAR" => |at| f64::from(at.year()),
        "EPOCH" => |at| at.unix_timestamp() as f64,
        _ => return None,
    })
}

fn moment(at_ms: i64) -> Option<OffsetDateTime> {
    OffsetDateTime::from_unix_timestamp(at_ms.div_euclid(1000)).ok()
}

/// The series of an array, time by time.
fn across(all: &[Labelled], scope: &impl Scope, fold: Fold) -> Result<Series, MathError> {
    let span = all.first().map_or_else(|| scope.blank().span, |first| first.series.span);
    let mut values: BTreeMap<i64, Vec<f64>> = BTreeMap::new();
    for one in all {
        scope.budget().spend(one.series.points.len())?;
        for (at, value) in &one.series.points {
            values.entry(*at).or_default().push(*value);
        }
    }
    let points = values.into_iter().filter_map(|(at, values)| Some((at, fold(&values)?))).collect();
    Ok(Series { span, points })
}

/// From each point to the next; the first has none.
fn steps(series: &Series, step: impl Fn((i64, f64), (i64, f64)) -> f64) -> Series {
    let points = series.points.iter().zip(series.points.iter().skip(1));
    let points = points.map(|((at, from), (then, to))| (*then, step((*at, *from), (*then, *to))));
    Series { span: series.span, points: points.filter(|(_, value)| value.is_finite()).collect() }
}

fn running_sum(series: &Series) -> Series {
    let mut sum = 0.0;
    let points = series.points.iter().map(|(at, value)| {
        sum += value;
        (*at, sum)
    });
    Series { span: series.span, points: points.collect() }
}

/// `FILL(m, 0)`, `FILL(m, REPEAT)`, `FILL(m, LINEAR)`, `FILL(m, other)`
fn fill(value: Value, by: &Expression, scope: &impl Scope) -> Result<Value, MathError> {
    let spend = |series: &Series| scope.budget().spend(series.count());
    match by {
        Expression::Keyword(word) if word == "REPEAT" => value.each(&|series| {
            spend(series)?;
            let mut last = None;
            let filled = series.periods().filter_map(|at| {
                last = series.points.get(&at).copied().or(last);
                Some((at, last?))
            });
            Ok(Series { span: series.span, points: filled.collect() })
        }),
        Expression::Keyword(word) if word == "LINEAR" => value.each(&|series| {
            spend(series)?;
            Ok(linear(series))
        }),
        other => match compute(other, scope)? {
            Value::Number(number) => value.each(&|series| {
                spend(series)?;
                let filled =
                    series.periods().map(|at| (at, series.points.get(&at).copied().unwrap_or(number)));
                Ok(Series { span: series.span, points: filled.collect() })
            }),
            Value::Series(by) => value.each(&|series| {
                scope.budget().spend(series.points.len().saturating_add(by.points.len()))?;
                let mut points = by.points.clone();
                points.extend(series.points.iter().map(|(at, value)| (*at, *value)));
                Ok(Series { span: series.span, points })
            }),
            Value::Array(_) => Err(MathError::invalid("wrong arguments of FILL")),
        },
    }
}

/// Between two points on the line from one to the other; before the first and after the last as these are.
fn linear(series: &Series) -> Series {
    let filled = series.periods().filter_map(|at| {
        let before = series.points.range(..=at).next_back();
        let after = series.points.range(at..).next();
        let value = match (before, after) {
            (Some((from, low)), Some((to, high))) if to > from => {
                low + (high - low) * ((at - from) as f64 / (to - from) as f64)
            }
            (Some((_, value)), _) | (None, Some((_, value))) => *value,
            (None, None) => return None,
        };
        Some((at, value))
    });
    Series { span: series.span, points: filled.collect() }
}

/// `IF(condition, then, else)`; without an else, times at which the condition is 0 are left out.
fn choose(
    condition: Value,
    then: &Value,
    otherwise: Option<&Value>,
    budget: &Budget,
) -> Result<Value, MathError> {
    let array = || MathError::invalid("IF takes numbers and time series, no arrays");
    let at = |value: &Value, at: i64| match value {
        Value::Number(number) => Some(*number),
        Value::Series(series) => series.points.get(&at).copied(),
        Value::Array(_) => None,
    };
    if matches!(then, Value::Array(_)) || matches!(otherwise, Some(Value::Array(_))) {
        return Err(array());
    }
    match condition {
        Value::Number(number) => {
            let chosen = if number == 0.0 { otherwise } else { Some(then) };
            chosen
                .cloned()
                .ok_or_else(|| MathError::invalid("IF needs a value for a condition that does not hold"))
        }
        condition @ Value::Series(_) => condition.map(budget, &|when, holds| {
            if holds == 0.0 { otherwise.and_then(|value| at(value, when)) } else { at(then, when) }
        }),
        Value::Array(_) => Err(array()),
    }
}

/// `SORT(array, SUM, DESC, 3)`; `None` if it is not called so.
fn sort(value: Value, arguments: &[Expression], budget: &Budget) -> Result<Option<Value>, MathError> {
    let Value::Array(all) = value else { return Ok(None) };
    let (Some(Expression::Keyword(by)), Some(Expression::Keyword(order))) =
        (arguments.get(1), arguments.get(2))
    else {
        return Ok(None);
    };
    let Some(fold) = aggregate(by) else { return Ok(None) };
    let most = match arguments.get(3) {
        None => all.len(),
        Some(Expression::Number(most)) if *most >= 0.0 => *most as usize,
        Some(_) => return Ok(None),
    };
    let mut weighed = Vec::with_capacity(all.len());
    for one in all {
        budget.spend(one.series.points.len())?;
        let values: Vec<f64> = one.series.points.values().copied().collect();
        weighed.push((fold(&values).unwrap_or(f64::NEG_INFINITY), one));
    }
    weighed.sort_by(|(left, _), (right, _)| left.total_cmp(right));
    match order.as_str() {
        "ASC" => {}
        "DESC" => weighed.reverse(),
        _ => return Ok(None),
    }
    Ok(Some(Value::Array(weighed.into_iter().map(|(_, one)| one).take(most).collect())))
}

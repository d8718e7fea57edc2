use std::collections::BTreeMap;

use super::*;
use crate::domain::series::Span;

const SPAN: Span = Span { start_ms: 0, end_ms: 300_000, period_ms: 60_000 };

/// Two metrics over five minutes: `m1` has no value in the second, `m2` none in the last two.
#[derive(Default)]
struct Two(Budget);

fn series(values: &[Option<f64>]) -> Series {
    let points =
        values.iter().enumerate().filter_map(|(minute, value)| Some((minute as i64 * 60_000, (*value)?)));
    Series { span: SPAN, points: points.collect() }
}

impl Scope for Two {
    fn value(&self, id: &str) -> Result<Value, MathError> {
        let found = self.metrics(None).into_iter().find(|one| one.label == id);
        found.map(|one| Value::Series(one.series)).ok_or_else(|| MathError::invalid(format!("no id {id}")))
    }

    fn metrics(&self, containing: Option<&str>) -> Vec<Labelled> {
        let m1 = series(&[Some(1.0), None, Some(3.0), Some(-4.0), Some(5.0)]);
        let m2 = series(&[Some(10.0), Some(0.0), Some(30.0), None, None]);
        [("m1", m1), ("m2", m2)]
            .into_iter()
            .filter(|(id, _)| containing.is_none_or(|text| id.contains(text)))
            .map(|(id, series)| Labelled { label: id.to_owned(), series: series.into() })
            .collect()
    }

    fn budget(&self) -> &Budget {
        &self.0
    }

    fn blank(&self) -> Series {
        Series { span: SPAN, points: BTreeMap::new() }
    }
}

fn value(text: &str) -> Result<Value, MathError> {
    compute(&Expression::parse(text)?, &Two::default())
}

fn minutes(text: &str) -> Vec<(i64, f64)> {
    match value(text) {
        Ok(Value::Series(series)) => series.points.iter().map(|(at, value)| (at / 60_000, *value)).collect(),
        other => panic!("{text}: {other:?}"),
    }
}

fn number(text: &str) -> f64 {
    match value(text) {
        Ok(Value::Number(number)) => number,
        other => panic!("{text}: {other:?}"),
    }
}

#[test]
fn signs_bind_as_in_school() {
    for (text, expected) in [
        ("1 + 2 * 3", 7.0),
        ("(1 + 2) * 3", 9.0),
        ("-2 ^ 2", -4.0),
        ("2 ^ 3 ^ 2", 512.0),
        ("7 - 2 - 1", 4.0),
        ("1 < 2 AND 3 >= 3 || 0", 1.0),
        ("1.5e1 - .5", 14.5),
        ("ABS(-3)", 3.0),
    ] {
        assert!((number(text) - expected).abs() < 1e-9, "{text}");
    }
}

#[test]
fn what_is_missing_counts_as_0_and_what_is_divided_by_0_is_left_out() {
    assert_eq!(minutes("m1 + m2"), [(0, 11.0), (1, 0.0), (2, 33.0), (3, -4.0), (4, 5.0)]);
    assert_eq!(minutes("m1 / m2"), [(0, 0.1), (2, 0.1)]);
    assert_eq!(minutes("m1 > 2"), [(0, 0.0), (2, 1.0), (3, 0.0), (4, 1.0)]);
}

#[test]
fn functions_over_time() {
    assert_eq!(minutes("FILL(m1, 0)"), [(0, 1.0), (1, 0.0), (2, 3.0), (3, -4.0), (4, 5.0)]);
    assert_eq!(minutes("FILL(m2, REPEAT)"), [(0, 10.0), (1, 0.0), (2, 30.0), (3, 30.0), (4, 30.0)]);
    assert_eq!(minutes("FILL(m1, LINEAR)")[1], (1, 2.0));
    assert_eq!(minutes("RATE(m2)"), [(1, -10.0 / 60.0), (2, 0.5)]);
    assert_eq!(minutes("DIFF(m2)"), [(1, -10.0), (2, 30.0)]);
    assert_eq!(minutes("RUNNING_SUM(m1)"), [(0, 1.0), (2, 4.0), (3, 0.0), (4, 5.0)]);
    assert_eq!(minutes("IF(m1 > 2, m2, 7)"), [(0, 7.0), (2, 30.0), (3, 7.0)]);
    assert_eq!(minutes("IF(m1 > 2, m1)"), [(2, 3.0), (4, 5.0)]);
    assert_eq!(minutes("TIME_SERIES(2)").len(), 5);
    assert_eq!(minutes("MINUTE(m2)"), [(0, 0.0), (1, 1.0), (2, 2.0)]);
    assert!((number("PERIOD(m1)") - 60.0).abs() < 1e-9);
}

#[test]
fn of_a_series_a_number_and_of_an_array_a_series() {
    assert!((number("SUM(m1)") - 5.0).abs() < 1e-9);
    assert!((number("MAX(m2) - MIN(m2)") - 30.0).abs() < 1e-9);
    assert_eq!(minutes("SUM(METRICS())"), [(0, 11.0), (1, 0.0), (2, 33.0), (3, -4.0), (4, 5.0)]);
    assert_eq!(minutes("AVG([m1, m2])")[0], (0, 5.5));
    assert_eq!(minutes("MAX(METRICS(\"m2\"))").len(), 3);
    assert_eq!(minutes("FIRST(SORT(METRICS(), SUM, DESC))")[0], (0, 10.0));
    assert_eq!(minutes("LAST(SLICE(METRICS(), 0, 1))")[0], (0, 1.0));
}

#[test]
fn what_is_no_expression() {
    for text in [
        "",
        "m1 +",
        "m1 m2",
        "SUM(m1",
        "FOO(m1)",
        "m9",
        "METRICS() + METRICS()",
        "[m1, [m2]]",
        "[METRICS()]",
        "\"m1\"",
        "SUM()",
        "1 / 0",
        "m1 $ 2",
    ] {
        assert!(matches!(value(text), Err(MathError::Invalid(_))), "{text}");
    }
    assert!(matches!(value("SEARCH('{AWS/KMS}', 'Sum', 300)"), Err(MathError::NotYet(_))));
    for deep in ["(".repeat(10_000), "-".repeat(10_000), format!("1{}", " + 1".repeat(5_000))] {
        assert!(value(&deep).is_err());
    }
}

#[test]
fn an_arrays_series_are_counted() {
    assert!((number("METRIC_COUNT(METRICS())") - 2.0).abs() < 1e-9);
    assert!((number("SUM(m1) / METRIC_COUNT([m1])") - 5.0).abs() < 1e-9);
    assert!(value("METRIC_COUNT(m1)").is_err());
}

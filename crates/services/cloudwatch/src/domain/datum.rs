//! What PutMetricData takes (CloudWatch API Reference, "PutMetricData" and "MetricDatum").

use strongroom_api_cloudwatch as api;

use super::metric::Metric;
use super::series::{DAY_MS, HOUR_MS};
use super::statistic::StatisticSet;
use crate::error::Refusal;

/// Data in one request.
const MOST_DATA: usize = 1_000;

/// Values that one datum may have.
const MOST_VALUES: usize = 150;

/// How far back and how far ahead of now the time of a datum may be.
const OLDEST_MS: i64 = 14 * DAY_MS;
const NEWEST_MS: i64 = 2 * HOUR_MS;

/// The largest value, either way: 2 to the power of 360.
fn largest() -> f64 {
    2.0_f64.powi(360)
}

/// A set of samples of a metric at a moment.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Datum {
    pub(crate) metric: Metric,
    pub(crate) at_ms: i64,
    pub(crate) unit: String,
    pub(crate) set: StatisticSet,
    /// Whether the metric is kept by the second.
    pub(crate) is_fine: bool,
}

/// Reads the data of a request: all of them are good, or none is taken.
pub(crate) fn parse(namespace: &str, data: &[api::MetricDatum], now_ms: i64) -> Result<Vec<Datum>, Refusal> {
    if data.len() > MOST_DATA {
        let text = format!("The collection MetricData must not have a size greater than {MOST_DATA}.");
        return Err(Refusal::Value(text));
    }
    data.iter().enumerate().map(|(at, datum)| parse_one(namespace, at + 1, datum, now_ms)).collect()
}

fn parse_one(
    namespace: &str,
    number: usize,
    datum: &api::MetricDatum,
    now_ms: i64,
) -> Result<Datum, Refusal> {
    let member = |name: &str| format!("MetricData.member.{number}.{name}");
    let is_fine = match datum.storage_resolution {
        None | Some(60) => false,
        Some(1) => true,
        Some(_) => {
            let text = format!("The parameter {} must be 1 or 60.", member("StorageResolution"));
            return Err(Refusal::Value(text));
        }
    };
    check_dimensions(&member("Dimensions"), datum.dimensions.as_deref())?;
    let at_ms = datum.timestamp.map_or(now_ms, strongroom_schema::Timestamp::as_millis);
    if at_ms < now_ms.saturating_sub(OLDEST_MS) {
        let text =
            format!("The parameter {} must specify a time within the past two weeks.", member("Timestamp"));
        return Err(Refusal::Value(text));
    }
    if at_ms > now_ms.saturating_add(NEWEST_MS) {
        let text = format!(
            "The parameter {} must specify a time no more than two hours in the future.",
            member("Timestamp")
        );
        return Err(Refusal::Value(text));
    }
    Ok(Datum {
        metric: Metric::of_request(namespace, &datum.metric_name, datum.dimensions.as_deref()),
        at_ms,
        unit: datum.unit.as_ref().map_or("None", api::StandardUnit::as_str).to_owned(),
        set: samples(datum, &member)?,
        is_fine,
    })
}

/// The samples of a datum, which come in one of three forms.
fn samples(datum: &api::MetricDatum, member: &dyn Fn(&str) -> String) -> Result<StatisticSet, Refusal> {
    let forms = [
        ("Value", datum.value.is_some()),
        ("StatisticValues", datum.statistic_values.is_some()),
        ("Values", datum.values.is_some()),
    ];
    let mut given = forms.iter().filter(|(_, is_given)| *is_given).map(|(name, _)| *name);
    let (first, second) = (given.next(), given.next());
    if let (Some(first), Some(second)) = (first, second) {
        return Err(Refusal::Combination(format!(
            "The parameters {} and {} are mutually exclusive and you have specified both.",
            member(first),
            member(second)
        )));
    }
    if datum.counts.is_some() && datum.values.is_none() {
        return Err(Refusal::Combination(format!(
            "The parameter {} requires {}.",
            member("Counts"),
            member("Values")
        )));
    }
    if let Some(value) = datum.value {
        return Ok(StatisticSet::of(number(value, &member("Value"))?, 1.0));
    }
    if let Some(set) = &datum.statistic_values {
        let one = |value, name: &str| number(value, &member(&format!("StatisticValues.{name}")));
        let (samples, sum) = (one(set.sample_count, "SampleCount")?, one(set.sum, "Sum")?);
        let (least, most) = (one(set.minimum, "Minimum")?, one(set.maximum, "Maximum")?);
        if samples <= 0.0 {
            let text =
                format!("The parameter {} must be greater than 0.", member("StatisticValues.SampleCount"));
            return Err(Refusal::Value(text));
        }
        if least > most {
            return Err(Refusal::Value(format!(
                "The parameter {} must be less than or equal to {}.",
                member("StatisticValues.Minimum"),
                member("StatisticValues.Maximum")
            )));
        }
        return Ok(StatisticSet { samples, sum, least, most });
    }
    let values = datum
        .values
        .as_deref()
        .filter(|values| !values.is_empty())
        .ok_or_else(|| Refusal::Missing(format!("The parameter {} is required.", member("Value"))))?;
    let counts = datum.counts.as_deref();
    if values.len() > MOST_VALUES {
        let text =
            format!("The collection {} must not have a size greater than {MOST_VALUES}.", member("Values"));
        return Err(Refusal::Value(text));
    }
    if counts.is_some_and(|counts| counts.len() != values.len()) {
        return Err(Refusal::Combination(format!(
            "The parameters {} and {} must be of the same size.",
            member("Values"),
            member("Counts")
        )));
    }
    let mut all: Option<StatisticSet> = None;
    for (at, value) in values.iter().enumerate() {
        let count = counts.and_then(|counts| counts.get(at)).copied().unwrap_or(1.0);
        let value = number(*value, &member(&format!("Values.member.{}", at + 1)))?;
        let count = number(count, &member(&format!("Counts.member.{}", at + 1)))?;
        if count <= 0.0 {
            let text = format!(
                "The parameter {} must be greater than 0.",
                member(&format!("Counts.member.{}", at + 1))
            );
            return Err(Refusal::Value(text));
        }
        let set = StatisticSet::of(value, count);
        all = Some(all.map_or(set, |mut known| {
            known.add(&set);
            known
        }));
    }
    all.ok_or_else(|| Refusal::Missing(format!("The parameter {} is required.", member("Value"))))
}

fn number(value: f64, name: &str) -> Result<f64, Refusal> {
    if value.is_finite() && value.abs() <= largest() {
        return Ok(value);
    }
    Err(Refusal::Value(format!("The parameter {name} must be a finite number between -2^360 and 2^360.")))
}

/// Checks dimensions: ASCII, no control characters, names that do not begin with a colon, and not two of one name
/// (CloudWatch API Reference, "Dimension").
pub(crate) fn check_dimensions(
    parameter: &str,
    dimensions: Option<&[api::Dimension]>,
) -> Result<(), Refusal> {
    let dimensions = dimensions.unwrap_or_default();
    let is_plain = |text: &str| text.bytes().all(|byte| byte.is_ascii() && !byte.is_ascii_control());
    for (at, dimension) in dimensions.iter().enumerate() {
        let invalid = |name: &str, why: &str| {
            Err(Refusal::Value(format!("The parameter {parameter}.member.{}.{name} {why}.", at + 1)))
        };
        if dimension.name.starts_with(':') {
            return invalid("Name", "must not begin with a colon");
        }
        if !is_plain(&dimension.name) {
            return invalid("Name", "must contain only ASCII characters and no control characters");
        }
        if !is_plain(&dimension.value) {
            return invalid("Value", "must contain only ASCII characters and no control characters");
        }
        if dimension.value.trim().is_empty() || dimension.name.trim().is_empty() {
            return invalid("Value", "must contain at least one non-whitespace character");
        }
        if dimensions.iter().take(at).any(|other| other.name == dimension.name) {
            return invalid("Name", "is given twice");
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_700_000_000_000;

    fn datum() -> api::MetricDatum {
        api::MetricDatum { metric_name: "m".to_owned(), ..Default::default() }
    }

    fn refused(datum: api::MetricDatum) -> String {
        match parse("n", &[datum], NOW).unwrap_err() {
            Refusal::Value(text) | Refusal::Combination(text) | Refusal::Missing(text) => text,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_three_forms_of_samples() {
        let one = |datum: api::MetricDatum| parse("n", &[datum], NOW).unwrap()[0].set;
        assert_eq!(one(api::MetricDatum { value: Some(3.0), ..datum() }), StatisticSet::of(3.0, 1.0));
        let (values, counts) = (Some(vec![1.0, 4.0]), Some(vec![2.0, 1.0]));
        let set = one(api::MetricDatum { values, counts, ..datum() });
        assert_eq!(set, StatisticSet { samples: 3.0, sum: 6.0, least: 1.0, most: 4.0 });
        let given = api::StatisticSet { sample_count: 2.0, sum: 5.0, minimum: 1.0, maximum: 4.0 };
        let set = one(api::MetricDatum { statistic_values: Some(given), ..datum() });
        assert_eq!(set, StatisticSet { samples: 2.0, sum: 5.0, least: 1.0, most: 4.0 });
    }

    #[test]
    fn what_is_refused_and_how() {
        let timestamp = |ms| Some(strongroom_schema::Timestamp::from_millis(ms));
        let value = || api::MetricDatum { value: Some(1.0), ..datum() };
        assert_eq!(
            refused(api::MetricDatum { timestamp: timestamp(NOW - 15 * DAY_MS), ..value() }),
            "The parameter MetricData.member.1.Timestamp must specify a time within the past two weeks."
        );
        assert!(
            refused(api::MetricDatum { timestamp: timestamp(NOW + 3 * HOUR_MS), ..value() })
                .contains("future")
        );
        let given = api::StatisticSet { sample_count: 2.0, sum: 5.0, minimum: 1.0, maximum: 4.0 };
        assert_eq!(
            refused(api::MetricDatum { statistic_values: Some(given), ..value() }),
            "The parameters MetricData.member.1.Value and MetricData.member.1.StatisticValues are mutually exclusive \
             and you have specified both."
        );
        assert!(refused(datum()).contains("is required"));
        assert!(refused(api::MetricDatum { value: Some(f64::NAN), ..datum() }).contains("finite"));
        assert!(refused(api::MetricDatum { value: Some(f64::MAX), ..datum() }).contains("2^360"));
        assert!(refused(api::MetricDatum { storage_resolution: Some(5), ..value() }).contains("1 or 60"));
        assert!(refused(api::MetricDatum { values: Some(vec![1.0; 151]), ..datum() }).contains("150"));
        let dimension =
            |name: &str, value: &str| api::Dimension { name: name.to_owned(), value: value.to_owned() };
        for dimensions in [
            vec![dimension(":a", "b")],
            vec![dimension("a", "ä")],
            vec![dimension("a", "b"), dimension("a", "c")],
        ] {
            assert!(
                refused(api::MetricDatum { dimensions: Some(dimensions), ..value() }).contains("Dimensions")
            );
        }
        let many = vec![value(); 1_001];
        let Err(Refusal::Value(text)) = parse("n", &many, NOW) else { panic!("taken") };
        assert_eq!(text, "The collection MetricData must not have a size greater than 1000.");
    }
}

//! Why an alarm is in its state, in AWS's words and as data (texts: notifications and histories of AWS quoted in its
//! documentation and in public issue threads).

use std::fmt::Write as _;

use serde_json::{Map, Value, json};
use time::OffsetDateTime;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;

use super::alarm::{Missing, Source, StateValue, Watch};
use super::evaluation::{Judgement, Window};

/// The longest reason, in characters (CloudWatch API Reference, `StateReason`).
const LONGEST: usize = 1_023;

/// The longest data of a reason, in characters (`StateReasonData`).
const LONGEST_DATA: usize = 4_000;

const IN_REASONS: &[BorrowedFormatItem<'_>] =
    format_description!("[day]/[month]/[year repr:last_two] [hour]:[minute]:[second]");
const IN_DATA: &[BorrowedFormatItem<'_>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]+0000");

/// What an alarm has seen: a value for each period of its window, oldest first, and of how many samples.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Seen {
    pub(crate) window: Window,
    pub(crate) values: Vec<Option<Sample>>,
    /// The unit of the samples, where all have one.
    pub(crate) unit: Option<String>,
}

/// One value, and of how many samples, where that is known.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Sample {
    pub(crate) value: f64,
    pub(crate) samples: Option<f64>,
}

/// A number as reasons show it.
pub(crate) fn double(number: f64) -> String {
    format!("{number:?}")
}

/// A moment as data show it: `2023-08-04T12:31:29.591+0000`.
pub(crate) fn moment(at_ms: i64) -> String {
    formatted(at_ms, IN_DATA)
}

fn formatted(at_ms: i64, format: &[BorrowedFormatItem<'_>]) -> String {
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(at_ms) * 1_000_000)
        .ok()
        .and_then(|moment| moment.format(format).ok())
        .unwrap_or_default()
}

/// Why an alarm goes into a state.
pub(crate) fn text(watch: &Watch, seen: &Seen, judgement: &Judgement, state: StateValue) -> String {
    if state == StateValue::InsufficientData {
        return insufficient(watch.evaluation_periods as usize);
    }
    let is_alarm = state == StateValue::Alarm;
    if judgement.judged.is_empty() {
        return none_received(watch, judgement.filled);
    }
    let telling = judgement.judged.iter().filter_map(|place| {
        let value = seen.values.get(*place).copied().flatten()?;
        let breaches = watch.comparison.is_breached(value.value, watch.threshold);
        (breaches == is_alarm).then_some((*place, value.value))
    });
    let telling: Vec<_> = telling.collect();
    let count = telling.len();
    let listed = telling.iter().map(|(place, value)| {
        format!("{} ({})", double(*value), formatted(seen.window.begin_ms(*place), IN_REASONS))
    });
    let listed: Vec<_> = listed.collect();
    let mut text = "Threshold Crossed: ".to_owned();
    let periods = watch.evaluation_periods;
    let explicit = watch.datapoints_to_alarm.is_some();
    if explicit {
        push(&mut text, format_args!("{count} out of the last {periods} datapoints"));
    } else {
        push(&mut text, format_args!("{count} datapoint{}", plural(count)));
    }
    let be = if count == 1 { "was" } else { "were" };
    let not = if is_alarm { "" } else { "not " };
    push(
        &mut text,
        format_args!(
            " [{}] {be} {not}{} the threshold ({})",
            listed.join(", "),
            watch.comparison.words(),
            double(watch.threshold)
        ),
    );
    if judgement.filled > 0 {
        let filled = judgement.filled;
        let be = if filled == 1 { "was" } else { "were" };
        push(
            &mut text,
            format_args!(
                " and {filled} missing datapoint{} {be} treated as [{}]",
                plural(filled),
                stand_in(watch.missing)
            ),
        );
    }
    if explicit {
        let needed = watch.needed();
        let (least, way) = if is_alarm {
            (needed, "OK -> ALARM")
        } else {
            ((periods as usize + 1).saturating_sub(needed), "ALARM -> OK")
        };
        push(&mut text, format_args!(" (minimum {least} datapoint{} for {way} transition)", plural(least)));
    }
    text.push('.');
    cut(text, LONGEST)
}

fn insufficient(periods: usize) -> String {
    let be = if periods == 1 { "was" } else { "were" };
    format!("Insufficient Data: {periods} datapoint{} {be} unknown.", plural(periods))
}

fn none_received(watch: &Watch, filled: usize) -> String {
    let periods = watch.evaluation_periods as usize;
    let be = if filled == 1 { "was" } else { "were" };
    format!(
        "Threshold Crossed: no datapoints were received for {periods} period{} and {filled} missing datapoint{} {be} \
         treated as [{}].",
        plural(periods),
        plural(filled),
        stand_in(watch.missing)
    )
}

/// The same as JSON.
pub(crate) fn data(watch: &Watch, seen: &Seen, judgement: &Judgement, now_ms: i64) -> String {
    let mut data = Map::new();
    let mut put = |name: &str, value: Value| data.insert(name.to_owned(), value);
    put("version", "1.0".into());
    put("queryDate", moment(now_ms).into());
    // The place of the oldest value that was judged.
    if let Some(oldest) = judgement.judged.last() {
        put("startDate", moment(seen.window.begin_ms(*oldest)).into());
    }
    if let Some(unit) = &seen.unit {
        put("unit", unit.as_str().into());
    }
    if let Source::Metric(stat) = &watch.source {
        put("statistic", stat.statistic.name().into());
    }
    put("period", (watch.period_ms() / 1000).into());
    let recent = judgement.judged.iter().rev();
    let recent = recent.filter_map(|place| Some(seen.values.get(*place).copied().flatten()?.value));
    put("recentDatapoints", recent.collect());
    put("threshold", watch.threshold.into());
    let evaluated = (0..seen.values.len()).rev().take(watch.evaluation_periods as usize).map(|place| {
        let timestamp = moment(seen.window.begin_ms(place));
        match seen.values.get(place).copied().flatten() {
            Some(Sample { value, samples: Some(samples) }) => {
                json!({"timestamp": timestamp, "sampleCount": samples, "value": value})
            }
            Some(Sample { value, samples: None }) => json!({"timestamp": timestamp, "value": value}),
            None => json!({"timestamp": timestamp}),
        }
    });
    put("evaluatedDatapoints", evaluated.collect());
    let text = Value::Object(data.clone()).to_string();
    if text.len() <= LONGEST_DATA {
        return text;
    }
    // Many periods: the values of those that were judged are in the text.
    data.remove("evaluatedDatapoints");
    let text = Value::Object(data.clone()).to_string();
    if text.len() <= LONGEST_DATA {
        return text;
    }
    data.remove("recentDatapoints");
    Value::Object(data).to_string()
}

/// Cuts a text to so many characters.
pub(crate) fn cut(mut text: String, most: usize) -> String {
    if let Some((at, _)) = text.char_indices().nth(most) {
        text.truncate(at);
    }
    text
}

fn stand_in(missing: Missing) -> &'static str {
    if missing == Missing::Breaching { "Breaching" } else { "NonBreaching" }
}

fn plural(count: usize) -> &'static str {
    if count == 1 { "" } else { "s" }
}

fn push(text: &mut String, more: std::fmt::Arguments<'_>) {
    // Writing into a `String` cannot fail.
    let _ = text.write_fmt(more);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::alarm::{Comparison, MetricStat};
    use crate::domain::evaluation::Rule;
    use crate::domain::metric::Metric;
    use crate::domain::statistic::Statistic;

    /// 26 May 2026, 14:24:00.
    const AT: i64 = 1_779_805_440_000;

    fn watch(periods: u32, needed: Option<u32>, missing: Missing) -> Watch {
        let metric = Metric::new("n", "m", &[]);
        let stat = MetricStat { metric, statistic: Statistic::Average, period_s: 60, unit: None };
        Watch {
            source: Source::Metric(stat),
            evaluation_periods: periods,
            datapoints_to_alarm: needed,
            threshold: 1.0,
            comparison: Comparison::GreaterThanThreshold,
            missing,
            missing_given: true,
            low_samples: None,
        }
    }

    fn told(watch: &Watch, values: &[Option<f64>], state: StateValue) -> (String, Value) {
        let window = Window::of(watch, AT);
        let mut all = vec![None; window.periods - values.len()];
        all.extend(values.iter().map(|value| value.map(|value| Sample { value, samples: Some(2.0) })));
        let breaches: Vec<_> =
            all.iter().map(|one: &Option<Sample>| one.map(|one| one.value > 1.0)).collect();
        let judgement = Rule::of(watch).judge(&breaches);
        let seen = Seen { window, values: all, unit: None };
        let data = data(watch, &seen, &judgement, AT + 591);
        (text(watch, &seen, &judgement, state), serde_json::from_str(&data).unwrap())
    }

    #[test]
    fn the_texts_of_the_reference() {
        let alarm = StateValue::Alarm;
        let one = watch(1, None, Missing::Missing);
        let (text, _) = told(&one, &[Some(3.0)], alarm);
        let expected =
            "Threshold Crossed: 1 datapoint [3.0 (26/05/26 14:23:00)] was greater than the threshold (1.0).";
        assert_eq!(text, expected);
        let (text, _) = told(&one, &[Some(0.5)], StateValue::Ok);
        assert!(
            text.ends_with("[0.5 (26/05/26 14:23:00)] was not greater than the threshold (1.0)."),
            "{text}"
        );

        let two = watch(2, None, Missing::Missing);
        let (text, _) = told(&two, &[Some(3.0), Some(4.0)], alarm);
        assert_eq!(
            text,
            "Threshold Crossed: 2 datapoints [4.0 (26/05/26 14:23:00), 3.0 (26/05/26 14:22:00)] were greater than the \
             threshold (1.0)."
        );

        let set = watch(1, Some(1), Missing::Missing);
        let (text, _) = told(&set, &[Some(99.5)], alarm);
        assert_eq!(
            text,
            "Threshold Crossed: 1 out of the last 1 datapoints [99.5 (26/05/26 14:23:00)] was greater than the threshold \
             (1.0) (minimum 1 datapoint for OK -> ALARM transition)."
        );

        let many = watch(20, Some(1), Missing::NotBreaching);
        let (text, _) = told(&many, &[Some(0.0)], StateValue::Ok);
        assert!(
            text.contains("threshold (1.0) and 19 missing datapoints were treated as [NonBreaching] (minimum 20 datapoints"),
            "{text}"
        );

        let (text, _) = told(&watch(1, None, Missing::Breaching), &[], alarm);
        assert_eq!(
            text,
            "Threshold Crossed: no datapoints were received for 1 period and 1 missing datapoint was treated as \
             [Breaching]."
        );
        let (text, data) = told(&watch(5, None, Missing::Missing), &[], StateValue::InsufficientData);
        assert_eq!(text, "Insufficient Data: 5 datapoints were unknown.");
        assert!(data.get("startDate").is_none());
        assert_eq!(data["recentDatapoints"], json!([]));
    }

    #[test]
    fn the_data_of_a_reason() {
        let (_, data) = told(&watch(2, None, Missing::Missing), &[Some(3.0), Some(4.0)], StateValue::Alarm);
        let expected = json!({
            "version": "1.0",
            "queryDate": "2026-05-26T14:24:00.591+0000",
            "startDate": "2026-05-26T14:22:00.000+0000",
            "statistic": "Average",
            "period": 60,
            "recentDatapoints": [3.0, 4.0],
            "threshold": 1.0,
            "evaluatedDatapoints": [
                {"timestamp": "2026-05-26T14:23:00.000+0000", "sampleCount": 2.0, "value": 4.0},
                {"timestamp": "2026-05-26T14:22:00.000+0000", "sampleCount": 2.0, "value": 3.0},
            ],
        });
        assert_eq!(data, expected);
    }

    #[test]
    fn long_windows_keep_within_aws_bounds() {
        let values = vec![Some(1.123_456_789_012_345_6); 600];
        let long = watch(600, None, Missing::Missing);
        let (text, data) = told(&long, &values, StateValue::Ok);
        assert!(text.chars().count() <= LONGEST, "{}", text.len());
        assert!(data.to_string().len() <= LONGEST_DATA);
    }
}

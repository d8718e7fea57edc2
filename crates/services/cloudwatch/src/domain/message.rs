//! What an alarm tells the subscribers of a topic, and its history (CloudWatch User Guide, "Setting up Amazon SNS
//! notifications"; messages of AWS quoted in public issue threads).

use serde_json::{Map, Value, json};

use super::alarm::{Alarm, Kind, MetricStat, Query, Source, State, Watch};
use super::home::long_name;
use super::reason::{cut, moment};

/// Subjects of notifications have fewer characters than this (SNS API Reference, Publish).
const SUBJECT_LIMIT: usize = 100;

/// The longest data of an item of the history, in characters (CloudWatch API Reference, `HistoryData`).
const LONGEST_DATA: usize = 4_095;

/// `ALARM: "name" in US East (N. Virginia)`
pub(crate) fn subject(alarm: &Alarm) -> String {
    let printable: String = alarm.name.chars().filter(|letter| !letter.is_control()).collect();
    let state = alarm.body.state.value.as_str();
    cut(format!("{state}: \"{printable}\" in {}", long_name(alarm.home.region)), SUBJECT_LIMIT - 1)
}

/// The message: JSON in one line. `triggers` are the alarms that moved a composite one.
pub(crate) fn notification(alarm: &Alarm, before: &State, triggers: &[&Alarm]) -> String {
    let body = &alarm.body;
    let mut message = Map::new();
    let mut put = |name: &str, value: Value| message.insert(name.to_owned(), value);
    put("AlarmName", alarm.name.as_str().into());
    put("AlarmDescription", body.description.as_deref().into());
    if let Kind::Composite(composite) = &body.kind {
        put("AlarmRule", composite.rule.as_str().into());
    }
    put("AWSAccountId", alarm.home.account.to_string().into());
    put("AlarmConfigurationUpdatedTimestamp", moment(body.configured_ms).into());
    put("NewStateValue", body.state.value.as_str().into());
    put("NewStateReason", body.state.reason.as_str().into());
    put("StateChangeTime", moment(body.state.updated_ms).into());
    put("Region", long_name(alarm.home.region).into());
    put("AlarmArn", alarm.arn().into());
    put("OldStateValue", before.value.as_str().into());
    put("OKActions", body.actions.ok.clone().into());
    put("AlarmActions", body.actions.alarm.clone().into());
    put("InsufficientDataActions", body.actions.insufficient_data.clone().into());
    match &body.kind {
        Kind::Metric(watch) => put("Trigger", trigger(watch)),
        Kind::Composite(_) => {
            put("TriggeringChildren", triggers.iter().map(|child| of_child(child)).collect())
        }
    };
    Value::Object(message).to_string()
}

fn of_child(child: &Alarm) -> Value {
    let state = &child.body.state;
    json!({
        "Arn": child.arn(),
        "State": {"Value": state.value.as_str(), "Timestamp": moment(state.updated_ms)},
    })
}

/// What a metric alarm watches, as notifications show it.
fn trigger(watch: &Watch) -> Value {
    let mut trigger = Map::new();
    let mut put = |name: &str, value: Value| trigger.insert(name.to_owned(), value);
    match &watch.source {
        Source::Metric(stat) => {
            put("MetricName", stat.metric.name.as_str().into());
            put("Namespace", stat.metric.namespace.as_str().into());
            put("StatisticType", "Statistic".into());
            put("Statistic", stat.statistic.name().to_uppercase().into());
            put("Unit", stat.unit.as_deref().into());
            put("Dimensions", dimensions(stat));
            put("Period", stat.period_s.into());
        }
        Source::Math(queries) => {
            put("Metrics", queries.iter().map(math).collect());
            put("Period", (watch.period_ms() / 1000).into());
        }
    }
    put("EvaluationPeriods", watch.evaluation_periods.into());
    if let Some(needed) = watch.datapoints_to_alarm {
        put("DatapointsToAlarm", needed.into());
    }
    put("ComparisonOperator", watch.comparison.as_str().into());
    put("Threshold", watch.threshold.into());
    put("TreatMissingData", watch.missing.as_str().into());
    put("EvaluateLowSampleCountPercentile", watch.low_samples.as_deref().unwrap_or_default().into());
    Value::Object(trigger)
}

fn dimensions(stat: &MetricStat) -> Value {
    stat.metric.dimensions.iter().map(|(name, value)| json!({"value": value, "name": name})).collect()
}

fn math(query: &Query) -> Value {
    let mut shown = Map::new();
    if let Some(expression) = &query.expression {
        shown.insert("Expression".to_owned(), expression.as_str().into());
    }
    shown.insert("Id".to_owned(), query.id.as_str().into());
    if let Some(label) = &query.label {
        shown.insert("Label".to_owned(), label.as_str().into());
    }
    if let Some(stat) = &query.stat {
        let metric = json!({
            "Dimensions": dimensions(stat),
            "MetricName": stat.metric.name,
            "Namespace": stat.metric.namespace,
        });
        shown.insert(
            "MetricStat".to_owned(),
            json!({"Metric": metric, "Period": stat.period_s, "Stat": stat.statistic.name()}),
        );
    }
    shown.insert("ReturnData".to_owned(), query.return_data.unwrap_or(true).into());
    Value::Object(shown)
}

/// One thing that happened to an alarm.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Item {
    pub(crate) kind: &'static str,
    pub(crate) summary: String,
    /// JSON.
    pub(crate) data: String,
}

impl Item {
    /// The state became another.
    pub(crate) fn state_update(before: &State, after: &State) -> Self {
        let shown = |state: &State, with_data: bool| {
            let mut shown = json!({"stateValue": state.value.as_str(), "stateReason": state.reason});
            let data = state.data.as_deref().and_then(|data| serde_json::from_str::<Value>(data).ok());
            if let (Some(data), Some(shown), true) = (data, shown.as_object_mut(), with_data) {
                shown.insert("stateReasonData".to_owned(), data);
            }
            shown
        };
        let with = |old: bool, new: bool| {
            let (old, new) = (shown(before, old), shown(after, new));
            json!({"version": "1.0", "oldState": old, "newState": new}).to_string()
        };
        // Both data may be too long together.
        let fitting =
            [(true, true), (false, true), (false, false)].into_iter().map(|(old, new)| with(old, new));
        let data = fitting.into_iter().find(|data| data.chars().count() <= LONGEST_DATA);
        let summary = format!("Alarm updated from {} to {}", before.value.as_str(), after.value.as_str());
        Self {
            kind: "StateUpdate",
            summary,
            data: data.unwrap_or_else(|| "{\"version\":\"1.0\"}".to_owned()),
        }
    }

    /// An action was taken, or could not be.
    pub(crate) fn action(arn: &str, error: Option<&str>, state: &str, subject: &str) -> Self {
        let summary = match error {
            None => format!("Successfully executed action {arn}"),
            Some(error) => format!("Failed to execute action {arn}. Received error: \"{error}\""),
        };
        let data = json!({
            "actionState": if error.is_none() { "Succeeded" } else { "Failed" },
            "notificationResource": arn,
            "stateValue": state,
            "subject": subject,
            "error": error,
        });
        Self { kind: "Action", summary: cut(summary, 255), data: cut(data.to_string(), LONGEST_DATA) }
    }

    /// Actions are kept back.
    pub(crate) fn suppressed(by: &str, reason: &str) -> Self {
        let data = json!({"version": "1.0", "actionsSuppressedBy": by, "actionsSuppressedReason": reason});
        Self { kind: "Action", summary: cut(reason.to_owned(), 255), data: data.to_string() }
    }

    /// The alarm was made, changed or deleted.
    pub(crate) fn configuration(alarm: &Alarm, before: Option<&Alarm>, what: Configured) -> Self {
        let (done, kind) = match what {
            Configured::Created => ("created", "Create"),
            Configured::Updated => ("updated", "Update"),
            Configured::Deleted => ("deleted", "Delete"),
        };
        let summary = cut(format!("Alarm \"{}\" {done}", alarm.name), 255);
        let mut data = Map::new();
        data.insert("version".to_owned(), "1.0".into());
        data.insert("type".to_owned(), kind.into());
        let key = if what == Configured::Deleted { "deletedAlarm" } else { "createdAlarm" };
        let key = if what == Configured::Updated { "updatedAlarm" } else { key };
        data.insert(key.to_owned(), configuration(alarm));
        if let Some(before) = before {
            data.insert("previousAlarm".to_owned(), configuration(before));
        }
        let mut text = Value::Object(data.clone()).to_string();
        for left_out in ["previousAlarm", key] {
            if text.chars().count() > LONGEST_DATA {
                data.remove(left_out);
                text = Value::Object(data.clone()).to_string();
            }
        }
        Self { kind: "ConfigurationUpdate", summary, data: text }
    }
}

/// What happened to an alarm's configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Configured {
    Created,
    Updated,
    Deleted,
}

/// An alarm's configuration as its history shows it.
fn configuration(alarm: &Alarm) -> Value {
    let body = &alarm.body;
    let mut shown = Map::new();
    let mut put = |name: &str, value: Value| shown.insert(name.to_owned(), value);
    put("alarmName", alarm.name.as_str().into());
    put("alarmArn", alarm.arn().into());
    put("alarmDescription", body.description.as_deref().into());
    put("actionsEnabled", body.actions.enabled.into());
    put("okActions", body.actions.ok.clone().into());
    put("alarmActions", body.actions.alarm.clone().into());
    put("insufficientDataActions", body.actions.insufficient_data.clone().into());
    put("alarmConfigurationUpdatedTimestamp", moment(body.configured_ms).into());
    put("stateValue", body.state.value.as_str().into());
    match &body.kind {
        Kind::Composite(composite) => {
            put("alarmRule", composite.rule.as_str().into());
        }
        Kind::Metric(watch) => {
            match &watch.source {
                Source::Metric(stat) => {
                    put("metricName", stat.metric.name.as_str().into());
                    put("namespace", stat.metric.namespace.as_str().into());
                    put("statistic", stat.statistic.name().into());
                    put("dimensions", dimensions(stat));
                    put("period", stat.period_s.into());
                }
                Source::Math(queries) => {
                    put("metrics", queries.iter().map(math).collect());
                }
            }
            put("evaluationPeriods", watch.evaluation_periods.into());
            put("datapointsToAlarm", watch.datapoints_to_alarm.into());
            put("threshold", watch.threshold.into());
            put("comparisonOperator", watch.comparison.as_str().into());
            put("treatMissingData", watch.missing.as_str().into());
        }
    }
    Value::Object(shown)
}

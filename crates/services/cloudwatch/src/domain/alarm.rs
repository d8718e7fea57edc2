//! Alarms: what they watch, what they are to do, and how they stand.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use serde::{Deserialize, Serialize};

use super::home::Home;
use super::metric::Metric;
use super::rule::Rule;
use super::statistic::Statistic;
use super::suppression::{Suppression, Suppressor};

/// How an alarm stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) enum StateValue {
    #[serde(rename = "OK")]
    Ok,
    #[serde(rename = "ALARM")]
    Alarm,
    #[serde(rename = "INSUFFICIENT_DATA")]
    InsufficientData,
}

impl StateValue {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::Alarm => "ALARM",
            Self::InsufficientData => "INSUFFICIENT_DATA",
        }
    }

    pub(crate) fn named(name: &str) -> Option<Self> {
        [Self::Ok, Self::Alarm, Self::InsufficientData].into_iter().find(|state| state.as_str() == name)
    }
}

/// The state of an alarm, why it is so, and since when.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct State {
    pub(crate) value: StateValue,
    pub(crate) reason: String,
    /// JSON.
    pub(crate) data: Option<String>,
    /// When anything of this was last written.
    pub(crate) updated_ms: i64,
    /// When the value last became another.
    pub(crate) transitioned_ms: i64,
}

impl State {
    /// Of an alarm that was just made.
    pub(crate) fn unchecked(now_ms: i64) -> Self {
        Self {
            value: StateValue::InsufficientData,
            reason: "Unchecked: Initial alarm creation".to_owned(),
            data: None,
            updated_ms: now_ms,
            transitioned_ms: now_ms,
        }
    }

    /// The state after this one.
    pub(crate) fn after(&self, value: StateValue, reason: String, data: Option<String>, now_ms: i64) -> Self {
        let transitioned_ms = if value == self.value { self.transitioned_ms } else { now_ms };
        Self { value, reason, data, updated_ms: now_ms, transitioned_ms }
    }
}

/// When a value breaches its threshold.
#[expect(clippy::enum_variant_names, reason = "the names are AWS's")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Comparison {
    GreaterThanOrEqualToThreshold,
    GreaterThanThreshold,
    LessThanThreshold,
    LessThanOrEqualToThreshold,
}

impl Comparison {
    pub(crate) const ALL: [Self; 4] = [
        Self::GreaterThanOrEqualToThreshold,
        Self::GreaterThanThreshold,
        Self::LessThanThreshold,
        Self::LessThanOrEqualToThreshold,
    ];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::GreaterThanOrEqualToThreshold => "GreaterThanOrEqualToThreshold",
            Self::GreaterThanThreshold => "GreaterThanThreshold",
            Self::LessThanThreshold => "LessThanThreshold",
            Self::LessThanOrEqualToThreshold => "LessThanOrEqualToThreshold",
        }
    }

    /// In the words of reasons.
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::GreaterThanOrEqualToThreshold => "greater than or equal to",
            Self::GreaterThanThreshold => "greater than",
            Self::LessThanThreshold => "less than",
            Self::LessThanOrEqualToThreshold => "less than or equal to",
        }
    }

    pub(crate) fn is_breached(self, value: f64, threshold: f64) -> bool {
        match self {
            Self::GreaterThanOrEqualToThreshold => value >= threshold,
            Self::GreaterThanThreshold => value > threshold,
            Self::LessThanThreshold => value < threshold,
            Self::LessThanOrEqualToThreshold => value <= threshold,
        }
    }
}

/// What stands in for values that are missing.
#[expect(clippy::enum_variant_names, reason = "the names are AWS's")]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Missing {
    Breaching,
    NotBreaching,
    Ignore,
    #[default]
    Missing,
}

impl Missing {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Breaching => "breaching",
            Self::NotBreaching => "notBreaching",
            Self::Ignore => "ignore",
            Self::Missing => "missing",
        }
    }

    pub(crate) fn named(name: &str) -> Option<Self> {
        [Self::Breaching, Self::NotBreaching, Self::Ignore, Self::Missing]
            .into_iter()
            .find(|missing| missing.as_str() == name)
    }
}

/// A statistic of a metric, by periods.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct MetricStat {
    pub(crate) metric: Metric,
    pub(crate) statistic: Statistic,
    pub(crate) period_s: i64,
    pub(crate) unit: Option<String>,
}

/// One of the metrics and expressions of an alarm on metric math, as it was given.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Query {
    pub(crate) id: String,
    pub(crate) label: Option<String>,
    pub(crate) stat: Option<MetricStat>,
    pub(crate) expression: Option<String>,
    pub(crate) period_s: Option<i64>,
    /// As given: without it, everything is returned.
    pub(crate) return_data: Option<bool>,
    /// As given: the account's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) account_id: Option<String>,
}

/// Where the values come from that an alarm compares.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Source {
    Metric(MetricStat),
    Math(Vec<Query>),
}

/// What an alarm on a metric watches.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Watch {
    pub(crate) source: Source,
    pub(crate) evaluation_periods: u32,
    pub(crate) datapoints_to_alarm: Option<u32>,
    pub(crate) threshold: f64,
    pub(crate) comparison: Comparison,
    pub(crate) missing: Missing,
    /// Whether the treatment of missing data was given.
    pub(crate) missing_given: bool,
    pub(crate) low_samples: Option<String>,
}

impl Watch {
    /// The length of its periods, in milliseconds.
    pub(crate) fn period_ms(&self) -> i64 {
        let seconds = match &self.source {
            Source::Metric(stat) => stat.period_s,
            Source::Math(queries) => queries
                .iter()
                .find_map(|query| query.stat.as_ref().map(|stat| stat.period_s).or(query.period_s))
                .unwrap_or(60),
        };
        seconds.saturating_mul(1000)
    }

    /// How many breaching values make an alarm.
    pub(crate) fn needed(&self) -> usize {
        self.datapoints_to_alarm.unwrap_or(self.evaluation_periods) as usize
    }
}

/// What an alarm on other alarms watches.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Composite {
    pub(crate) rule: String,
    pub(crate) suppressor: Option<Suppressor>,
    pub(crate) suppression: Option<Suppression>,
    /// Its state was set by hand, and stays until one of its children changes.
    pub(crate) is_set: bool,
    /// The rule as it was read, once somebody needed it.
    #[serde(skip)]
    pub(crate) read: ReadRule,
}

impl Composite {
    /// The rule. What was read when it was put can be read still.
    pub(crate) fn rule(&self) -> Option<&Rule> {
        self.read.0.get_or_init(|| Rule::parse(&self.rule).ok().map(Arc::new)).as_deref()
    }
}

/// A rule that is read at most once. Alarms with the same text of it are the same.
#[derive(Clone, Debug, Default)]
pub(crate) struct ReadRule(OnceLock<Option<Arc<Rule>>>);

impl PartialEq for ReadRule {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

/// The two kinds of alarms.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Kind {
    Metric(Box<Watch>),
    Composite(Box<Composite>),
}

/// What an alarm does when its state becomes another.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Actions {
    pub(crate) enabled: bool,
    pub(crate) ok: Vec<String>,
    pub(crate) alarm: Vec<String>,
    pub(crate) insufficient_data: Vec<String>,
}

impl Actions {
    /// Those of a state.
    pub(crate) fn of(&self, state: StateValue) -> &[String] {
        match state {
            StateValue::Ok => &self.ok,
            StateValue::Alarm => &self.alarm,
            StateValue::InsufficientData => &self.insufficient_data,
        }
    }
}

/// An alarm.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Alarm {
    pub(crate) home: Home,
    pub(crate) name: String,
    /// Counts its changes.
    pub(crate) version: i64,
    pub(crate) body: Body,
}

/// All of an alarm but its name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Body {
    pub(crate) description: Option<String>,
    pub(crate) actions: Actions,
    pub(crate) kind: Kind,
    pub(crate) configured_ms: i64,
    pub(crate) state: State,
    pub(crate) tags: BTreeMap<String, String>,
}

impl Alarm {
    pub(crate) fn arn(&self) -> String {
        self.home.alarm_arn(&self.name)
    }

    /// What AWS calls its kind.
    pub(crate) fn type_name(&self) -> &'static str {
        match self.body.kind {
            Kind::Metric(_) => "MetricAlarm",
            Kind::Composite(_) => "CompositeAlarm",
        }
    }

    pub(crate) fn composite(&self) -> Option<&Composite> {
        match &self.body.kind {
            Kind::Composite(composite) => Some(composite),
            Kind::Metric(_) => None,
        }
    }

    pub(crate) fn watch(&self) -> Option<&Watch> {
        match &self.body.kind {
            Kind::Metric(watch) => Some(watch),
            Kind::Composite(_) => None,
        }
    }
}

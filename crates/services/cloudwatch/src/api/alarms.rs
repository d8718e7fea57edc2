//! Alarms on metrics put, and alarms deleted.

use std::collections::BTreeSet;

use strongroom_api_cloudwatch::{self as api, actions};
use strongroom_identity::{ConditionKeys, RequestContext};
use strongroom_schema::Unit;

use super::queries;
use crate::CloudWatch;
use crate::domain::alarm::{
    Actions, Alarm, Body, Comparison, Kind, MetricStat, Missing, Query, Source, State, Watch,
};
use crate::domain::datum::check_dimensions;
use crate::domain::home::Home;
use crate::domain::metric::Metric;
use crate::domain::rule::{Rule, name_in};
use crate::domain::statistic::{Statistic, is_extended};
use crate::domain::tags;
use crate::error::Refusal;
use crate::judging::watched;

/// How far back an alarm may look, in seconds: a week where periods are an hour or more, else a day.
const DAY: i64 = 86_400;
const WEEK: i64 = 7 * DAY;

/// Metrics that an alarm on metric math may have, and parts of its expressions: it is computed every minute.
const MOST_METRICS: usize = 10;
const MOST_PARTS: usize = 100;

pub(super) async fn put_metric_alarm(
    cloudwatch: &CloudWatch,
    context: &RequestContext,
    input: api::PutMetricAlarmInput,
) -> Result<Unit, Refusal> {
    let name = &input.alarm_name;
    let given = tags::parse(input.tags.as_deref())?;
    let actions = Actions {
        enabled: input.actions_enabled.unwrap_or(true),
        ok: input.ok_actions.clone().unwrap_or_default(),
        alarm: input.alarm_actions.clone().unwrap_or_default(),
        insufficient_data: input.insufficient_data_actions.clone().unwrap_or_default(),
    };
    context.ask(asked(&actions, &given));
    touched(context, name);
    check_name(name)?;
    check_actions(&actions)?;
    let watch = watch(&input, context)?;
    let make = |known: Option<&Alarm>| {
        if known.is_some_and(|known| known.watch().is_none()) {
            return Err(Refusal::validation(format!("The alarm {name} is a composite alarm.")));
        }
        if known.is_none() && !given.is_empty() {
            cloudwatch.permit_alarm::<actions::TagResource>(context, name, None)?;
        }
        let kind = Kind::Metric(Box::new(watch.clone()));
        Ok(put(context, name, known, input.alarm_description.clone(), actions.clone(), kind, &given))
    };
    cloudwatch.put::<actions::PutMetricAlarm>(context, name, make).await?;
    Ok(Unit)
}

/// The alarm as it is put: a new one, or the one that is there with another configuration. Tags count for a new one.
pub(super) fn put(
    context: &RequestContext,
    name: &str,
    known: Option<&Alarm>,
    description: Option<String>,
    actions: Actions,
    kind: Kind,
    given: &std::collections::BTreeMap<String, String>,
) -> Alarm {
    let (version, state, tags) = match known {
        Some(known) => (known.version, known.body.state.clone(), known.body.tags.clone()),
        None => (1, State::unchecked(context.now_ms), given.clone()),
    };
    let configured_ms = context.now_ms;
    let body = Body { description, actions, kind, configured_ms, state, tags };
    Alarm { home: Home::of(context), name: name.to_owned(), version, body }
}

/// What the input of an alarm says to policies.
pub(super) fn asked(actions: &Actions, given: &std::collections::BTreeMap<String, String>) -> ConditionKeys {
    let all: BTreeSet<String> =
        actions.ok.iter().chain(&actions.alarm).chain(&actions.insufficient_data).cloned().collect();
    let keys = ConditionKeys::new();
    let keys = if all.is_empty() { keys } else { keys.with("cloudwatch:AlarmActions", Vec::from_iter(all)) };
    tags::asked(keys, given)
}

/// Notes the alarm for the record.
pub(super) fn touched(context: &RequestContext, name: &str) {
    context.touched("AWS::CloudWatch::Alarm", context.account(), Home::of(context).alarm_arn(name));
}

/// Names are any text without control characters.
pub(super) fn check_name(name: &str) -> Result<(), Refusal> {
    if name.chars().any(char::is_control) {
        return Err(Refusal::validation("The alarm name must not contain control characters."));
    }
    Ok(())
}

/// Actions are topics of SNS. What else AWS lets alarms do is not here, and an alarm that did nothing would be worse
/// than one that cannot be made.
pub(super) fn check_actions(actions: &Actions) -> Result<(), Refusal> {
    for arn in actions.ok.iter().chain(&actions.alarm).chain(&actions.insufficient_data) {
        let parts: Vec<&str> = arn.split(':').collect();
        match parts.as_slice() {
            ["arn", _, "sns", region, account, topic]
                if !region.is_empty() && account.len() == 12 && !topic.is_empty() => {}
            ["arn", _, service, _, ..] if *service != "sns" => {
                return Err(Refusal::NotYet("alarm actions other than topics of SNS"));
            }
            _ => return Err(Refusal::validation(format!("Invalid arn syntax: {arn}"))),
        }
    }
    Ok(())
}

fn watch(input: &api::PutMetricAlarmInput, context: &RequestContext) -> Result<Watch, Refusal> {
    if input.threshold_metric_id.is_some() {
        return Err(Refusal::NotYet("alarms on anomaly detection"));
    }
    let source = source(input, context)?;
    let comparison = input.comparison_operator.as_ref().map(api::ComparisonOperator::as_str);
    let comparison = comparison.ok_or_else(|| missing("ComparisonOperator"))?;
    let comparison = Comparison::ALL.into_iter().find(|known| known.as_str() == comparison);
    let comparison = comparison.ok_or(Refusal::NotYet("alarms on anomaly detection"))?;
    let periods = input.evaluation_periods.ok_or_else(|| missing("EvaluationPeriods"))?;
    if input.datapoints_to_alarm.is_some_and(|needed| needed > periods) {
        return Err(Refusal::validation("DatapointsToAlarm must be less than or equal to EvaluationPeriods"));
    }
    let threshold = input.threshold.ok_or_else(|| missing("Threshold"))?;
    if !threshold.is_finite() {
        return Err(Refusal::validation("The parameter Threshold must be a finite number."));
    }
    let treat = input.treat_missing_data.as_deref();
    let treatment = treat.map(|name| {
        Missing::named(name).ok_or_else(|| {
            Refusal::validation(format!(
                "Invalid value {name} for TreatMissingData. Valid values: breaching, notBreaching, ignore, missing."
            ))
        })
    });
    let low = input.evaluate_low_sample_count_percentile.clone();
    if low.as_deref().is_some_and(|low| !matches!(low, "evaluate" | "ignore")) {
        return Err(Refusal::validation("EvaluateLowSampleCountPercentile must be evaluate or ignore."));
    }
    let watch = Watch {
        source,
        evaluation_periods: periods.unsigned_abs(),
        datapoints_to_alarm: input.datapoints_to_alarm.map(i32::unsigned_abs),
        threshold,
        comparison,
        missing: treatment.transpose()?.unwrap_or_default(),
        missing_given: treat.is_some(),
        low_samples: low,
    };
    let period_s = watch.period_ms() / 1000;
    let looks_back = period_s.saturating_mul(i64::from(watch.evaluation_periods));
    if period_s >= 3_600 && looks_back > WEEK {
        return Err(Refusal::validation(format!(
            "Metrics cannot be checked across more than a week (EvaluationPeriods * Period must be <= {WEEK})."
        )));
    }
    if period_s < 3_600 && looks_back > DAY {
        return Err(Refusal::validation(format!(
            "Metrics cannot be checked across more than a day (EvaluationPeriods * Period must be <= {DAY})."
        )));
    }
    Ok(watch)
}

fn missing(parameter: &str) -> Refusal {
    Refusal::validation(format!("The parameter {parameter} is required."))
}

fn source(input: &api::PutMetricAlarmInput, context: &RequestContext) -> Result<Source, Refusal> {
    let single = [
        ("Namespace", input.namespace.is_some()),
        ("MetricName", input.metric_name.is_some()),
        ("Dimensions", input.dimensions.as_ref().is_some_and(|dimensions| !dimensions.is_empty())),
        ("Period", input.period.is_some()),
        ("Unit", input.unit.is_some()),
        ("Statistic", input.statistic.is_some()),
        ("ExtendedStatistic", input.extended_statistic.is_some()),
    ];
    let Some(metrics) = input.metrics.as_deref().filter(|metrics| !metrics.is_empty()) else {
        return metric(input).map(Source::Metric);
    };
    if let Some((name, _)) = single.into_iter().find(|(_, is_given)| *is_given) {
        // Text: an answer of AWS, quoted in public issue threads.
        return Err(Refusal::validation(format!("{name} should not be set if list of Metrics is set.")));
    }
    math(queries::parse(metrics, context.account())?).map(Source::Math)
}

fn metric(input: &api::PutMetricAlarmInput) -> Result<MetricStat, Refusal> {
    // Text: an answer of AWS for a name, quoted in public issue threads.
    let null = |parameter: &str| Refusal::validation(format!("{parameter} must not be null"));
    let name = input.metric_name.as_deref().ok_or_else(|| null("MetricName"))?;
    let namespace = input.namespace.as_deref().ok_or_else(|| null("Namespace"))?;
    let statistic = match (&input.statistic, &input.extended_statistic) {
        (Some(statistic), None) => {
            Statistic::named(statistic.as_str()).ok_or_else(|| missing("Statistic"))?
        }
        (None, Some(name)) if is_extended(name) => return Err(Refusal::NotYet("alarms on percentiles")),
        (None, Some(name)) => {
            return Err(Refusal::validation(format!(
                "The value {name} for parameter ExtendedStatistic is not supported."
            )));
        }
        _ => {
            return Err(Refusal::validation(
                "Exactly one of the following must be specified: Statistic, ExtendedStatistic.",
            ));
        }
    };
    check_dimensions("Dimensions", input.dimensions.as_deref())?;
    let period = input.period.ok_or_else(|| null("Period"))?;
    check_alarm_period(i64::from(period))?;
    Ok(MetricStat {
        metric: Metric::of_request(namespace, name, input.dimensions.as_deref()),
        statistic,
        period_s: i64::from(period),
        unit: input.unit.as_ref().map(|unit| unit.as_str().to_owned()),
    })
}

fn check_alarm_period(seconds: i64) -> Result<(), Refusal> {
    if matches!(seconds, 10 | 20 | 30) || seconds > 0 && seconds % 60 == 0 {
        return Ok(());
    }
    Err(Refusal::validation("The parameter Period must be 10, 20, 30, or a multiple of 60."))
}

/// Metrics and expressions of which one is compared, all with one period.
fn math(queries: Vec<Query>) -> Result<Vec<Query>, Refusal> {
    let stats: Vec<&MetricStat> = queries.iter().filter_map(|query| query.stat.as_ref()).collect();
    if stats.len() > MOST_METRICS {
        return Err(Refusal::validation(format!("An alarm may use at most {MOST_METRICS} metrics.")));
    }
    if queries::parts(&queries) > MOST_PARTS {
        return Err(Refusal::validation(format!(
            "The expressions of an alarm may have at most {MOST_PARTS} parts."
        )));
    }
    let Some(first) = stats.first() else {
        return Err(Refusal::validation("The expression of an alarm must use at least one metric."));
    };
    check_alarm_period(first.period_s)?;
    let others = queries.iter().filter_map(|query| query.period_s);
    if stats.iter().map(|stat| stat.period_s).chain(others).any(|period_s| period_s != first.period_s) {
        return Err(Refusal::validation("All metrics of an alarm must have the same period."));
    }
    if watched(&queries).is_none() {
        // Text: an answer of AWS, quoted in public issue threads.
        return Err(Refusal::validation("Exactly one element of the metrics list should return data."));
    }
    Ok(queries)
}

pub(super) async fn delete_alarms(
    cloudwatch: &CloudWatch,
    context: &RequestContext,
    input: api::DeleteAlarmsInput,
) -> Result<Unit, Refusal> {
    let names: Vec<String> = BTreeSet::from_iter(input.alarm_names).into_iter().collect();
    for name in &names {
        touched(context, name);
    }
    let home = Home::of(context);
    for name in &names {
        let alarms = cloudwatch.directory.of(&home).await?;
        cloudwatch.permit_alarm::<actions::DeleteAlarms>(
            context,
            name,
            alarms.get(name).map(|alarm| &**alarm),
        )?;
    }
    let alarms = cloudwatch.directory.of(&home).await?;
    let composites =
        names.iter().filter(|name| alarms.get(*name).is_some_and(|alarm| alarm.composite().is_some()));
    if composites.count() > 1 {
        return Err(Refusal::validation("Only one composite alarm can be deleted at a time."));
    }
    let staying = alarms.values().filter(|alarm| !names.contains(&alarm.name));
    for alarm in staying {
        let Some(composite) = alarm.composite() else { continue };
        let rule = Rule::parse(&composite.rule).ok();
        let named = rule.iter().flat_map(Rule::alarms).filter_map(|named| name_in(&home, named));
        let suppressor = composite.suppressor.iter().filter_map(|it| name_in(&home, &it.alarm));
        let mut used = named.chain(suppressor).filter(|name| names.iter().any(|deleted| deleted == name));
        if let Some(name) = used.next() {
            return Err(Refusal::validation(format!(
                "Cannot delete {name} as there are composite alarm(s) depending on it."
            )));
        }
    }
    cloudwatch.delete_all::<actions::DeleteAlarms>(context, &names).await?;
    Ok(Unit)
}

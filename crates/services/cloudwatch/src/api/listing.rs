//! Alarms described.

use std::sync::Arc;

use strongroom_api_cloudwatch::{self as api, actions};
use strongroom_identity::RequestContext;
use strongroom_schema::Timestamp;

use super::{paging, queries};
use crate::CloudWatch;
use crate::changing::suppressed_reason;
use crate::directory::Alarms;
use crate::domain::alarm::{Alarm, Kind, Source, StateValue, Watch};
use crate::domain::home::Home;
use crate::domain::metric::Metric;
use crate::domain::rule::{Rule, name_in};
use crate::domain::suppression::Suppression;
use crate::error::Refusal;

/// Alarms in a page, unless the request wants fewer, and at the most.
const PAGE: usize = 50;
const MOST: usize = 100;

/// The number of the list in tokens.
const LIST: u8 = 3;

pub(super) async fn describe_alarms(
    cloudwatch: &CloudWatch,
    context: &RequestContext,
    input: api::DescribeAlarmsInput,
) -> Result<api::DescribeAlarmsOutput, Refusal> {
    // The resource is every alarm of the account: `alarm:*`.
    cloudwatch.permit_alarm::<actions::DescribeAlarms>(context, "*", None)?;
    let home = Home::of(context);
    let alarms = cloudwatch.directory.of(&home).await?;
    let limit = input.max_records.and_then(|most| usize::try_from(most).ok()).unwrap_or(PAGE).min(MOST);
    let after = match input.next_token.as_deref().filter(|token| !token.is_empty()) {
        Some(token) => {
            let [name] = paging::open(LIST, token)?;
            Some(paging::text(name)?)
        }
        None => None,
    };
    let input = without_empty_lists(input);
    let (fits, few) = selection(&home, &alarms, &input)?;
    let mut found = alarms
        .values()
        .filter(|alarm| after.as_ref().is_none_or(|after| alarm.name > *after))
        .filter(|alarm| fits(alarm));
    let page: Vec<Arc<Alarm>> = found.by_ref().take(limit).cloned().collect();
    let more = found.next().is_some();
    let next_token = page.last().filter(|_| more).map(|last| paging::close(LIST, &[last.name.as_bytes()]));
    let (composites, metrics): (Vec<_>, Vec<_>) = page.iter().partition(|alarm| alarm.composite().is_some());
    Ok(api::DescribeAlarmsOutput {
        composite_alarms: Some(composites.into_iter().map(|alarm| composite_alarm(alarm, few)).collect()),
        metric_alarms: Some(metrics.into_iter().map(|alarm| metric_alarm(alarm, few)).collect()),
        next_token,
    })
}

/// A list without members counts as not given: in the query protocol it is no parameter at all.
fn without_empty_lists(input: api::DescribeAlarmsInput) -> api::DescribeAlarmsInput {
    api::DescribeAlarmsInput {
        alarm_names: input.alarm_names.filter(|names| !names.is_empty()),
        alarm_types: input.alarm_types.filter(|types| !types.is_empty()),
        ..input
    }
}

/// How much of an alarm is shown.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shown {
    All,
    /// Name, ARN, state, and since when: of children.
    State,
    /// Name and ARN: of parents.
    Name,
}

type Fits<'a> = Box<dyn Fn(&Alarm) -> bool + Send + Sync + 'a>;

/// Which alarms a request wants, and how much of them.
fn selection<'a>(
    home: &'a Home,
    alarms: &'a Alarms,
    input: &'a api::DescribeAlarmsInput,
) -> Result<(Fits<'a>, Shown), Refusal> {
    let filters = input.alarm_names.is_some()
        || input.alarm_name_prefix.is_some()
        || input.alarm_types.is_some()
        || input.state_value.is_some()
        || input.action_prefix.is_some();
    let family = input.children_of_alarm_name.is_some() || input.parents_of_alarm_name.is_some();
    if family && filters || input.children_of_alarm_name.is_some() && input.parents_of_alarm_name.is_some() {
        return Err(Refusal::validation(
            "ChildrenOfAlarmName and ParentsOfAlarmName can only be used with MaxRecords and NextToken.",
        ));
    }
    if let Some(name) = &input.children_of_alarm_name {
        let named: Vec<String> = alarms
            .get(name)
            .and_then(|alarm| Rule::parse(&alarm.composite()?.rule).ok())
            .map(|rule| {
                rule.alarms().into_iter().filter_map(|it| name_in(home, it)).map(str::to_owned).collect()
            })
            .unwrap_or_default();
        return Ok((Box::new(move |alarm| named.contains(&alarm.name)), Shown::State));
    }
    if let Some(name) = &input.parents_of_alarm_name {
        let is_parent = move |alarm: &Alarm| {
            let rule = alarm.composite().and_then(|composite| Rule::parse(&composite.rule).ok());
            rule.is_some_and(|rule| rule.alarms().into_iter().any(|it| name_in(home, it) == Some(name)))
        };
        return Ok((Box::new(is_parent), Shown::Name));
    }
    if input.alarm_names.is_some() && input.alarm_name_prefix.is_some() {
        return Err(Refusal::validation("AlarmNames and AlarmNamePrefix cannot be used together."));
    }
    let state = match &input.state_value {
        Some(state) => Some(StateValue::named(state.as_str()).ok_or_else(|| {
            Refusal::validation(format!("Invalid value {} for StateValue.", state.as_str()))
        })?),
        None => None,
    };
    let types = input.alarm_types.as_deref();
    let wants = |name: &str| match types {
        // Who asks for no type is shown alarms on metrics only.
        None => name == "MetricAlarm",
        Some(types) => types.iter().any(|wanted| wanted.as_str() == name),
    };
    let (metrics, composites) = (wants("MetricAlarm"), wants("CompositeAlarm"));
    let is_wanted = move |alarm: &Alarm| {
        let is_of_type = if alarm.composite().is_some() { composites } else { metrics };
        let actions = &alarm.body.actions;
        let mut all = actions.ok.iter().chain(&actions.alarm).chain(&actions.insufficient_data);
        is_of_type
            && state.is_none_or(|state| state == alarm.body.state.value)
            && input.alarm_names.as_ref().is_none_or(|names| names.contains(&alarm.name))
            && input.alarm_name_prefix.as_ref().is_none_or(|prefix| alarm.name.starts_with(prefix.as_str()))
            && input
                .action_prefix
                .as_ref()
                .is_none_or(|prefix| all.any(|arn| arn.starts_with(prefix.as_str())))
    };
    Ok((Box::new(is_wanted), Shown::All))
}

pub(super) async fn describe_alarms_for_metric(
    cloudwatch: &CloudWatch,
    context: &RequestContext,
    input: api::DescribeAlarmsForMetricInput,
) -> Result<api::DescribeAlarmsForMetricOutput, Refusal> {
    cloudwatch.permit::<actions::DescribeAlarmsForMetric>(context)?;
    let metric = Metric::of_request(&input.namespace, &input.metric_name, input.dimensions.as_deref());
    let alarms = cloudwatch.directory.of(&Home::of(context)).await?;
    let fits = |alarm: &&Arc<Alarm>| {
        let Some(Watch { source: Source::Metric(stat), .. }) = alarm.watch() else { return false };
        stat.metric == metric
            && input.extended_statistic.is_none()
            && input.statistic.as_ref().is_none_or(|wanted| wanted.as_str() == stat.statistic.name())
            && input.period.is_none_or(|period| i64::from(period) == stat.period_s)
            && input.unit.as_ref().is_none_or(|unit| Some(unit.as_str()) == stat.unit.as_deref())
    };
    let found = alarms.values().filter(fits).map(|alarm| metric_alarm(alarm, Shown::All));
    Ok(api::DescribeAlarmsForMetricOutput { metric_alarms: Some(found.collect()) })
}

fn metric_alarm(alarm: &Alarm, shown: Shown) -> api::MetricAlarm {
    let body = &alarm.body;
    let name = api::MetricAlarm {
        alarm_name: Some(alarm.name.clone()),
        alarm_arn: Some(alarm.arn()),
        ..api::MetricAlarm::default()
    };
    if shown == Shown::Name {
        return name;
    }
    let state = api::MetricAlarm {
        state_value: Some(state_value(body.state.value)),
        state_updated_timestamp: Some(Timestamp::from_millis(body.state.updated_ms)),
        ..name
    };
    let (Shown::All, Kind::Metric(watch)) = (shown, &body.kind) else { return state };
    let all = api::MetricAlarm {
        alarm_description: body.description.clone(),
        alarm_configuration_updated_timestamp: Some(Timestamp::from_millis(body.configured_ms)),
        actions_enabled: Some(body.actions.enabled),
        ok_actions: Some(body.actions.ok.clone()),
        alarm_actions: Some(body.actions.alarm.clone()),
        insufficient_data_actions: Some(body.actions.insufficient_data.clone()),
        state_reason: Some(body.state.reason.clone()),
        state_reason_data: body.state.data.clone(),
        state_transitioned_timestamp: Some(Timestamp::from_millis(body.state.transitioned_ms)),
        evaluation_periods: i32::try_from(watch.evaluation_periods).ok(),
        datapoints_to_alarm: watch.datapoints_to_alarm.and_then(|needed| i32::try_from(needed).ok()),
        threshold: Some(watch.threshold),
        comparison_operator: Some(api::ComparisonOperator::from(watch.comparison.as_str())),
        treat_missing_data: watch.missing_given.then(|| watch.missing.as_str().to_owned()),
        evaluate_low_sample_count_percentile: watch.low_samples.clone(),
        ..state
    };
    match &watch.source {
        Source::Metric(stat) => api::MetricAlarm {
            metric_name: Some(stat.metric.name.clone()),
            namespace: Some(stat.metric.namespace.clone()),
            dimensions: Some(stat.metric.shown_dimensions()),
            statistic: Some(stat.statistic.to_api()),
            period: i32::try_from(stat.period_s).ok(),
            unit: stat.unit.as_deref().map(api::StandardUnit::from),
            ..all
        },
        Source::Math(metrics) => api::MetricAlarm {
            dimensions: Some(Vec::new()),
            metrics: Some(metrics.iter().map(queries::shown).collect()),
            ..all
        },
    }
}

fn composite_alarm(alarm: &Alarm, shown: Shown) -> api::CompositeAlarm {
    let body = &alarm.body;
    let name = api::CompositeAlarm {
        alarm_name: Some(alarm.name.clone()),
        alarm_arn: Some(alarm.arn()),
        ..api::CompositeAlarm::default()
    };
    if shown == Shown::Name {
        return name;
    }
    let state = api::CompositeAlarm {
        state_value: Some(state_value(body.state.value)),
        state_updated_timestamp: Some(Timestamp::from_millis(body.state.updated_ms)),
        ..name
    };
    let (Shown::All, Kind::Composite(composite)) = (shown, &body.kind) else { return state };
    let seconds = |seconds: i64| i32::try_from(seconds).ok();
    let suppressor = composite.suppressor.as_ref();
    let held = composite.suppression;
    api::CompositeAlarm {
        alarm_description: body.description.clone(),
        alarm_configuration_updated_timestamp: Some(Timestamp::from_millis(body.configured_ms)),
        actions_enabled: Some(body.actions.enabled),
        ok_actions: Some(body.actions.ok.clone()),
        alarm_actions: Some(body.actions.alarm.clone()),
        insufficient_data_actions: Some(body.actions.insufficient_data.clone()),
        alarm_rule: Some(composite.rule.clone()),
        state_reason: Some(body.state.reason.clone()),
        state_reason_data: body.state.data.clone(),
        state_transitioned_timestamp: Some(Timestamp::from_millis(body.state.transitioned_ms)),
        actions_suppressor: suppressor.map(|it| it.alarm.clone()),
        actions_suppressor_wait_period: suppressor.and_then(|it| seconds(it.wait_s)),
        actions_suppressor_extension_period: suppressor.and_then(|it| seconds(it.extension_s)),
        actions_suppressed_by: held.map(|held| api::ActionsSuppressedBy::from(Suppression::as_str(held))),
        actions_suppressed_reason: held.map(|held| suppressed_reason(&alarm.name, held)),
        ..state
    }
}

fn state_value(state: StateValue) -> api::StateValue {
    api::StateValue::from(state.as_str())
}

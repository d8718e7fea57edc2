//! GetMetricStatistics.

use strongroom_api_cloudwatch::{self as api, actions};
use strongroom_identity::RequestContext;
use strongroom_schema::Timestamp;

use crate::CloudWatch;
use crate::domain::datum::check_dimensions;
use crate::domain::home::Home;
use crate::domain::metric::Metric;
use crate::domain::series::Span;
use crate::domain::statistic::{Statistic, StatisticSet, is_extended};
use crate::error::Refusal;

/// Points in an answer.
const MOST_POINTS: i64 = 1_440;

pub(super) async fn get_metric_statistics(
    cloudwatch: &CloudWatch,
    context: &RequestContext,
    input: api::GetMetricStatisticsInput,
) -> Result<api::GetMetricStatisticsOutput, Refusal> {
    cloudwatch.permit::<actions::GetMetricStatistics>(context)?;
    check_dimensions("Dimensions", input.dimensions.as_deref())?;
    let statistics = statistics(&input)?;
    let span = span(&input, context.now_ms)?;
    let metric = Metric::of_request(&input.namespace, &input.metric_name, input.dimensions.as_deref());
    let unit = input.unit.as_ref().map(api::StandardUnit::as_str);
    let periods = cloudwatch.periods(&Home::of(context), &metric, unit, &span, context.now_ms).await?;
    let points = periods.0.iter().map(|((begin_ms, unit), set)| shown(*begin_ms, unit, set, &statistics));
    Ok(api::GetMetricStatisticsOutput {
        label: Some(metric.name.clone()),
        datapoints: Some(points.collect()),
    })
}

fn statistics(input: &api::GetMetricStatisticsInput) -> Result<Vec<Statistic>, Refusal> {
    match (&input.statistics, &input.extended_statistics) {
        (Some(_), Some(_)) => Err(Refusal::Combination(
            "The parameters Statistics and ExtendedStatistics are mutually exclusive and you have specified both."
                .to_owned(),
        )),
        (None, None) => Err(Refusal::Missing(
            "At least one of the parameters Statistics and ExtendedStatistics must be specified.".to_owned(),
        )),
        (None, Some(extended)) => match extended.iter().find(|name| !is_extended(name)) {
            Some(name) => {
                Err(Refusal::value(format!("The value {name} for parameter ExtendedStatistics is not supported.")))
            }
            None => Err(Refusal::NotYet("percentiles and other statistics of the samples themselves")),
        },
        (Some(named), None) => named
            .iter()
            .map(|name| {
                Statistic::named(name.as_str()).ok_or_else(|| {
                    Refusal::value(format!("The value {} for parameter Statistics is not supported.", name.as_str()))
                })
            })
            .collect(),
    }
}

fn span(input: &api::GetMetricStatisticsInput, now_ms: i64) -> Result<Span, Refusal> {
    let (start_ms, end_ms) = (input.start_time.as_millis(), input.end_time.as_millis());
    if start_ms == end_ms {
        return Err(Refusal::Combination(
            "The parameter StartTime must not equal parameter EndTime.".to_owned(),
        ));
    }
    if start_ms > end_ms {
        return Err(Refusal::Combination(
            "The parameter StartTime must be less than the parameter EndTime.".to_owned(),
        ));
    }
    check_period("Period", input.period)?;
    let span = Span::of_request(start_ms, end_ms, i64::from(input.period), now_ms);
    let asked = span.periods();
    if asked > MOST_POINTS {
        return Err(Refusal::Combination(format!(
            "You have requested up to {asked} datapoints, which exceeds the limit of {MOST_POINTS}. You may reduce the \
             datapoints requested by increasing Period, or decreasing the time range."
        )));
    }
    Ok(span)
}

/// Periods are 1, 5, 10, 20, 30 or a multiple of 60 seconds.
pub(super) fn check_period(parameter: &str, seconds: i32) -> Result<(), Refusal> {
    if matches!(seconds, 1 | 5 | 10 | 20 | 30) || seconds > 0 && seconds % 60 == 0 {
        return Ok(());
    }
    Err(Refusal::value(format!("The parameter {parameter} must be 1, 5, 10, 20, 30, or a multiple of 60.")))
}

fn shown(begin_ms: i64, unit: &str, set: &StatisticSet, wanted: &[Statistic]) -> api::Datapoint {
    let value = |statistic: Statistic| wanted.contains(&statistic).then(|| statistic.of(set));
    api::Datapoint {
        timestamp: Some(Timestamp::from_millis(begin_ms)),
        sample_count: value(Statistic::SampleCount),
        average: value(Statistic::Average),
        sum: value(Statistic::Sum),
        minimum: value(Statistic::Minimum),
        maximum: value(Statistic::Maximum),
        unit: Some(api::StandardUnit::from(unit)),
        extended_statistics: None,
    }
}

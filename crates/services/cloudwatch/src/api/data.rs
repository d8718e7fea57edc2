//! GetMetricData.

use std::collections::BTreeMap;
use std::sync::Arc;

use strongroom_api_cloudwatch::{self as api, actions};
use strongroom_identity::RequestContext;
use strongroom_schema::Timestamp;

use super::{paging, queries};
use crate::CloudWatch;
use crate::domain::alarm::Query;
use crate::domain::home::Home;
use crate::domain::math::{Scope as _, Series, Value};
use crate::domain::series::{Span, floor};
use crate::domain::statistic::Statistic;
use crate::error::Refusal;
use crate::queries::Queries;

/// Queries in a request.
const MOST_QUERIES: usize = 500;

/// Points in a page, unless the request wants fewer.
const PAGE: usize = 100_800;

/// Periods that all queries of a request may ask for together.
const MOST_PERIODS: i64 = 1_000_000;

/// Series in an answer: of arrays more than there are queries.
const MOST_SERIES: usize = 1_000;

/// The number of the list in tokens.
const LIST: u8 = 2;

pub(super) async fn get_metric_data(
    cloudwatch: &CloudWatch,
    context: &RequestContext,
    input: api::GetMetricDataInput,
) -> Result<api::GetMetricDataOutput, Refusal> {
    cloudwatch.permit::<actions::GetMetricData>(context)?;
    if input.metric_data_queries.is_empty() || input.metric_data_queries.len() > MOST_QUERIES {
        return Err(Refusal::validation(format!(
            "The collection MetricDataQueries must have a size between 1 and {MOST_QUERIES}."
        )));
    }
    let parsed = queries::parse(&input.metric_data_queries, context.account())?;
    let (start_ms, end_ms) = (input.start_time.as_millis(), input.end_time.as_millis());
    if start_ms >= end_ms {
        return Err(Refusal::validation("The parameter EndTime must be greater than StartTime."));
    }
    let span = |seconds: i64| {
        let span = Span::of_request(start_ms, end_ms, seconds, context.now_ms);
        // Periods begin where clocks strike.
        Span { start_ms: floor(span.start_ms, span.period_ms), ..span }
    };
    let asked: i64 = parsed
        .iter()
        .filter_map(|query| query.stat.as_ref())
        .fold(0, |sum: i64, stat| sum.saturating_add(span(stat.period_s).periods()));
    let coarsest = parsed.iter().filter_map(|query| query.stat.as_ref().map(|stat| stat.period_s)).max();
    let blank = span(coarsest.or_else(|| parsed.iter().find_map(|query| query.period_s)).unwrap_or(60));
    if asked > MOST_PERIODS || blank.periods() > MOST_PERIODS {
        return Err(Refusal::validation(format!(
            "The request asks for more than {MOST_PERIODS} datapoints. Increase the period, or decrease the time range."
        )));
    }
    let home = Home::of(context);
    let mut given = BTreeMap::new();
    for query in &parsed {
        if let Some(stat) = &query.stat {
            let series = cloudwatch.series(&home, stat, &span(stat.period_s), context.now_ms).await?;
            given.insert(query.id.clone(), Arc::new(series));
        }
    }
    let place = cloudwatch.computing.clone().acquire_owned().await;
    let place = place.map_err(|error| Refusal::Internal(error.into()))?;
    // Not where calls are answered; the place is held until it is done, whether anybody still waits or not.
    let answered = tokio::task::spawn_blocking(move || {
        let _place = place;
        page(compute(&home, &parsed, given, blank)?, &input)
    });
    answered.await.map_err(|error| Refusal::Internal(error.into()))?
}

/// A series of the answer.
struct Computed {
    id: String,
    label: String,
    series: Arc<Series>,
}

fn compute(
    home: &Home,
    parsed: &[Query],
    given: BTreeMap<String, Arc<Series>>,
    blank: Span,
) -> Result<Vec<Computed>, Refusal> {
    let scope = Queries::new(parsed, given, blank);
    let mut results = Vec::new();
    for query in parsed.iter().filter(|query| query.return_data.unwrap_or(true)) {
        let value = scope.value_of(&query.id).map_err(|error| queries::refusal(&query.id, error))?;
        let name = query.stat.as_ref().map_or(query.id.as_str(), |stat| stat.metric.name.as_str());
        let mut add = |name: &str, series: Arc<Series>| {
            if results.len() == MOST_SERIES {
                return Err(Refusal::validation(format!(
                    "The request asks for more than {MOST_SERIES} time series."
                )));
            }
            // Each word of a label that is replaced goes through the points once.
            let words = query.label.as_ref().map_or(0, |label| label.matches("${").count());
            let work = series.points.len().saturating_mul(words);
            scope.budget().spend(work).map_err(|error| queries::refusal(&query.id, error))?;
            let label = label(home, query, name, &series);
            results.push(Computed { id: query.id.clone(), label, series });
            Ok(())
        };
        match value {
            Value::Series(series) => add(name, series)?,
            Value::Array(all) => {
                for one in all {
                    let of_id = parsed.iter().find(|query| query.id == one.label);
                    let named = of_id.and_then(|query| query.stat.as_ref());
                    let name = named.map_or(one.label.as_str(), |stat| stat.metric.name.as_str());
                    add(name, one.series)?;
                }
            }
            Value::Number(number) => {
                return Err(Refusal::validation(format!(
                    "Error in expression '{}': the result is the number {number}, not a time series; use TIME_SERIES",
                    query.id
                )));
            }
        }
    }
    Ok(results)
}

/// The label: what the query says, with what stands between `${` and `}` replaced (CloudWatch User Guide, "Using dynamic
/// labels").
fn label(home: &Home, query: &Query, name: &str, series: &Series) -> String {
    let Some(given) = &query.label else { return name.to_owned() };
    let mut label = String::with_capacity(given.len());
    let mut rest = given.as_str();
    while let Some((before, after)) = rest.split_once("${") {
        label.push_str(before);
        let Some((word, after)) = after.split_once('}') else {
            label.push_str("${");
            rest = after;
            continue;
        };
        label.push_str(&dynamic(home, query, name, series, word.trim()));
        rest = after;
    }
    label.push_str(rest);
    label
}

fn dynamic(home: &Home, query: &Query, name: &str, series: &Series, word: &str) -> String {
    let values = || series.points.values().copied();
    let range = |from: Option<f64>, to: Option<f64>| from.zip(to).map(|(from, to)| to - from);
    let number = |value: Option<f64>| value.map_or_else(|| "--".to_owned(), |value| value.to_string());
    let count = series.points.len();
    match word {
        "LABEL" => name.to_owned(),
        "AVG" => number((count > 0).then(|| values().sum::<f64>() / count as f64)),
        "SUM" => number((count > 0).then(|| values().sum())),
        "MIN" => number(values().reduce(f64::min)),
        "MAX" => number(values().reduce(f64::max)),
        "FIRST" => number(values().next()),
        "LAST" => number(values().last()),
        "FIRST_LAST_RANGE" => number(range(values().next(), values().last())),
        "MIN_MAX_RANGE" => {
            let ends = values().map(|value| (value, value));
            let ends = ends.reduce(|(least, most), (value, _)| (least.min(value), most.max(value)));
            number(ends.map(|(least, most)| most - least))
        }
        "DATAPOINT_COUNT" => count.to_string(),
        "PROP('AccountId')" => home.account.to_string(),
        "PROP('Region')" => home.region.to_owned(),
        property => {
            let named = property.strip_prefix("PROP('").and_then(|rest| rest.strip_suffix("')"));
            let stat = query.stat.as_ref();
            let found = named.zip(stat).and_then(|(named, stat)| match named {
                "MetricName" => Some(stat.metric.name.clone()),
                "Namespace" => Some(stat.metric.namespace.clone()),
                "Stat" => Some(Statistic::name(stat.statistic).to_owned()),
                "Period" => Some(stat.period_s.to_string()),
                other => {
                    let dimension = other.strip_prefix("Dim.")?;
                    let mut dimensions = stat.metric.dimensions.iter();
                    dimensions.find(|(name, _)| name == dimension).map(|(_, value)| value.clone())
                }
            });
            found.unwrap_or_else(|| format!("${{{property}}}"))
        }
    }
}

/// The page of the results that the token leads to.
fn page(
    results: Vec<Computed>,
    input: &api::GetMetricDataInput,
) -> Result<api::GetMetricDataOutput, Refusal> {
    let wanted = input.max_datapoints.map_or(Ok(PAGE), usize::try_from);
    let most = wanted.ok().filter(|most| (1..=PAGE).contains(most)).ok_or_else(|| {
        Refusal::validation(format!("The parameter MaxDatapoints must be between 1 and {PAGE}."))
    })?;
    let mut passed_over = match input.next_token.as_deref().filter(|token| !token.is_empty()) {
        Some(token) => {
            let [count] = paging::open(LIST, token)?;
            let count = <[u8; 8]>::try_from(count).map_err(|_| Refusal::NextToken)?;
            usize::try_from(u64::from_be_bytes(count)).map_err(|_| Refusal::NextToken)?
        }
        None => 0,
    };
    let ascending = input.scan_by == Some(api::ScanBy::TimestampAscending);
    let (begun, mut left) = (passed_over, most);
    let mut shown = Vec::with_capacity(results.len());
    let mut more = false;
    for Computed { id, label, series } in results {
        let total = series.points.len();
        let skip = passed_over.min(total);
        passed_over -= skip;
        let take = (total - skip).min(left);
        left -= take;
        let is_partial = skip + take < total;
        more |= is_partial;
        let points = series.points.iter().map(|(at_ms, value)| (*at_ms, *value));
        let points: Vec<(i64, f64)> = if ascending {
            points.skip(skip).take(take).collect()
        } else {
            points.rev().skip(skip).take(take).collect()
        };
        shown.push(api::MetricDataResult {
            id: Some(id),
            label: Some(label),
            timestamps: Some(points.iter().map(|(at_ms, _)| Timestamp::from_millis(*at_ms)).collect()),
            values: Some(points.iter().map(|(_, value)| *value).collect()),
            status_code: Some(if is_partial {
                api::StatusCode::PartialData
            } else {
                api::StatusCode::Complete
            }),
            messages: None,
        });
    }
    let had = (begun + most - left) as u64;
    Ok(api::GetMetricDataOutput {
        metric_data_results: Some(shown),
        next_token: more.then(|| paging::close(LIST, &[&had.to_be_bytes()])),
        messages: Some(Vec::new()),
    })
}

//! Metric data queries, which GetMetricData and alarms on metric math have in common.

use std::collections::BTreeSet;

use strongroom_api_cloudwatch as api;
use strongroom_identity::AccountId;

use super::statistics::check_period;
use crate::domain::alarm::{MetricStat, Query};
use crate::domain::datum::check_dimensions;
use crate::domain::math::{Expression, MathError};
use crate::domain::metric::Metric;
use crate::domain::statistic::{Statistic, is_extended};
use crate::error::Refusal;

/// Reads queries. Expressions are read too, so that all can be computed.
pub(super) fn parse(given: &[api::MetricDataQuery], account: AccountId) -> Result<Vec<Query>, Refusal> {
    let mut ids = BTreeSet::new();
    let mut queries = Vec::with_capacity(given.len());
    for query in given {
        if !is_id(&query.id) {
            return Err(Refusal::validation(format!(
                "The value {} for parameter MetricDataQueries.member.Id is not matching the expected pattern \
                 ^[a-z][a-zA-Z0-9_]*$.",
                query.id
            )));
        }
        if !ids.insert(query.id.as_str()) {
            return Err(Refusal::validation(format!(
                "The values for parameter id in MetricDataQueries are not unique: {}.",
                query.id
            )));
        }
        queries.push(parse_one(query, account)?);
    }
    for query in &queries {
        let Some(expression) = &query.expression else { continue };
        let read = Expression::parse(expression).map_err(|error| refusal(&query.id, error))?;
        if read.calls("SEARCH") {
            return Err(Refusal::NotYet("the function SEARCH of metric math"));
        }
        if let Some(unknown) = read.ids().into_iter().find(|id| !ids.contains(id)) {
            return Err(Refusal::validation(format!(
                "Error in expression '{}': there is no metric or expression with the id {unknown}",
                query.id
            )));
        }
    }
    Ok(queries)
}

/// How many parts the expressions of queries have together.
pub(super) fn parts(queries: &[Query]) -> usize {
    let expressions = queries.iter().filter_map(|query| Expression::parse(query.expression.as_deref()?).ok());
    expressions.map(|expression| expression.parts()).sum()
}

/// An expression that has no value, as the answer says so.
pub(super) fn refusal(id: &str, error: MathError) -> Refusal {
    match error {
        MathError::Invalid(text) => Refusal::validation(format!("Error in expression '{id}': {text}")),
        MathError::TooMuch => Refusal::validation(format!(
            "Error in expression '{id}': it takes more computing than one request may have. Shorten the expressions, \
             increase the period, or decrease the time range."
        )),
        MathError::NotYet(_) => Refusal::NotYet("this function of metric math"),
    }
}

fn is_id(id: &str) -> bool {
    id.starts_with(|first: char| first.is_ascii_lowercase())
        && id.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
}

fn parse_one(query: &api::MetricDataQuery, account: AccountId) -> Result<Query, Refusal> {
    if query.account_id.as_ref().is_some_and(|other| *other != account.to_string()) {
        return Err(Refusal::NotYet("metrics of other accounts"));
    }
    if let Some(seconds) = query.period {
        check_period("MetricDataQueries.member.Period", seconds)?;
    }
    let stat = match (&query.metric_stat, &query.expression) {
        (Some(stat), None) => Some(parse_stat(stat)?),
        (None, Some(_)) => None,
        (Some(_), Some(_)) => {
            return Err(Refusal::validation(format!(
                "The parameters MetricStat and Expression of {} are mutually exclusive and you have specified both.",
                query.id
            )));
        }
        (None, None) => {
            return Err(Refusal::validation(format!(
                "One of the parameters MetricStat and Expression must be specified for {}.",
                query.id
            )));
        }
    };
    Ok(Query {
        id: query.id.clone(),
        label: query.label.clone(),
        stat,
        expression: query.expression.clone(),
        period_s: query.period.map(i64::from),
        return_data: query.return_data,
        account_id: query.account_id.clone(),
    })
}

fn parse_stat(stat: &api::MetricStat) -> Result<MetricStat, Refusal> {
    let missing =
        |name: &str| Refusal::validation(format!("The parameter MetricStat.Metric.{name} is required."));
    let namespace = stat.metric.namespace.as_deref().ok_or_else(|| missing("Namespace"))?;
    let name = stat.metric.metric_name.as_deref().ok_or_else(|| missing("MetricName"))?;
    check_dimensions("MetricStat.Metric.Dimensions", stat.metric.dimensions.as_deref())?;
    check_period("MetricStat.Period", stat.period)?;
    let statistic = Statistic::named(&stat.stat).ok_or_else(|| {
        if is_extended(&stat.stat) {
            Refusal::NotYet("percentiles and other statistics of the samples themselves")
        } else {
            Refusal::validation(format!(
                "The value {} for parameter MetricStat.Stat is not supported.",
                stat.stat
            ))
        }
    })?;
    Ok(MetricStat {
        metric: Metric::of_request(namespace, name, stat.metric.dimensions.as_deref()),
        statistic,
        period_s: i64::from(stat.period),
        unit: stat.unit.as_ref().map(|unit| unit.as_str().to_owned()),
    })
}

/// A query as answers show it.
pub(super) fn shown(query: &Query) -> api::MetricDataQuery {
    api::MetricDataQuery {
        id: query.id.clone(),
        metric_stat: query.stat.as_ref().map(|stat| api::MetricStat {
            metric: stat.metric.to_api(),
            period: stat.period_s as i32,
            stat: stat.statistic.name().to_owned(),
            unit: stat.unit.as_deref().map(api::StandardUnit::from),
        }),
        expression: query.expression.clone(),
        label: query.label.clone(),
        return_data: Some(query.return_data.unwrap_or(true)),
        period: query.period_s.map(|seconds| seconds as i32),
        account_id: query.account_id.clone(),
    }
}

//! Metrics: data put, and what there is listed.

use strongroom_api_cloudwatch::{self as api, actions};
use strongroom_identity::{ConditionKeys, RequestContext};
use strongroom_schema::Unit;

use super::paging;
use crate::CloudWatch;
use crate::domain::datum::{self, Datum};
use crate::domain::home::Home;
use crate::domain::metric::{Metric, RESERVED};
use crate::domain::series::{DAY_MS, HOUR_MS};
use crate::error::Refusal;
use crate::repo::metrics::{self, Listed, Place};
use crate::repo::points::{At, Samples};

/// How long a metric is listed after its last point (CloudWatch API Reference, ListMetrics).
const LISTED_MS: i64 = 14 * DAY_MS;

/// Metrics in a page.
const PAGE: usize = 500;

/// Metrics that are looked at for one page: who filters by dimensions may look at many that do not fit.
const MOST_LOOKED_AT: usize = 20_000;

/// The number of the list in tokens.
const LIST: u8 = 1;

pub(super) async fn put_metric_data(
    cloudwatch: &CloudWatch,
    context: &RequestContext,
    input: api::PutMetricDataInput,
) -> Result<Unit, Refusal> {
    let namespace = input.namespace.as_str();
    context.ask(ConditionKeys::new().with("cloudwatch:namespace", namespace));
    cloudwatch.permit::<actions::PutMetricData>(context)?;
    if namespace.starts_with(RESERVED) {
        // Namespaces of AWS's own services. Text: an answer of AWS, quoted in public issue threads.
        return Err(Refusal::value(format!("The value {RESERVED} for parameter Namespace is invalid.")));
    }
    let mut data = input.metric_data.unwrap_or_default();
    // What a datum is about shows in no metric.
    data.extend(
        input.entity_metric_data.into_iter().flatten().filter_map(|about| about.metric_data).flatten(),
    );
    if data.is_empty() {
        return Err(Refusal::Missing("The parameter MetricData is required.".to_owned()));
    }
    let data = datum::parse(namespace, &data, context.now_ms)?;
    let home = Home::of(context);
    let mut samples = Samples::default();
    for Datum { metric, at_ms, unit, set, is_fine } in &data {
        samples.add(home, metric, At { ms: *at_ms, unit, is_fine: *is_fine }, set);
    }
    cloudwatch.quota.check(&cloudwatch.points, &home, &samples.keys_of(&home), context.now_ms).await?;
    let samples = &samples;
    let written = cloudwatch
        .points
        .transaction(|tx| Box::pin(async move { Ok::<_, Refusal>(samples.write(tx).await?) }));
    written.await?;
    Ok(Unit)
}

pub(super) async fn list_metrics(
    cloudwatch: &CloudWatch,
    context: &RequestContext,
    input: api::ListMetricsInput,
) -> Result<api::ListMetricsOutput, Refusal> {
    cloudwatch.permit::<actions::ListMetrics>(context)?;
    let home = Home::of(context);
    let own = home.account.to_string();
    if input.owning_account.as_ref().is_some_and(|account| *account != own) {
        return Err(Refusal::NotYet("metrics of other accounts"));
    }
    let kept_ms = match input.recently_active {
        Some(api::RecentlyActive::Pt3H) => 3 * HOUR_MS,
        _ => LISTED_MS,
    };
    let since_ms = context.now_ms.saturating_sub(kept_ms);
    let filters = input.dimensions.unwrap_or_default();
    let mut after = match input.next_token.as_deref().filter(|token| !token.is_empty()) {
        Some(token) => {
            let [namespace, name, key] = paging::open(LIST, token)?;
            Place { namespace: paging::text(namespace)?, name: paging::text(name)?, key }
        }
        None => Place::default(),
    };
    let named = (input.namespace.as_deref(), input.metric_name.as_deref());
    let mut found: Vec<api::Metric> = Vec::new();
    let mut looked_at = 0;
    let more = 'pages: loop {
        let page = metrics::list(&cloudwatch.points, &home, named, since_ms, &after, PAGE as u32).await?;
        let is_last = page.len() < PAGE;
        for Listed { key, metric } in page {
            if found.len() == PAGE || looked_at == MOST_LOOKED_AT {
                break 'pages true;
            }
            looked_at += 1;
            after =
                Place { namespace: metric.namespace.clone(), name: metric.name.clone(), key: key.to_vec() };
            if fits(&metric, named.1, &filters) {
                found.push(metric.to_api());
            }
        }
        if is_last {
            break false;
        }
    };
    let place = [after.namespace.as_bytes(), after.name.as_bytes(), after.key.as_slice()];
    let owning_accounts = input.include_linked_accounts.unwrap_or(false).then(|| vec![own; found.len()]);
    Ok(api::ListMetricsOutput {
        metrics: Some(found),
        next_token: more.then(|| paging::close(LIST, &place)),
        owning_accounts,
    })
}

/// Whether a metric has that name, and dimensions that fit all filters; a filter without a value fits any.
fn fits(metric: &Metric, name: Option<&str>, filters: &[api::DimensionFilter]) -> bool {
    name.is_none_or(|name| name == metric.name)
        && filters.iter().all(|filter| {
            let mut dimensions = metric.dimensions.iter();
            dimensions.any(|(name, value)| {
                *name == filter.name && filter.value.as_ref().is_none_or(|wanted| wanted == value)
            })
        })
}

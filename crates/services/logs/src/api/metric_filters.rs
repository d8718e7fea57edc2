//! Metric filters: put, shown, tried, deleted.

use strongroom_api_logs::{
    DeleteMetricFilterRequest, DescribeMetricFiltersRequest, DescribeMetricFiltersResponse,
    MetricFilter as Shown, MetricFilterMatchRecord, MetricTransformation, PutMetricFilterRequest,
    StandardUnit, TestMetricFilterRequest, TestMetricFilterResponse, actions, errors,
};
use strongroom_identity::RequestContext;
use strongroom_schema::Unit;

use crate::Logs;
use crate::domain::group::GroupName;
use crate::domain::id::Id;
use crate::domain::metric_filter::{MOST_IN_GROUP, MOST_REGEXES_IN_GROUP, MetricFilter, Rule};
use crate::domain::pattern::{Event, Pattern, Spent, Work};
use crate::domain::tokens;
use crate::error::Refusal;
use crate::permitting::Aspect;
use crate::repo::metric_filters::{self, Listing};
use crate::repo::{filter_minutes, post};

/// Filters on a page, where nothing else is said.
const PAGE: usize = 50;

/// The work of trying a pattern.
const MOST_WORK: u64 = 256 << 20;

/// What the tokens of the list are for.
const LIST: &str = "metric filters";

pub(super) async fn put_metric_filter(
    logs: &Logs,
    context: &RequestContext,
    input: PutMetricFilterRequest,
) -> Result<Unit, Refusal> {
    expect_served(&input)?;
    let name = &GroupName::of(context, &input.log_group_name);
    let rule = read(input.filter_pattern, input.metric_transformations)?;
    if rule.is_reserved() {
        // Text: ours. Whoever may put filters and events would say what he likes of the uses of keys.
        return Err(Refusal::invalid(format!(
            "Invalid metric transformation: the namespace {} is reserved for AWS",
            rule.namespace
        )));
    }
    let regexes = rule.compile()?.regexes();
    let wanted = &MetricFilter {
        // That of the group, once it is found.
        group: Id::new()?,
        noted_under: MetricFilter::new_note(&input.filter_name)?,
        name: input.filter_name,
        created_ms: context.now_ms,
        rule,
    };
    let put = logs.db.transaction(|tx| {
        Box::pin(async move {
            let group =
                logs.load_permitted::<actions::PutMetricFilter>(tx, context, name, Aspect::Group).await?;
            let others = metric_filters::load_of_group(tx, &logs.mac, group.id).await?;
            let (same, others): (Vec<_>, Vec<_>) =
                others.into_iter().partition(|other| other.name == wanted.name);
            let mut all_regexes = regexes;
            for other in &others {
                all_regexes += other.rule.compile()?.regexes();
            }
            if others.len() >= MOST_IN_GROUP || all_regexes > MOST_REGEXES_IN_GROUP {
                return Err(Refusal::Modelled(
                    &errors::LIMIT_EXCEEDED_EXCEPTION,
                    "Resource limit exceeded.".to_owned(),
                ));
            }
            let mut filter = MetricFilter { group: group.id, ..wanted.clone() };
            if let Some(before) = same.into_iter().next() {
                filter.noted_under = before.noted_under;
            }
            metric_filters::put(tx, &logs.mac, &filter).await?;
            Ok(post(tx, context.draft()).await?)
        })
    });
    put.await?;
    Ok(Unit {})
}

pub(super) async fn delete_metric_filter(
    logs: &Logs,
    context: &RequestContext,
    input: DeleteMetricFilterRequest,
) -> Result<Unit, Refusal> {
    let name = &GroupName::of(context, &input.log_group_name);
    let filter = &input.filter_name;
    let deleted = logs.db.transaction(|tx| {
        Box::pin(async move {
            let group =
                logs.load_permitted::<actions::DeleteMetricFilter>(tx, context, name, Aspect::Group).await?;
            let Some(noted_under) = metric_filters::delete(tx, group.id, filter).await? else {
                return Err(Refusal::Modelled(
                    &errors::RESOURCE_NOT_FOUND_EXCEPTION,
                    "The specified metric filter does not exist.".to_owned(),
                ));
            };
            post(tx, context.draft()).await?;
            Ok((group.id, noted_under))
        })
    });
    let (group, noted_under) = deleted.await?;
    if let Err(error) = filter_minutes::delete_of(&logs.events, group, &noted_under).await {
        // It is deleted all the same. What is left of its minutes goes with the old ones.
        tracing::warn!(group = name.name, filter, %error, "minutes of a deleted metric filter are still remembered");
    }
    Ok(Unit {})
}

pub(super) async fn describe_metric_filters(
    logs: &Logs,
    context: &RequestContext,
    input: DescribeMetricFiltersRequest,
) -> Result<DescribeMetricFiltersResponse, Refusal> {
    let metric = match (&input.metric_name, &input.metric_namespace) {
        (Some(name), Some(namespace)) => Some((name.as_str(), namespace.as_str())),
        (None, None) => None,
        // Text: ours, after the API Reference.
        _ => {
            return Err(Refusal::invalid(
                "If you include the metricName parameter, you must also include the metricNamespace parameter, and the \
                 other way round.",
            ));
        }
    };
    let page = input.limit.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(PAGE).clamp(1, PAGE);
    let after = input.next_token.as_deref().map(|token| tokens::open(LIST, token)).transpose()?;
    let [after, after_group] = after.unwrap_or_default();
    let mut found: Vec<_> = if let Some(group) = &input.log_group_name {
        let name = GroupName::of(context, group);
        let group =
            logs.permitted_group::<actions::DescribeMetricFilters>(context, &name, Aspect::Group).await?;
        let prefix = input.filter_name_prefix.as_deref().unwrap_or_default();
        let is_wanted = |filter: &MetricFilter| {
            let rule = &filter.rule;
            filter.name > after
                && filter.name.starts_with(prefix)
                && metric.is_none_or(|metric| metric == (rule.metric.as_str(), rule.namespace.as_str()))
        };
        let filters = metric_filters::of_group(&logs.db, &logs.mac, group.id).await?;
        let wanted = filters.into_iter().filter(is_wanted);
        wanted.map(|filter| (filter, name.name.clone())).take(page + 1).collect()
    } else {
        super::listing::permit_list::<actions::DescribeMetricFilters>(logs, context)?;
        let listing = Listing {
            account: context.account(),
            region: context.region.name(),
            metric,
            after: (&after, &after_group),
        };
        metric_filters::list(&logs.db, &logs.mac, &listing, page + 1).await?
    };
    let has_more = found.len() > page;
    found.truncate(page);
    let last = found.last().filter(|_| has_more);
    let next_token = last.map(|(filter, group)| tokens::close(LIST, &[&filter.name, group]));
    let shown = found.into_iter().map(|(filter, group)| show(filter, group)).collect();
    Ok(DescribeMetricFiltersResponse { metric_filters: Some(shown), next_token })
}

pub(super) async fn test_metric_filter(
    logs: &Logs,
    context: &RequestContext,
    input: TestMetricFilterRequest,
) -> Result<TestMetricFilterResponse, Refusal> {
    logs.permit_all::<actions::TestMetricFilter>(context)?;
    let pattern = Pattern::parse(&input.filter_pattern)?;
    let messages = input.log_event_messages;
    let matched = tokio::task::spawn_blocking(move || try_on(&pattern, messages)).await;
    let matched = matched.map_err(|error| Refusal::Internal(error.into()))?;
    // Text: ours.
    let matched = matched.map_err(|Spent| {
        Refusal::invalid("The filter pattern takes too long on log event messages of this length")
    })?;
    Ok(TestMetricFilterResponse { matches: Some(matched) })
}

/// The messages that fit a pattern. Blocks a processor.
fn try_on(pattern: &Pattern, messages: Vec<String>) -> Result<Vec<MetricFilterMatchRecord>, Spent> {
    let (mut matched, mut work) = (Vec::new(), Work::of(MOST_WORK));
    for (number, message) in (1..).zip(messages) {
        let event = Event::new(&message);
        if pattern.fits(&event, &mut work)? {
            let values = pattern.extract(&event, &mut work)?;
            matched.push(MetricFilterMatchRecord {
                event_number: Some(number),
                extracted_values: Some(values.into_iter().collect()),
                event_message: Some(message),
            });
        }
    }
    Ok(matched)
}

fn expect_served(input: &PutMetricFilterRequest) -> Result<(), Refusal> {
    if input.apply_on_transformed_logs == Some(true) {
        // There is no transformer that it could be valid for.
        return Err(Refusal::not_yet("applyOnTransformedLogs"));
    }
    if input.field_selection_criteria.as_ref().is_some_and(|criteria| !criteria.is_empty()) {
        return Err(Refusal::not_yet("fieldSelectionCriteria"));
    }
    if input.emit_system_field_dimensions.as_ref().is_some_and(|fields| !fields.is_empty()) {
        return Err(Refusal::not_yet("emitSystemFieldDimensions"));
    }
    Ok(())
}

/// The rule of a request, which has one transformation.
fn read(pattern: String, transformations: Vec<MetricTransformation>) -> Result<Rule, Refusal> {
    let transformation = transformations.into_iter().next();
    let transformation = transformation.ok_or_else(|| Refusal::invalid("Invalid metric transformation"))?;
    let dimensions = transformation.dimensions.unwrap_or_default();
    let mut dimensions: Vec<_> = dimensions.iter().map(|(name, of)| (name.to_owned(), of.clone())).collect();
    dimensions.sort();
    Ok(Rule {
        pattern,
        metric: transformation.metric_name,
        namespace: transformation.metric_namespace,
        value: transformation.metric_value,
        default: transformation.default_value,
        dimensions,
        unit: transformation.unit.map(|unit| unit.as_str().to_owned()),
    })
}

fn show(filter: MetricFilter, group: String) -> Shown {
    let MetricFilter { name, created_ms, rule, .. } = filter;
    let dimensions = (!rule.dimensions.is_empty()).then(|| rule.dimensions.into_iter().collect());
    let transformation = MetricTransformation {
        metric_name: rule.metric,
        metric_namespace: rule.namespace,
        metric_value: rule.value,
        default_value: rule.default,
        dimensions,
        unit: rule.unit.as_deref().map(StandardUnit::from),
    };
    Shown {
        filter_name: Some(name),
        filter_pattern: Some(rule.pattern),
        metric_transformations: Some(vec![transformation]),
        creation_time: Some(created_ms),
        log_group_name: Some(group),
        apply_on_transformed_logs: Some(false),
        field_selection_criteria: None,
        emit_system_field_dimensions: None,
    }
}

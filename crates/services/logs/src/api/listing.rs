//! Lists of log groups.

use strongroom_api_logs::{
    DescribeLogGroupsRequest, DescribeLogGroupsResponse, ListLogGroupsRequest, ListLogGroupsResponse,
    LogGroup, LogGroupClass, LogGroupSummary, actions,
};
use strongroom_identity::RequestContext;

use crate::Logs;
use crate::domain::group::{Group, GroupName};
use crate::domain::name_pattern::NamePattern;
use crate::domain::tokens;
use crate::error::Refusal;
use crate::permitting::Aspect;
use crate::repo::{groups, metric_filters, stored};

/// Groups on a page, where nothing else is said.
const PAGE: i32 = 50;

/// Groups that are looked at for one page.
const MOST_LOOKED_AT: usize = 10_000;
const LOOKED_AT_ONCE: usize = 500;

/// What the tokens of both lists are for.
const LIST: &str = "groups";

pub(super) async fn describe_log_groups(
    logs: &Logs,
    context: &RequestContext,
    input: DescribeLogGroupsRequest,
) -> Result<DescribeLogGroupsResponse, Refusal> {
    let DescribeLogGroupsRequest {
        account_identifiers,
        log_group_name_prefix,
        log_group_name_pattern,
        next_token,
        limit,
        include_linked_accounts: _,
        log_group_class,
        log_group_identifiers,
    } = input;
    permit_list::<actions::DescribeLogGroups>(logs, context)?;
    let is_elsewhere = is_elsewhere(context, account_identifiers.as_deref(), log_group_class);
    if let Some(identifiers) = log_group_identifiers {
        let is_alone = log_group_name_prefix.is_none() && log_group_name_pattern.is_none();
        if !is_alone || next_token.is_some() || limit.is_some() {
            // Text: ours, after the API Reference.
            return Err(Refusal::invalid(
                "If you specify logGroupIdentifiers, you can only specify accountIdentifiers, includeLinkedAccounts, and \
                 logGroupClass beside it.",
            ));
        }
        let mut found = Vec::new();
        for identifier in identifiers.iter().filter(|_| !is_elsewhere) {
            let name = GroupName::identified(context, identifier)?;
            // Groups of other accounts are not shown; there are no linked ones.
            if name.account == context.account()
                && let Some(group) = logs.find_group(&name).await?
            {
                found.push(shown(logs, &group).await?);
            }
        }
        return Ok(DescribeLogGroupsResponse { log_groups: Some(found), next_token: None });
    }
    let wanted = match (log_group_name_prefix, log_group_name_pattern) {
        (Some(_), Some(_)) => {
            // Text: ours, after the API Reference.
            return Err(Refusal::invalid(
                "logGroupNamePrefix and logGroupNamePattern are mutually exclusive parameters. Only one of these \
                 parameters can be passed.",
            ));
        }
        (Some(prefix), None) => NamePattern::Begins(prefix),
        (None, Some(part)) => NamePattern::Contains(part),
        (None, None) => NamePattern::Any,
    };
    let page = if is_elsewhere {
        (Vec::new(), None)
    } else {
        page(logs, context, &wanted, next_token.as_deref(), limit.unwrap_or(PAGE), |_| true).await?
    };
    let mut log_groups = Vec::new();
    for group in &page.0 {
        log_groups.push(shown(logs, group).await?);
    }
    Ok(DescribeLogGroupsResponse { log_groups: Some(log_groups), next_token: page.1 })
}

pub(super) async fn list_log_groups(
    logs: &Logs,
    context: &RequestContext,
    input: ListLogGroupsRequest,
) -> Result<ListLogGroupsResponse, Refusal> {
    let ListLogGroupsRequest {
        log_group_name_pattern,
        log_group_class,
        include_linked_accounts: _,
        account_identifiers,
        next_token,
        limit,
        data_sources,
        field_index_names,
        log_group_tags,
    } = input;
    permit_list::<actions::ListLogGroups>(logs, context)?;
    let tags = log_group_tags.unwrap_or_default();
    // No group has a data source or an index of a field.
    let has_none = data_sources.is_some_and(|sources| !sources.is_empty())
        || field_index_names.is_some_and(|names| !names.is_empty());
    let wanted = log_group_name_pattern.map_or(NamePattern::Any, |text| NamePattern::parse(&text));
    let has_tags = |group: &Group| {
        tags.iter().all(|tag| {
            let value = group.tags.get(&tag.key);
            let values = tag.values.as_deref().unwrap_or_default();
            value.is_some_and(|value| values.is_empty() || values.iter().any(|wanted| wanted == value))
        })
    };
    let (found, next_token) =
        if has_none || is_elsewhere(context, account_identifiers.as_deref(), log_group_class) {
            (Vec::new(), None)
        } else {
            page(logs, context, &wanted, next_token.as_deref(), limit.unwrap_or(PAGE), has_tags).await?
        };
    let summary = |group: &Group| LogGroupSummary {
        log_group_name: Some(group.name.name.clone()),
        log_group_arn: Some(group.name.arn()),
        log_group_class: Some(LogGroupClass::Standard),
    };
    Ok(ListLogGroupsResponse { log_groups: Some(found.iter().map(summary).collect()), next_token })
}

/// Lists are judged by the ARN of a group without a name.
pub(super) fn permit_list<A: strongroom_identity::Action>(
    logs: &Logs,
    context: &RequestContext,
) -> Result<(), Refusal> {
    logs.permit::<A>(context, &GroupName::of(context, ""), Aspect::Group, None)
}

/// Whether what is asked for is no group of the caller's: those of other accounts, or of a class that there is not.
fn is_elsewhere(context: &RequestContext, accounts: Option<&[String]>, class: Option<LogGroupClass>) -> bool {
    let own = context.account().to_string();
    let is_own = accounts.is_none_or(|accounts| accounts.is_empty() || accounts.contains(&own));
    !is_own || class.is_some_and(|class| class != LogGroupClass::Standard)
}

/// The groups of a page, and what leads to the next one.
async fn page(
    logs: &Logs,
    context: &RequestContext,
    wanted: &NamePattern,
    token: Option<&str>,
    limit: i32,
    also: impl Fn(&Group) -> bool,
) -> Result<(Vec<Group>, Option<String>), Refusal> {
    let home = (context.account(), context.region.name());
    let limit = usize::try_from(limit).unwrap_or_default().max(1);
    let mut after = match token {
        Some(token) => {
            let [after] = tokens::open(LIST, token)?;
            after
        }
        None => String::new(),
    };
    let mut found = Vec::new();
    let mut looked_at = 0;
    while looked_at < MOST_LOOKED_AT {
        // One more than fits says whether there is more.
        let at_once = limit.saturating_add(1).min(LOOKED_AT_ONCE);
        let rows = groups::list(&logs.db, &logs.mac, home, (&after, wanted.from()), at_once).await?;
        let is_last = rows.len() < at_once;
        looked_at += rows.len();
        for group in rows {
            if wanted.is_past(&group.name.name) {
                return Ok((found, None));
            }
            if found.len() == limit {
                return Ok((found, Some(tokens::close(LIST, &[&after]))));
            }
            after.clone_from(&group.name.name);
            if wanted.fits(&group.name.name) && also(&group) {
                found.push(group);
            }
        }
        if is_last {
            return Ok((found, None));
        }
    }
    Ok((found, Some(tokens::close(LIST, &[&after]))))
}

async fn shown(logs: &Logs, group: &Group) -> Result<LogGroup, Refusal> {
    let arn = group.name.arn();
    let filters = metric_filters::of_group(&logs.db, &logs.mac, group.id).await?;
    Ok(LogGroup {
        log_group_name: Some(group.name.name.clone()),
        creation_time: Some(group.created_ms),
        retention_in_days: group.retention_days,
        metric_filter_count: i32::try_from(filters.len()).ok(),
        arn: Some(format!("{arn}:*")),
        stored_bytes: Some(stored::bytes_of(&logs.events, group.id).await?),
        kms_key_id: group.kms_key.clone(),
        log_group_class: Some(LogGroupClass::Standard),
        log_group_arn: Some(arn),
        deletion_protection_enabled: Some(group.is_protected),
        ..LogGroup::default()
    })
}

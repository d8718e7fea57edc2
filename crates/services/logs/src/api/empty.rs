//! Lists of what is not here: subscriptions, exports, queries, destinations, policies. They are empty, as nothing can be put
//! into them.

use strongroom_api_logs::{
    DescribeAccountPoliciesRequest, DescribeAccountPoliciesResponse, DescribeDestinationsRequest,
    DescribeDestinationsResponse, DescribeExportTasksRequest, DescribeExportTasksResponse,
    DescribeIndexPoliciesRequest, DescribeIndexPoliciesResponse, DescribeQueriesRequest,
    DescribeQueriesResponse, DescribeQueryDefinitionsRequest, DescribeQueryDefinitionsResponse,
    DescribeResourcePoliciesRequest, DescribeResourcePoliciesResponse, DescribeSubscriptionFiltersRequest,
    DescribeSubscriptionFiltersResponse, GetDataProtectionPolicyRequest, GetDataProtectionPolicyResponse,
    actions,
};
use strongroom_identity::RequestContext;

use crate::Logs;
use crate::domain::group::GroupName;
use crate::error::Refusal;
use crate::permitting::Aspect;

pub(super) fn describe_account_policies(
    logs: &Logs,
    context: &RequestContext,
    _input: DescribeAccountPoliciesRequest,
) -> Result<DescribeAccountPoliciesResponse, Refusal> {
    logs.permit_all::<actions::DescribeAccountPolicies>(context)?;
    Ok(DescribeAccountPoliciesResponse { account_policies: Some(Vec::new()), next_token: None })
}

pub(super) fn describe_destinations(
    logs: &Logs,
    context: &RequestContext,
    _input: DescribeDestinationsRequest,
) -> Result<DescribeDestinationsResponse, Refusal> {
    logs.permit_all::<actions::DescribeDestinations>(context)?;
    Ok(DescribeDestinationsResponse { destinations: Some(Vec::new()), next_token: None })
}

pub(super) fn describe_export_tasks(
    logs: &Logs,
    context: &RequestContext,
    _input: DescribeExportTasksRequest,
) -> Result<DescribeExportTasksResponse, Refusal> {
    logs.permit_all::<actions::DescribeExportTasks>(context)?;
    Ok(DescribeExportTasksResponse { export_tasks: Some(Vec::new()), next_token: None })
}

pub(super) async fn describe_index_policies(
    logs: &Logs,
    context: &RequestContext,
    input: DescribeIndexPoliciesRequest,
) -> Result<DescribeIndexPoliciesResponse, Refusal> {
    for identifier in &input.log_group_identifiers {
        let name = GroupName::identified(context, identifier)?;
        logs.permitted_group::<actions::DescribeIndexPolicies>(context, &name, Aspect::Group).await?;
    }
    Ok(DescribeIndexPoliciesResponse { index_policies: Some(Vec::new()), next_token: None })
}

pub(super) fn describe_queries(
    logs: &Logs,
    context: &RequestContext,
    _input: DescribeQueriesRequest,
) -> Result<DescribeQueriesResponse, Refusal> {
    logs.permit_all::<actions::DescribeQueries>(context)?;
    Ok(DescribeQueriesResponse { queries: Some(Vec::new()), next_token: None })
}

pub(super) fn describe_query_definitions(
    logs: &Logs,
    context: &RequestContext,
    _input: DescribeQueryDefinitionsRequest,
) -> Result<DescribeQueryDefinitionsResponse, Refusal> {
    logs.permit_all::<actions::DescribeQueryDefinitions>(context)?;
    Ok(DescribeQueryDefinitionsResponse { query_definitions: Some(Vec::new()), next_token: None })
}

pub(super) fn describe_resource_policies(
    logs: &Logs,
    context: &RequestContext,
    _input: DescribeResourcePoliciesRequest,
) -> Result<DescribeResourcePoliciesResponse, Refusal> {
    logs.permit_all::<actions::DescribeResourcePolicies>(context)?;
    Ok(DescribeResourcePoliciesResponse { resource_policies: Some(Vec::new()), next_token: None })
}

pub(super) async fn describe_subscription_filters(
    logs: &Logs,
    context: &RequestContext,
    input: DescribeSubscriptionFiltersRequest,
) -> Result<DescribeSubscriptionFiltersResponse, Refusal> {
    let name = GroupName::of(context, &input.log_group_name);
    logs.permitted_group::<actions::DescribeSubscriptionFilters>(context, &name, Aspect::Group).await?;
    Ok(DescribeSubscriptionFiltersResponse { subscription_filters: Some(Vec::new()), next_token: None })
}

/// Of a group without such a policy AWS names the group only.
pub(super) async fn get_data_protection_policy(
    logs: &Logs,
    context: &RequestContext,
    input: GetDataProtectionPolicyRequest,
) -> Result<GetDataProtectionPolicyResponse, Refusal> {
    let name = GroupName::identified(context, &input.log_group_identifier)?;
    logs.permitted_group::<actions::GetDataProtectionPolicy>(context, &name, Aspect::Group).await?;
    Ok(GetDataProtectionPolicyResponse {
        log_group_identifier: Some(input.log_group_identifier),
        ..GetDataProtectionPolicyResponse::default()
    })
}

//! The API, one file for each family of operations.

mod empty;
mod encryption;
mod filtering;
mod groups;
mod listing;
mod merging;
mod metric_filters;
mod putting;
mod reading;
mod streams;
mod tags;

use async_trait::async_trait;
use strongroom_api_logs as api;
use strongroom_identity::RequestContext;
use strongroom_schema::Unit;
use strongroom_service::ApiError;

use crate::Logs;

/// Each method hands over to the family that its operation belongs to.
#[async_trait]
impl api::CloudWatchLogs for Logs {
    async fn put_metric_filter(
        &self,
        context: &RequestContext,
        input: api::PutMetricFilterRequest,
    ) -> Result<Unit, ApiError> {
        Ok(metric_filters::put_metric_filter(self, context, input).await?)
    }

    async fn delete_metric_filter(
        &self,
        context: &RequestContext,
        input: api::DeleteMetricFilterRequest,
    ) -> Result<Unit, ApiError> {
        Ok(metric_filters::delete_metric_filter(self, context, input).await?)
    }

    async fn describe_metric_filters(
        &self,
        context: &RequestContext,
        input: api::DescribeMetricFiltersRequest,
    ) -> Result<api::DescribeMetricFiltersResponse, ApiError> {
        Ok(metric_filters::describe_metric_filters(self, context, input).await?)
    }

    async fn test_metric_filter(
        &self,
        context: &RequestContext,
        input: api::TestMetricFilterRequest,
    ) -> Result<api::TestMetricFilterResponse, ApiError> {
        Ok(metric_filters::test_metric_filter(self, context, input).await?)
    }

    async fn associate_kms_key(
        &self,
        context: &RequestContext,
        input: api::AssociateKmsKeyRequest,
    ) -> Result<Unit, ApiError> {
        Ok(encryption::associate_kms_key(self, context, input).await?)
    }

    async fn create_log_group(
        &self,
        context: &RequestContext,
        input: api::CreateLogGroupRequest,
    ) -> Result<Unit, ApiError> {
        Ok(groups::create_log_group(self, context, input).await?)
    }

    async fn create_log_stream(
        &self,
        context: &RequestContext,
        input: api::CreateLogStreamRequest,
    ) -> Result<Unit, ApiError> {
        Ok(streams::create_log_stream(self, context, input).await?)
    }

    async fn delete_log_group(
        &self,
        context: &RequestContext,
        input: api::DeleteLogGroupRequest,
    ) -> Result<Unit, ApiError> {
        Ok(groups::delete_log_group(self, context, input).await?)
    }

    async fn delete_log_stream(
        &self,
        context: &RequestContext,
        input: api::DeleteLogStreamRequest,
    ) -> Result<Unit, ApiError> {
        Ok(streams::delete_log_stream(self, context, input).await?)
    }

    async fn delete_retention_policy(
        &self,
        context: &RequestContext,
        input: api::DeleteRetentionPolicyRequest,
    ) -> Result<Unit, ApiError> {
        Ok(groups::delete_retention_policy(self, context, input).await?)
    }

    async fn describe_account_policies(
        &self,
        context: &RequestContext,
        input: api::DescribeAccountPoliciesRequest,
    ) -> Result<api::DescribeAccountPoliciesResponse, ApiError> {
        Ok(empty::describe_account_policies(self, context, input)?)
    }

    async fn describe_destinations(
        &self,
        context: &RequestContext,
        input: api::DescribeDestinationsRequest,
    ) -> Result<api::DescribeDestinationsResponse, ApiError> {
        Ok(empty::describe_destinations(self, context, input)?)
    }

    async fn describe_export_tasks(
        &self,
        context: &RequestContext,
        input: api::DescribeExportTasksRequest,
    ) -> Result<api::DescribeExportTasksResponse, ApiError> {
        Ok(empty::describe_export_tasks(self, context, input)?)
    }

    async fn describe_index_policies(
        &self,
        context: &RequestContext,
        input: api::DescribeIndexPoliciesRequest,
    ) -> Result<api::DescribeIndexPoliciesResponse, ApiError> {
        Ok(empty::describe_index_policies(self, context, input).await?)
    }

    async fn describe_log_groups(
        &self,
        context: &RequestContext,
        input: api::DescribeLogGroupsRequest,
    ) -> Result<api::DescribeLogGroupsResponse, ApiError> {
        Ok(listing::describe_log_groups(self, context, input).await?)
    }

    async fn describe_log_streams(
        &self,
        context: &RequestContext,
        input: api::DescribeLogStreamsRequest,
    ) -> Result<api::DescribeLogStreamsResponse, ApiError> {
        Ok(streams::describe_log_streams(self, context, input).await?)
    }

    async fn describe_queries(
        &self,
        context: &RequestContext,
        input: api::DescribeQueriesRequest,
    ) -> Result<api::DescribeQueriesResponse, ApiError> {
        Ok(empty::describe_queries(self, context, input)?)
    }

    async fn describe_query_definitions(
        &self,
        context: &RequestContext,
        input: api::DescribeQueryDefinitionsRequest,
    ) -> Result<api::DescribeQueryDefinitionsResponse, ApiError> {
        Ok(empty::describe_query_definitions(self, context, input)?)
    }

    async fn describe_resource_policies(
        &self,
        context: &RequestContext,
        input: api::DescribeResourcePoliciesRequest,
    ) -> Result<api::DescribeResourcePoliciesResponse, ApiError> {
        Ok(empty::describe_resource_policies(self, context, input)?)
    }

    async fn describe_subscription_filters(
        &self,
        context: &RequestContext,
        input: api::DescribeSubscriptionFiltersRequest,
    ) -> Result<api::DescribeSubscriptionFiltersResponse, ApiError> {
        Ok(empty::describe_subscription_filters(self, context, input).await?)
    }

    async fn disassociate_kms_key(
        &self,
        context: &RequestContext,
        input: api::DisassociateKmsKeyRequest,
    ) -> Result<Unit, ApiError> {
        Ok(encryption::disassociate_kms_key(self, context, input).await?)
    }

    async fn filter_log_events(
        &self,
        context: &RequestContext,
        input: api::FilterLogEventsRequest,
    ) -> Result<api::FilterLogEventsResponse, ApiError> {
        Ok(filtering::filter_log_events(self, context, input).await?)
    }

    async fn get_data_protection_policy(
        &self,
        context: &RequestContext,
        input: api::GetDataProtectionPolicyRequest,
    ) -> Result<api::GetDataProtectionPolicyResponse, ApiError> {
        Ok(empty::get_data_protection_policy(self, context, input).await?)
    }

    async fn get_log_events(
        &self,
        context: &RequestContext,
        input: api::GetLogEventsRequest,
    ) -> Result<api::GetLogEventsResponse, ApiError> {
        Ok(reading::get_log_events(self, context, input).await?)
    }

    async fn list_log_groups(
        &self,
        context: &RequestContext,
        input: api::ListLogGroupsRequest,
    ) -> Result<api::ListLogGroupsResponse, ApiError> {
        Ok(listing::list_log_groups(self, context, input).await?)
    }

    async fn list_tags_for_resource(
        &self,
        context: &RequestContext,
        input: api::ListTagsForResourceRequest,
    ) -> Result<api::ListTagsForResourceResponse, ApiError> {
        Ok(tags::list_tags_for_resource(self, context, input).await?)
    }

    async fn list_tags_log_group(
        &self,
        context: &RequestContext,
        input: api::ListTagsLogGroupRequest,
    ) -> Result<api::ListTagsLogGroupResponse, ApiError> {
        Ok(tags::list_tags_log_group(self, context, input).await?)
    }

    async fn put_log_events(
        &self,
        context: &RequestContext,
        input: api::PutLogEventsRequest,
    ) -> Result<api::PutLogEventsResponse, ApiError> {
        Ok(putting::put_log_events(self, context, input).await?)
    }

    async fn put_log_group_deletion_protection(
        &self,
        context: &RequestContext,
        input: api::PutLogGroupDeletionProtectionRequest,
    ) -> Result<Unit, ApiError> {
        Ok(groups::put_log_group_deletion_protection(self, context, input).await?)
    }

    async fn put_retention_policy(
        &self,
        context: &RequestContext,
        input: api::PutRetentionPolicyRequest,
    ) -> Result<Unit, ApiError> {
        Ok(groups::put_retention_policy(self, context, input).await?)
    }

    async fn tag_log_group(
        &self,
        context: &RequestContext,
        input: api::TagLogGroupRequest,
    ) -> Result<Unit, ApiError> {
        Ok(tags::tag_log_group(self, context, input).await?)
    }

    async fn tag_resource(
        &self,
        context: &RequestContext,
        input: api::TagResourceRequest,
    ) -> Result<Unit, ApiError> {
        Ok(tags::tag_resource(self, context, input).await?)
    }

    async fn untag_log_group(
        &self,
        context: &RequestContext,
        input: api::UntagLogGroupRequest,
    ) -> Result<Unit, ApiError> {
        Ok(tags::untag_log_group(self, context, input).await?)
    }

    async fn untag_resource(
        &self,
        context: &RequestContext,
        input: api::UntagResourceRequest,
    ) -> Result<Unit, ApiError> {
        Ok(tags::untag_resource(self, context, input).await?)
    }
}

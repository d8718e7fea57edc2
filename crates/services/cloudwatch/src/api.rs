//! The API, one file for each family of operations.

mod alarms;
mod composites;
mod data;
mod history;
mod listing;
mod metrics;
mod paging;
mod queries;
mod states;
mod statistics;
mod tags;

use async_trait::async_trait;
use strongroom_api_cloudwatch as api;
use strongroom_identity::RequestContext;
use strongroom_schema::Unit;
use strongroom_service::ApiError;

use crate::CloudWatch;

/// Each method hands over to the family that its operation belongs to.
#[async_trait]
impl api::CloudWatch for CloudWatch {
    async fn delete_alarms(
        &self,
        context: &RequestContext,
        input: api::DeleteAlarmsInput,
    ) -> Result<Unit, ApiError> {
        Ok(alarms::delete_alarms(self, context, input).await?)
    }

    async fn describe_alarm_history(
        &self,
        context: &RequestContext,
        input: api::DescribeAlarmHistoryInput,
    ) -> Result<api::DescribeAlarmHistoryOutput, ApiError> {
        Ok(history::describe_alarm_history(self, context, input).await?)
    }

    async fn describe_alarms(
        &self,
        context: &RequestContext,
        input: api::DescribeAlarmsInput,
    ) -> Result<api::DescribeAlarmsOutput, ApiError> {
        Ok(listing::describe_alarms(self, context, input).await?)
    }

    async fn describe_alarms_for_metric(
        &self,
        context: &RequestContext,
        input: api::DescribeAlarmsForMetricInput,
    ) -> Result<api::DescribeAlarmsForMetricOutput, ApiError> {
        Ok(listing::describe_alarms_for_metric(self, context, input).await?)
    }

    async fn disable_alarm_actions(
        &self,
        context: &RequestContext,
        input: api::DisableAlarmActionsInput,
    ) -> Result<Unit, ApiError> {
        Ok(states::disable_alarm_actions(self, context, input).await?)
    }

    async fn enable_alarm_actions(
        &self,
        context: &RequestContext,
        input: api::EnableAlarmActionsInput,
    ) -> Result<Unit, ApiError> {
        Ok(states::enable_alarm_actions(self, context, input).await?)
    }

    async fn get_metric_data(
        &self,
        context: &RequestContext,
        input: api::GetMetricDataInput,
    ) -> Result<api::GetMetricDataOutput, ApiError> {
        Ok(data::get_metric_data(self, context, input).await?)
    }

    async fn get_metric_statistics(
        &self,
        context: &RequestContext,
        input: api::GetMetricStatisticsInput,
    ) -> Result<api::GetMetricStatisticsOutput, ApiError> {
        Ok(statistics::get_metric_statistics(self, context, input).await?)
    }

    async fn list_metrics(
        &self,
        context: &RequestContext,
        input: api::ListMetricsInput,
    ) -> Result<api::ListMetricsOutput, ApiError> {
        Ok(metrics::list_metrics(self, context, input).await?)
    }

    async fn list_tags_for_resource(
        &self,
        context: &RequestContext,
        input: api::ListTagsForResourceInput,
    ) -> Result<api::ListTagsForResourceOutput, ApiError> {
        Ok(tags::list_tags_for_resource(self, context, input).await?)
    }

    async fn put_composite_alarm(
        &self,
        context: &RequestContext,
        input: api::PutCompositeAlarmInput,
    ) -> Result<Unit, ApiError> {
        Ok(composites::put_composite_alarm(self, context, input).await?)
    }

    async fn put_metric_alarm(
        &self,
        context: &RequestContext,
        input: api::PutMetricAlarmInput,
    ) -> Result<Unit, ApiError> {
        Ok(alarms::put_metric_alarm(self, context, input).await?)
    }

    async fn put_metric_data(
        &self,
        context: &RequestContext,
        input: api::PutMetricDataInput,
    ) -> Result<Unit, ApiError> {
        Ok(metrics::put_metric_data(self, context, input).await?)
    }

    async fn set_alarm_state(
        &self,
        context: &RequestContext,
        input: api::SetAlarmStateInput,
    ) -> Result<Unit, ApiError> {
        Ok(states::set_alarm_state(self, context, input).await?)
    }

    async fn tag_resource(
        &self,
        context: &RequestContext,
        input: api::TagResourceInput,
    ) -> Result<api::TagResourceOutput, ApiError> {
        Ok(tags::tag_resource(self, context, input).await?)
    }

    async fn untag_resource(
        &self,
        context: &RequestContext,
        input: api::UntagResourceInput,
    ) -> Result<api::UntagResourceOutput, ApiError> {
        Ok(tags::untag_resource(self, context, input).await?)
    }
}

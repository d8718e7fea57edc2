//! The API, one file for each family of operations.

mod checks;
mod events;
mod keys;
mod logging;
mod passing;
mod selectors;
mod shown;
mod status;
mod tags;
mod trails;

use async_trait::async_trait;
use strongroom_api_cloudtrail as api;
use strongroom_identity::RequestContext;
use strongroom_service::ApiError;

use crate::CloudTrail;

#[async_trait]
impl api::CloudTrail for CloudTrail {
    async fn lookup_events(
        &self,
        context: &RequestContext,
        input: api::LookupEventsRequest,
    ) -> Result<api::LookupEventsResponse, ApiError> {
        Ok(events::lookup(self, context, input).await?)
    }

    async fn create_trail(
        &self,
        context: &RequestContext,
        input: api::CreateTrailRequest,
    ) -> Result<api::CreateTrailResponse, ApiError> {
        Ok(Box::pin(trails::create(self, context, input)).await?)
    }

    async fn update_trail(
        &self,
        context: &RequestContext,
        input: api::UpdateTrailRequest,
    ) -> Result<api::UpdateTrailResponse, ApiError> {
        Ok(Box::pin(trails::update(self, context, input)).await?)
    }

    async fn delete_trail(
        &self,
        context: &RequestContext,
        input: api::DeleteTrailRequest,
    ) -> Result<api::DeleteTrailResponse, ApiError> {
        Ok(trails::delete(self, context, input).await?)
    }

    async fn describe_trails(
        &self,
        context: &RequestContext,
        input: api::DescribeTrailsRequest,
    ) -> Result<api::DescribeTrailsResponse, ApiError> {
        Ok(trails::describe(self, context, input).await?)
    }

    async fn get_trail(
        &self,
        context: &RequestContext,
        input: api::GetTrailRequest,
    ) -> Result<api::GetTrailResponse, ApiError> {
        Ok(trails::get(self, context, input).await?)
    }

    async fn list_trails(
        &self,
        context: &RequestContext,
        input: api::ListTrailsRequest,
    ) -> Result<api::ListTrailsResponse, ApiError> {
        Ok(trails::list(self, context, input).await?)
    }

    async fn get_trail_status(
        &self,
        context: &RequestContext,
        input: api::GetTrailStatusRequest,
    ) -> Result<api::GetTrailStatusResponse, ApiError> {
        Ok(status::get(self, context, input).await?)
    }

    async fn start_logging(
        &self,
        context: &RequestContext,
        input: api::StartLoggingRequest,
    ) -> Result<api::StartLoggingResponse, ApiError> {
        Ok(logging::start(self, context, input).await?)
    }

    async fn stop_logging(
        &self,
        context: &RequestContext,
        input: api::StopLoggingRequest,
    ) -> Result<api::StopLoggingResponse, ApiError> {
        Ok(logging::stop(self, context, input).await?)
    }

    async fn put_event_selectors(
        &self,
        context: &RequestContext,
        input: api::PutEventSelectorsRequest,
    ) -> Result<api::PutEventSelectorsResponse, ApiError> {
        Ok(selectors::put(self, context, input).await?)
    }

    async fn get_event_selectors(
        &self,
        context: &RequestContext,
        input: api::GetEventSelectorsRequest,
    ) -> Result<api::GetEventSelectorsResponse, ApiError> {
        Ok(selectors::get(self, context, input).await?)
    }

    async fn get_insight_selectors(
        &self,
        context: &RequestContext,
        input: api::GetInsightSelectorsRequest,
    ) -> Result<api::GetInsightSelectorsResponse, ApiError> {
        Ok(selectors::get_insights(self, context, input).await?)
    }

    async fn add_tags(
        &self,
        context: &RequestContext,
        input: api::AddTagsRequest,
    ) -> Result<api::AddTagsResponse, ApiError> {
        Ok(tags::add(self, context, input).await?)
    }

    async fn remove_tags(
        &self,
        context: &RequestContext,
        input: api::RemoveTagsRequest,
    ) -> Result<api::RemoveTagsResponse, ApiError> {
        Ok(tags::remove(self, context, input).await?)
    }

    async fn list_tags(
        &self,
        context: &RequestContext,
        input: api::ListTagsRequest,
    ) -> Result<api::ListTagsResponse, ApiError> {
        Ok(tags::list(self, context, input).await?)
    }

    async fn list_public_keys(
        &self,
        context: &RequestContext,
        input: api::ListPublicKeysRequest,
    ) -> Result<api::ListPublicKeysResponse, ApiError> {
        Ok(keys::list(self, context, input).await?)
    }
}

//! The API, one file for each family of operations.

mod permissions;
mod publishing;
mod subscriptions;
mod tags;
mod topics;

use async_trait::async_trait;
use strongroom_api_sns as sns;
use strongroom_identity::RequestContext;
use strongroom_schema::Unit;
use strongroom_service::ApiError;

use crate::Notifications;

/// Each method hands over to the family that its operation belongs to.
#[async_trait]
impl sns::Sns for Notifications {
    async fn add_permission(
        &self,
        context: &RequestContext,
        input: sns::AddPermissionInput,
    ) -> Result<Unit, ApiError> {
        Ok(permissions::add_permission(self, context, input).await?)
    }

    async fn confirm_subscription(
        &self,
        context: &RequestContext,
        input: sns::ConfirmSubscriptionInput,
    ) -> Result<sns::ConfirmSubscriptionResponse, ApiError> {
        Ok(subscriptions::confirm_subscription(self, context, input).await?)
    }

    async fn create_topic(
        &self,
        context: &RequestContext,
        input: sns::CreateTopicInput,
    ) -> Result<sns::CreateTopicResponse, ApiError> {
        Ok(topics::create_topic(self, context, input).await?)
    }

    async fn delete_topic(
        &self,
        context: &RequestContext,
        input: sns::DeleteTopicInput,
    ) -> Result<Unit, ApiError> {
        Ok(topics::delete_topic(self, context, input).await?)
    }

    async fn get_subscription_attributes(
        &self,
        context: &RequestContext,
        input: sns::GetSubscriptionAttributesInput,
    ) -> Result<sns::GetSubscriptionAttributesResponse, ApiError> {
        Ok(subscriptions::get_subscription_attributes(self, context, input).await?)
    }

    async fn get_topic_attributes(
        &self,
        context: &RequestContext,
        input: sns::GetTopicAttributesInput,
    ) -> Result<sns::GetTopicAttributesResponse, ApiError> {
        Ok(topics::get_topic_attributes(self, context, input).await?)
    }

    async fn list_subscriptions(
        &self,
        context: &RequestContext,
        input: sns::ListSubscriptionsInput,
    ) -> Result<sns::ListSubscriptionsResponse, ApiError> {
        Ok(subscriptions::list_subscriptions(self, context, input).await?)
    }

    async fn list_subscriptions_by_topic(
        &self,
        context: &RequestContext,
        input: sns::ListSubscriptionsByTopicInput,
    ) -> Result<sns::ListSubscriptionsByTopicResponse, ApiError> {
        Ok(subscriptions::list_subscriptions_by_topic(self, context, input).await?)
    }

    async fn list_tags_for_resource(
        &self,
        context: &RequestContext,
        input: sns::ListTagsForResourceRequest,
    ) -> Result<sns::ListTagsForResourceResponse, ApiError> {
        Ok(tags::list_tags_for_resource(self, context, input).await?)
    }

    async fn list_topics(
        &self,
        context: &RequestContext,
        input: sns::ListTopicsInput,
    ) -> Result<sns::ListTopicsResponse, ApiError> {
        Ok(topics::list_topics(self, context, input).await?)
    }

    async fn publish(
        &self,
        context: &RequestContext,
        input: sns::PublishInput,
    ) -> Result<sns::PublishResponse, ApiError> {
        Ok(publishing::publish(self, context, input).await?)
    }

    async fn publish_batch(
        &self,
        context: &RequestContext,
        input: sns::PublishBatchInput,
    ) -> Result<sns::PublishBatchResponse, ApiError> {
        Ok(publishing::publish_batch(self, context, input).await?)
    }

    async fn remove_permission(
        &self,
        context: &RequestContext,
        input: sns::RemovePermissionInput,
    ) -> Result<Unit, ApiError> {
        Ok(permissions::remove_permission(self, context, input).await?)
    }

    async fn set_subscription_attributes(
        &self,
        context: &RequestContext,
        input: sns::SetSubscriptionAttributesInput,
    ) -> Result<Unit, ApiError> {
        Ok(subscriptions::set_subscription_attributes(self, context, input).await?)
    }

    async fn set_topic_attributes(
        &self,
        context: &RequestContext,
        input: sns::SetTopicAttributesInput,
    ) -> Result<Unit, ApiError> {
        Ok(topics::set_topic_attributes(self, context, input).await?)
    }

    async fn subscribe(
        &self,
        context: &RequestContext,
        input: sns::SubscribeInput,
    ) -> Result<sns::SubscribeResponse, ApiError> {
        Ok(subscriptions::subscribe(self, context, input).await?)
    }

    async fn tag_resource(
        &self,
        context: &RequestContext,
        input: sns::TagResourceRequest,
    ) -> Result<sns::TagResourceResponse, ApiError> {
        Ok(tags::tag_resource(self, context, input).await?)
    }

    async fn unsubscribe(
        &self,
        context: &RequestContext,
        input: sns::UnsubscribeInput,
    ) -> Result<Unit, ApiError> {
        Ok(subscriptions::unsubscribe(self, context, input).await?)
    }

    async fn untag_resource(
        &self,
        context: &RequestContext,
        input: sns::UntagResourceRequest,
    ) -> Result<sns::UntagResourceResponse, ApiError> {
        Ok(tags::untag_resource(self, context, input).await?)
    }
}

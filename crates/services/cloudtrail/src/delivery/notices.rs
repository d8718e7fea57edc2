//! Notices of deliveries, through SNS.

use std::sync::Arc;

use serde_json::json;
use strongroom_api_sns::{PublishInput, SERVICE, Sns};
use strongroom_outbox::{Asked, OnBehalf};

use super::bucket::{Behalf, DeliveryError};
use super::own_buckets::{told, unrecorded};

/// Tells subscribers of topics what was delivered.
pub(crate) struct Notices {
    pub(crate) sns: Arc<dyn Sns>,
}

impl Notices {
    /// Publishes that a file was delivered ("Configuring Amazon SNS notifications for CloudTrail" in the AWS CloudTrail
    /// User Guide).
    pub(crate) async fn delivered(
        &self,
        on_behalf: &OnBehalf,
        behalf: &Behalf,
        topic_arn: &str,
        (bucket, key): (&str, &str),
    ) -> Result<(), DeliveryError> {
        let message = json!({"s3Bucket": bucket, "s3ObjectKey": [key]}).to_string();
        self.publish(on_behalf, behalf, topic_arn, message).await
    }

    /// Publishes that a trail is to use a topic, to see that it may.
    pub(crate) async fn try_out(
        &self,
        on_behalf: &OnBehalf,
        behalf: &Behalf,
        topic_arn: &str,
    ) -> Result<(), DeliveryError> {
        self.publish(on_behalf, behalf, topic_arn, "CloudTrail validation message.".to_owned()).await
    }

    async fn publish(
        &self,
        on_behalf: &OnBehalf,
        behalf: &Behalf,
        topic_arn: &str,
        message: String,
    ) -> Result<(), DeliveryError> {
        // Of a data event the message is not shown.
        let asked = Asked {
            event_source: SERVICE.event_source,
            event_name: "Publish",
            parameters: json!({"topicArn": topic_arn}).to_string(),
            read_only: false,
            is_data_event: true,
        };
        // A topic is called in its own Region.
        let region = topic_arn.split(':').nth(3).unwrap_or(&behalf.region);
        let input = PublishInput { topic_arn: Some(topic_arn.to_owned()), message, ..Default::default() };
        let of = (behalf.account, region, Some(behalf.trail_arn.as_str()));
        let call =
            on_behalf.call(of, asked, told, |context| async move { self.sns.publish(&context, input).await });
        call.await.map_err(unrecorded)?.map(drop).map_err(DeliveryError::from)
    }
}

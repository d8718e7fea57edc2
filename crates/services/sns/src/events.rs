//! Records of what SNS does by itself: the end of a delivery that was given up. CloudTrail has no such event; the name is
//! ours.

use serde_json::json;
use strongroom_api_sns::SERVICE;
use strongroom_journal::{EventId, EventType, Identity, Record, Resource};

use crate::delivery::TOPIC_RESOURCE;
use crate::domain::subscription::Protocol;
use crate::repo::deliveries::Delivery;

/// Who did it, where CloudTrail names an address or a program.
const INTERNAL: &str = "AWS Internal";

/// A message was given up: its endpoint never took it.
pub(crate) fn abandoned(
    delivery: &Delivery,
    protocol: Protocol,
    why: &str,
    at_ms: i64,
    event_id: [u8; 16],
) -> Record {
    let topic = &delivery.subscription.topic;
    let account_id = topic.account.to_string();
    let details = json!({
        "subscriptionArn": delivery.subscription.to_string(),
        "protocol": protocol.as_str(),
        "messageId": delivery.message_id,
        "attempts": delivery.failures,
        "reason": why,
    });
    Record {
        event_id: EventId(event_id),
        event_time_ms: at_ms,
        event_source: SERVICE.event_source.to_owned(),
        event_name: "AbandonDelivery".to_owned(),
        aws_region: topic.region.to_owned(),
        identity: Identity {
            account_id: Some(account_id.clone()),
            invoked_by: Some(INTERNAL.to_owned()),
            ..Identity::default()
        },
        source_ip: INTERNAL.to_owned(),
        user_agent: Some(INTERNAL.to_owned()),
        service_event_details: Some(details.to_string()),
        resources: Some(vec![Resource {
            account_id: Some(account_id.clone()),
            kind: Some(TOPIC_RESOURCE.to_owned()),
            arn: topic.to_string(),
        }]),
        account_id,
        event_type: EventType::AwsServiceEvent,
        management: true,
        ..Record::default()
    }
}

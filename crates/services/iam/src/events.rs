//! Records of what IAM does that nobody called for.

use serde_json::json;
use strongroom_api_iam::SERVICE;
use strongroom_identity::AccountId;
use strongroom_journal::{EventId, EventType, Identity, Record, Resource};
use strongroom_service::Planted;

use crate::domain::kind::Kind;

/// Who did it, where CloudTrail names an address or a program.
const INTERNAL: &str = "AWS Internal";

/// The operator's seed has made or changed an entity. The name of the event is ours: AWS has no seeds.
pub(crate) fn planted(
    account: AccountId,
    entity: Option<(Kind, String)>,
    planted: &Planted,
    at_ms: i64,
    event_id: [u8; 16],
) -> Record {
    let details = json!({ "made": planted.made, "changed": planted.changed });
    let resources = entity.map(|(kind, arn)| {
        let kind = Some(kind.cloudformation().to_owned());
        vec![Resource { account_id: Some(account.to_string()), kind, arn }]
    });
    let record = of_operator(account, "PlantResource", at_ms, event_id);
    Record { service_event_details: Some(details.to_string()), resources, ..record }
}

/// The operator of the installation has done something for an account. The names of these events are ours.
pub(crate) fn of_operator(account: AccountId, event: &str, at_ms: i64, event_id: [u8; 16]) -> Record {
    let account_id = account.to_string();
    Record {
        event_id: EventId(event_id),
        event_time_ms: at_ms,
        event_source: SERVICE.event_source.to_owned(),
        event_name: event.to_owned(),
        aws_region: SERVICE.home_region.unwrap_or_default().to_owned(),
        identity: Identity {
            account_id: Some(account_id.clone()),
            invoked_by: Some(INTERNAL.to_owned()),
            ..Identity::default()
        },
        source_ip: INTERNAL.to_owned(),
        user_agent: Some(INTERNAL.to_owned()),
        account_id,
        event_type: EventType::AwsServiceEvent,
        management: true,
        ..Record::default()
    }
}

//! Records of what becomes of key stores by KMS's own work. AWS shows it in DescribeCustomKeyStores only; the name of
//! the event is ours.

use serde_json::json;
use strongroom_api_kms::SERVICE;
use strongroom_journal::{EventId, EventType, Identity, Record};

use crate::domain::key_store::{ConnectionState, KeyStore};

/// Who did it, where CloudTrail names an address or a program.
const INTERNAL: &str = "AWS Internal";

/// A key store has come to another connection state.
pub(super) fn state_changed(store: &KeyStore, event_id: [u8; 16]) -> Record {
    let account_id = store.home.account.to_string();
    let mut details = json!({
        "customKeyStoreId": store.id,
        "customKeyStoreName": store.name,
        "clusterId": store.cluster_id,
        "connectionState": store.state.as_str(),
    });
    if let Some(error) = store.error {
        details["connectionErrorCode"] = error.as_str().into();
    }
    if store.state == ConnectionState::Connected {
        details["kmsuserPasswordRotated"] = true.into();
    }
    Record {
        event_id: EventId(event_id),
        event_time_ms: store.since_ms,
        event_source: SERVICE.event_source.to_owned(),
        event_name: "CustomKeyStoreConnectionStateChange".to_owned(),
        aws_region: store.home.region.to_owned(),
        identity: Identity {
            account_id: Some(account_id.clone()),
            invoked_by: Some(INTERNAL.to_owned()),
            ..Identity::default()
        },
        source_ip: INTERNAL.to_owned(),
        user_agent: Some(INTERNAL.to_owned()),
        service_event_details: Some(details.to_string()),
        account_id,
        event_type: EventType::AwsServiceEvent,
        management: true,
        ..Record::default()
    }
}

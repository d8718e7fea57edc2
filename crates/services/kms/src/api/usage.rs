//! When keys were last used.

use strongroom_api_kms::{
    GetKeyLastUsageRequest, GetKeyLastUsageResponse, KeyLastUsageData, KeyLastUsageTrackingOperation, actions,
};
use strongroom_identity::RequestContext;
use strongroom_schema::Timestamp;

use crate::KeyManagement;
use crate::domain::usage::LastUse;
use crate::error::Refusal;

pub(super) async fn get_key_last_usage(
    kms: &KeyManagement,
    context: &RequestContext,
    input: GetKeyLastUsageRequest,
) -> Result<GetKeyLastUsageResponse, Refusal> {
    let key = kms.permitted::<actions::GetKeyLastUsage>(context, &input.key_id).await?;
    let last = kms.last_use(&key).await?;
    let key = key.resource();
    let created = Timestamp::from_millis(key.created_ms);
    Ok(GetKeyLastUsageResponse {
        key_id: Some(key.id.clone()),
        key_last_usage: Some(last.map_or_else(KeyLastUsageData::default, shown)),
        // Every use of every key is in the journal.
        tracking_start_date: Some(created),
        key_creation_date: Some(created),
    })
}

fn shown(last: LastUse) -> KeyLastUsageData {
    KeyLastUsageData {
        operation: Some(KeyLastUsageTrackingOperation::from(last.operation.as_str())),
        timestamp: Some(Timestamp::from_millis(last.used_ms)),
        cloud_trail_event_id: Some(last.event_id.to_string()),
        kms_request_id: last.request_id,
    }
}

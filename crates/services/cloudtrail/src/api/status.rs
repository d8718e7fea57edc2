//! How deliveries went.

use strongroom_api_cloudtrail::{GetTrailStatusRequest, GetTrailStatusResponse, actions};
use strongroom_identity::RequestContext;
use strongroom_schema::Timestamp;

use crate::CloudTrail;
use crate::domain::moment;
use crate::error::Refusal;
use crate::repo::status;

pub(super) async fn get(
    cloudtrail: &CloudTrail,
    context: &RequestContext,
    input: GetTrailStatusRequest,
) -> Result<GetTrailStatusResponse, Refusal> {
    let trails = &cloudtrail.trails;
    let trail = trails.permitted::<actions::GetTrailStatus>(context, &input.name).await?;
    let status = status::find(&trails.db, &trail.id).await?;
    let at = |ms: Option<i64>| ms.map(Timestamp::from_millis);
    // What is "no longer in use" is still sent, as text.
    let text = |ms: Option<i64>| Some(ms.map(moment::text).unwrap_or_default());
    Ok(GetTrailStatusResponse {
        is_logging: Some(trail.is_logging()),
        latest_delivery_error: status.files.error,
        latest_notification_error: status.notifications.error,
        latest_delivery_time: at(status.files.done_ms),
        latest_notification_time: at(status.notifications.done_ms),
        start_logging_time: at(trail.started_ms()),
        stop_logging_time: at(trail.stopped_ms()),
        latest_cloud_watch_logs_delivery_error: status.logs.error,
        latest_cloud_watch_logs_delivery_time: at(status.logs.done_ms),
        latest_digest_delivery_time: at(status.digests.done_ms),
        latest_digest_delivery_error: status.digests.error,
        latest_delivery_attempt_time: text(status.files.tried_ms),
        latest_notification_attempt_time: text(status.notifications.tried_ms),
        latest_notification_attempt_succeeded: text(status.notifications.done_ms),
        latest_delivery_attempt_succeeded: text(status.files.done_ms),
        time_logging_started: text(trail.started_ms()),
        time_logging_stopped: text(trail.stopped_ms()),
    })
}

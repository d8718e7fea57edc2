//! Starting and stopping. Both may be asked for twice.

use strongroom_api_cloudtrail::{
    StartLoggingRequest, StartLoggingResponse, StopLoggingRequest, StopLoggingResponse, actions,
};
use strongroom_identity::RequestContext;

use crate::CloudTrail;
use crate::error::Refusal;

pub(super) async fn start(
    cloudtrail: &CloudTrail,
    context: &RequestContext,
    input: StartLoggingRequest,
) -> Result<StartLoggingResponse, Refusal> {
    let moment = cloudtrail.trails.moment(context);
    let started =
        cloudtrail.trails.change::<actions::StartLogging>(context, &input.name, |trail| trail.start(moment));
    started.await?;
    Ok(StartLoggingResponse {})
}

pub(super) async fn stop(
    cloudtrail: &CloudTrail,
    context: &RequestContext,
    input: StopLoggingRequest,
) -> Result<StopLoggingResponse, Refusal> {
    // That logging was stopped is the last that is logged.
    let ended_by = context.draft().map(|draft| draft.event_id);
    let stopped = cloudtrail.trails.change::<actions::StopLogging>(context, &input.name, |trail| {
        trail.stop(context.now_ms, ended_by);
        Ok(())
    });
    stopped.await?;
    Ok(StopLoggingResponse {})
}

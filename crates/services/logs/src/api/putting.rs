//! Events that are put.

use strongroom_api_logs::{PutLogEventsRequest, PutLogEventsResponse, actions};
use strongroom_identity::RequestContext;

use crate::Logs;
use crate::domain::batch::Batch;
use crate::domain::group::GroupName;
use crate::error::Refusal;
use crate::repo::stored;

/// A token that AWS still answers and nobody needs any more (Logs API Reference, PutLogEvents): digits.
pub(super) fn sequence_token(next_sequence: i64) -> String {
    format!("{next_sequence:056}")
}

pub(super) async fn put_log_events(
    logs: &Logs,
    context: &RequestContext,
    input: PutLogEventsRequest,
) -> Result<PutLogEventsResponse, Refusal> {
    // The sequence token is ignored, as AWS does since 2023; entities belong to Application Signals.
    let PutLogEventsRequest { log_group_name, log_stream_name, log_events, .. } = input;
    let name = GroupName::of(context, &log_group_name);
    let (group, stream) =
        logs.permitted_stream::<actions::PutLogEvents>(context, &name, &log_stream_name).await?;
    let Batch { events, rejected } = Batch::new(log_events, &group, context.now_ms)?;
    if !events.is_empty() {
        let admitted = &logs.seal_events(&group, &stream, events).await?;
        logs.events.transaction(|tx| Box::pin(async move { admitted.write(tx).await })).await?;
    }
    let stored = stored::find(&logs.events, stream.id).await?;
    Ok(PutLogEventsResponse {
        next_sequence_token: Some(sequence_token(stored.map_or(0, |stored| stored.next_sequence))),
        rejected_log_events_info: rejected,
        rejected_entity_info: None,
    })
}

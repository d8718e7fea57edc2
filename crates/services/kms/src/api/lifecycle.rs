//! Keys enabled, disabled, scheduled for deletion, and kept after all.

use strongroom_api_kms::{
    CancelKeyDeletionRequest, CancelKeyDeletionResponse, DisableKeyRequest, EnableKeyRequest,
    KeyState as ApiKeyState, ScheduleKeyDeletionRequest, ScheduleKeyDeletionResponse, actions,
};
use strongroom_identity::{ConditionKeys, RequestContext};
use strongroom_schema::{Timestamp, Unit};

use super::asked;
use crate::KeyManagement;
use crate::domain::key::Key;
use crate::domain::lifecycle::{DEFAULT_WINDOW_DAYS, deletion_window};
use crate::error::Refusal;

pub(super) async fn enable_key(
    kms: &KeyManagement,
    context: &RequestContext,
    input: EnableKeyRequest,
) -> Result<Unit, Refusal> {
    let enable = kms.change::<actions::EnableKey>(context, &input.key_id, |key| key.enable(context.now_ms));
    context.responded("keyId", enable.await?.arn);
    Ok(Unit)
}

pub(super) async fn disable_key(
    kms: &KeyManagement,
    context: &RequestContext,
    input: DisableKeyRequest,
) -> Result<Unit, Refusal> {
    kms.ask_with_usage(context, &input.key_id, ConditionKeys::new()).await?;
    let disable = kms.change::<actions::DisableKey>(context, &input.key_id, Key::disable);
    context.responded("keyId", disable.await?.arn);
    Ok(Unit)
}

pub(super) async fn schedule_key_deletion(
    kms: &KeyManagement,
    context: &RequestContext,
    input: ScheduleKeyDeletionRequest,
) -> Result<ScheduleKeyDeletionResponse, Refusal> {
    if input.pending_window_in_days.is_none() {
        context.defaulted("pendingWindowInDays", i64::from(DEFAULT_WINDOW_DAYS));
    }
    let days = deletion_window(input.pending_window_in_days)?;
    kms.ask_with_usage(context, &input.key_id, asked::schedule_key_deletion(&input)).await?;
    let schedule = kms.change::<actions::ScheduleKeyDeletion>(context, &input.key_id, |key| {
        key.schedule_deletion(context.now_ms, days)
    });
    let key = schedule.await?;
    Ok(ScheduleKeyDeletionResponse {
        key_id: Some(key.arn),
        deletion_date: key.state.deletion_ms().map(Timestamp::from_millis),
        key_state: Some(ApiKeyState::from(key.state.as_str())),
        pending_window_in_days: i32::try_from(days).ok(),
    })
}

pub(super) async fn cancel_key_deletion(
    kms: &KeyManagement,
    context: &RequestContext,
    input: CancelKeyDeletionRequest,
) -> Result<CancelKeyDeletionResponse, Refusal> {
    let cancel = kms.change::<actions::CancelKeyDeletion>(context, &input.key_id, Key::cancel_deletion);
    Ok(CancelKeyDeletionResponse { key_id: Some(cancel.await?.arn) })
}

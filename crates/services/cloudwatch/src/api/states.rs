//! States set by hand, actions enabled and disabled.

use strongroom_api_cloudwatch::{self as api, actions};
use strongroom_identity::{Action, RequestContext};
use strongroom_schema::Unit;

use super::alarms::touched;
use crate::CloudWatch;
use crate::domain::alarm::StateValue;
use crate::domain::home::Home;
use crate::error::Refusal;

pub(super) async fn set_alarm_state(
    cloudwatch: &CloudWatch,
    context: &RequestContext,
    input: api::SetAlarmStateInput,
) -> Result<Unit, Refusal> {
    let api::SetAlarmStateInput { alarm_name, state_value, state_reason, state_reason_data } = input;
    touched(context, &alarm_name);
    let value = StateValue::named(state_value.as_str()).ok_or_else(|| {
        Refusal::validation(format!("Invalid value {} for StateValue.", state_value.as_str()))
    })?;
    if let Some(data) = &state_reason_data
        && serde_json::from_str::<serde_json::Value>(data).is_err()
    {
        return Err(Refusal::Format("StateReasonData was not valid JSON".to_owned()));
    }
    let now_ms = context.now_ms;
    cloudwatch
        .set_state::<actions::SetAlarmState>(context, &alarm_name, |state| {
            state.after(value, state_reason.clone(), state_reason_data.clone(), now_ms)
        })
        .await?;
    // Composite alarms that name it follow at once.
    let home = Home::of(context);
    cloudwatch.look_at_composites(Some(&home), now_ms).await;
    cloudwatch.deliver_own(&home, now_ms).await;
    Ok(Unit)
}

pub(super) async fn disable_alarm_actions(
    cloudwatch: &CloudWatch,
    context: &RequestContext,
    input: api::DisableAlarmActionsInput,
) -> Result<Unit, Refusal> {
    switch::<actions::DisableAlarmActions>(cloudwatch, context, &input.alarm_names, false).await
}

pub(super) async fn enable_alarm_actions(
    cloudwatch: &CloudWatch,
    context: &RequestContext,
    input: api::EnableAlarmActionsInput,
) -> Result<Unit, Refusal> {
    switch::<actions::EnableAlarmActions>(cloudwatch, context, &input.alarm_names, true).await
}

async fn switch<A: Action>(
    cloudwatch: &CloudWatch,
    context: &RequestContext,
    names: &[String],
    enabled: bool,
) -> Result<Unit, Refusal> {
    for name in names {
        touched(context, name);
    }
    let act = |alarm: &mut crate::domain::alarm::Alarm| {
        alarm.body.actions.enabled = enabled;
        Ok(())
    };
    cloudwatch.change_all::<A>(context, names, act).await?;
    Ok(Unit)
}

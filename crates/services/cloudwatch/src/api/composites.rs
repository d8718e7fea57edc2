//! Composite alarms put.

use strongroom_api_cloudwatch::{self as api, actions};
use strongroom_identity::RequestContext;
use strongroom_schema::Unit;

use super::alarms::{asked, check_actions, check_name, put, touched};
use crate::CloudWatch;
use crate::domain::alarm::{Actions, Alarm, Composite, Kind, ReadRule};
use crate::domain::home::Home;
use crate::domain::rule::{Rule, name_in};
use crate::domain::suppression::Suppressor;
use crate::domain::tags;
use crate::error::Refusal;

/// The longest time that actions wait for a suppressor, in seconds.
const LONGEST_WAIT: i32 = 7 * 86_400;

pub(super) async fn put_composite_alarm(
    cloudwatch: &CloudWatch,
    context: &RequestContext,
    input: api::PutCompositeAlarmInput,
) -> Result<Unit, Refusal> {
    let name = &input.alarm_name;
    let given = tags::parse(input.tags.as_deref())?;
    let actions = Actions {
        enabled: input.actions_enabled.unwrap_or(true),
        ok: input.ok_actions.clone().unwrap_or_default(),
        alarm: input.alarm_actions.clone().unwrap_or_default(),
        insufficient_data: input.insufficient_data_actions.clone().unwrap_or_default(),
    };
    context.ask(asked(&actions, &given));
    touched(context, name);
    check_name(name)?;
    check_actions(&actions)?;
    let suppressor = suppressor(&input)?;
    let rule = Rule::parse(&input.alarm_rule)
        .map_err(|why| Refusal::validation(format!("Error in AlarmRule: {why}")))?;
    cloudwatch.permit_alarm::<actions::PutCompositeAlarm>(context, name, None)?;
    let home = Home::of(context);
    let alarms = cloudwatch.directory.of(&home).await?;
    let named = rule.alarms().into_iter().chain(suppressor.iter().map(|it| it.alarm.as_str()));
    let is_there =
        |named: &&str| name_in(&home, named).is_some_and(|child| child == name || alarms.contains_key(child));
    let mut missing: Vec<&str> = Vec::new();
    for named in named.filter(|named| !is_there(named)) {
        if !missing.contains(&named) {
            missing.push(named);
        }
    }
    if !missing.is_empty() {
        return Err(Refusal::validation(format!(
            "Could not save the composite alarm as alarms [{}] in the alarm rule do not exist",
            missing.join(", ")
        )));
    }
    let make = |known: Option<&Alarm>| {
        if known.is_some_and(|known| known.composite().is_none()) {
            return Err(Refusal::validation(format!("The alarm {name} is a metric alarm.")));
        }
        if known.is_none() && !given.is_empty() {
            cloudwatch.permit_alarm::<actions::TagResource>(context, name, None)?;
        }
        let suppression = known.and_then(Alarm::composite).and_then(|composite| composite.suppression);
        let composite = Composite {
            rule: input.alarm_rule.clone(),
            suppressor: suppressor.clone(),
            suppression: suppression.filter(|_| suppressor.is_some()),
            is_set: false,
            read: ReadRule::default(),
        };
        let kind = Kind::Composite(Box::new(composite));
        Ok(put(context, name, known, input.alarm_description.clone(), actions.clone(), kind, &given))
    };
    cloudwatch.put::<actions::PutCompositeAlarm>(context, name, make).await?;
    // Its first state does not wait for the next minute.
    cloudwatch.look_at_composites(Some(&home), context.now_ms).await;
    cloudwatch.deliver_own(&home, context.now_ms).await;
    Ok(Unit)
}

fn suppressor(input: &api::PutCompositeAlarmInput) -> Result<Option<Suppressor>, Refusal> {
    let times = (input.actions_suppressor_wait_period, input.actions_suppressor_extension_period);
    let Some(alarm) = input.actions_suppressor.clone() else {
        if times.0.is_some() || times.1.is_some() {
            return Err(Refusal::validation(
                "ActionsSuppressorWaitPeriod and ActionsSuppressorExtensionPeriod require ActionsSuppressor.",
            ));
        }
        return Ok(None);
    };
    let (Some(wait_s), Some(extension_s)) = times else {
        return Err(Refusal::validation(
            "ActionsSuppressor requires ActionsSuppressorWaitPeriod and ActionsSuppressorExtensionPeriod.",
        ));
    };
    if [wait_s, extension_s].into_iter().any(|seconds| !(0..=LONGEST_WAIT).contains(&seconds)) {
        return Err(Refusal::validation(format!(
            "ActionsSuppressorWaitPeriod and ActionsSuppressorExtensionPeriod must be between 0 and {LONGEST_WAIT}."
        )));
    }
    Ok(Some(Suppressor { alarm, wait_s: i64::from(wait_s), extension_s: i64::from(extension_s) }))
}

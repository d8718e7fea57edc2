//! Tags on alarms.

use strongroom_api_cloudwatch::{self as api, actions};
use strongroom_identity::{Action, ConditionKeys, PARTITION, RequestContext};

use super::alarms::touched;
use crate::CloudWatch;
use crate::domain::alarm::Alarm;
use crate::domain::home::Home;
use crate::domain::tags;
use crate::error::Refusal;

pub(super) async fn list_tags_for_resource(
    cloudwatch: &CloudWatch,
    context: &RequestContext,
    input: api::ListTagsForResourceInput,
) -> Result<api::ListTagsForResourceOutput, Refusal> {
    let name = name_of(context, &input.resource_arn)?;
    let alarms = cloudwatch.directory.of(&Home::of(context)).await?;
    let alarm = alarms.get(&name).map(|alarm| &**alarm);
    cloudwatch.permit_alarm::<actions::ListTagsForResource>(context, &name, alarm)?;
    let alarm = alarm.ok_or(Refusal::UnknownResource(input.resource_arn))?;
    Ok(api::ListTagsForResourceOutput { tags: Some(tags::shown(&alarm.body.tags)) })
}

pub(super) async fn tag_resource(
    cloudwatch: &CloudWatch,
    context: &RequestContext,
    input: api::TagResourceInput,
) -> Result<api::TagResourceOutput, Refusal> {
    let given = tags::parse(Some(&input.tags))?;
    context.ask(tags::asked(ConditionKeys::new(), &given));
    change::<actions::TagResource>(cloudwatch, context, &input.resource_arn, |alarm| {
        alarm.body.tags.extend(given.clone());
        tags::check_number(&alarm.body.tags)
    })
    .await?;
    Ok(api::TagResourceOutput::default())
}

pub(super) async fn untag_resource(
    cloudwatch: &CloudWatch,
    context: &RequestContext,
    input: api::UntagResourceInput,
) -> Result<api::UntagResourceOutput, Refusal> {
    context.ask(ConditionKeys::new().with_tag_keys(input.tag_keys.iter().map(String::as_str)));
    change::<actions::UntagResource>(cloudwatch, context, &input.resource_arn, |alarm| {
        alarm.body.tags.retain(|name, _| !input.tag_keys.contains(name));
        Ok(())
    })
    .await?;
    Ok(api::UntagResourceOutput::default())
}

async fn change<A: Action>(
    cloudwatch: &CloudWatch,
    context: &RequestContext,
    arn: &str,
    act: impl Fn(&mut Alarm) -> Result<(), Refusal> + Send + Sync,
) -> Result<(), Refusal> {
    let name = name_of(context, arn)?;
    let alarms = cloudwatch.directory.of(&Home::of(context)).await?;
    let alarm = alarms.get(&name).map(|alarm| &**alarm);
    cloudwatch.permit_alarm::<A>(context, &name, alarm)?;
    if alarm.is_none() {
        return Err(Refusal::UnknownResource(arn.to_owned()));
    }
    cloudwatch.change_all::<A>(context, &[name], act).await
}

/// The name of the alarm that an ARN names, which is one of the caller's account in the Region of the call.
fn name_of(context: &RequestContext, arn: &str) -> Result<String, Refusal> {
    match Home::parse_alarm_arn(arn) {
        Some((home, name)) if home == Home::of(context) => {
            touched(context, name);
            Ok(name.to_owned())
        }
        Some(_) => Err(Refusal::UnknownResource(arn.to_owned())),
        None if is_of_cloudwatch(arn) => Err(Refusal::UnknownResource(arn.to_owned())),
        None => Err(Refusal::value(format!("The value {arn} for parameter ResourceARN is invalid."))),
    }
}

/// Whether an ARN is that of something else in CloudWatch that has tags, and that there is not here.
fn is_of_cloudwatch(arn: &str) -> bool {
    let parts: Vec<_> = arn.splitn(6, ':').collect();
    let &["arn", PARTITION, "cloudwatch", _, _, resource] = parts.as_slice() else { return false };
    let kind = resource.split(['/', ':']).next();
    kind.is_some_and(|kind| matches!(kind, "dashboard" | "insight-rule" | "metric-stream" | "slo"))
}

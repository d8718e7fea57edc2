//! Tags of log groups, by the two families of operations that AWS has for them.

use strongroom_api_logs::{
    ListTagsForResourceRequest, ListTagsForResourceResponse, ListTagsLogGroupRequest,
    ListTagsLogGroupResponse, TagLogGroupRequest, TagResourceRequest, UntagLogGroupRequest,
    UntagResourceRequest, actions,
};
use strongroom_identity::{ConditionKeys, RequestContext};
use strongroom_schema::Unit;

use crate::Logs;
use crate::domain::group::GroupName;
use crate::domain::tags::{self, Tags};
use crate::error::Refusal;
use crate::permitting::Aspect;

pub(super) async fn tag_resource(
    logs: &Logs,
    context: &RequestContext,
    input: TagResourceRequest,
) -> Result<Unit, Refusal> {
    let name = GroupName::by_arn(context, &input.resource_arn)?;
    let tags = Tags::parse(&input.tags)?;
    context.ask(tags.asked());
    let change = logs.change_group::<actions::TagResource>(context, &name, Aspect::Tags, |group| {
        let arn = group.name.arn();
        group.tags.add(&tags, || Refusal::TooManyTags(arn))
    });
    change.await?;
    Ok(Unit)
}

pub(super) async fn tag_log_group(
    logs: &Logs,
    context: &RequestContext,
    input: TagLogGroupRequest,
) -> Result<Unit, Refusal> {
    let name = GroupName::of(context, &input.log_group_name);
    let tags = Tags::parse(&input.tags)?;
    context.ask(tags.asked());
    let change = logs.change_group::<actions::TagLogGroup>(context, &name, Aspect::Group, |group| {
        // The operation has no error of its own for it.
        group.tags.add(&tags, || Refusal::invalid(tags::TOO_MANY))
    });
    change.await?;
    Ok(Unit)
}

pub(super) async fn untag_resource(
    logs: &Logs,
    context: &RequestContext,
    input: UntagResourceRequest,
) -> Result<Unit, Refusal> {
    let name = GroupName::by_arn(context, &input.resource_arn)?;
    context.ask(named(&input.tag_keys));
    let change = logs.change_group::<actions::UntagResource>(context, &name, Aspect::Tags, |group| {
        group.tags.remove(&input.tag_keys);
        Ok(())
    });
    change.await?;
    Ok(Unit)
}

pub(super) async fn untag_log_group(
    logs: &Logs,
    context: &RequestContext,
    input: UntagLogGroupRequest,
) -> Result<Unit, Refusal> {
    let name = GroupName::of(context, &input.log_group_name);
    context.ask(named(&input.tags));
    let change = logs.change_group::<actions::UntagLogGroup>(context, &name, Aspect::Group, |group| {
        group.tags.remove(&input.tags);
        Ok(())
    });
    change.await?;
    Ok(Unit)
}

pub(super) async fn list_tags_for_resource(
    logs: &Logs,
    context: &RequestContext,
    input: ListTagsForResourceRequest,
) -> Result<ListTagsForResourceResponse, Refusal> {
    let name = GroupName::by_arn(context, &input.resource_arn)?;
    let group = logs.permitted_group::<actions::ListTagsForResource>(context, &name, Aspect::Tags).await?;
    Ok(ListTagsForResourceResponse { tags: Some(group.tags.shown()) })
}

pub(super) async fn list_tags_log_group(
    logs: &Logs,
    context: &RequestContext,
    input: ListTagsLogGroupRequest,
) -> Result<ListTagsLogGroupResponse, Refusal> {
    let name = GroupName::of(context, &input.log_group_name);
    let group = logs.permitted_group::<actions::ListTagsLogGroup>(context, &name, Aspect::Group).await?;
    Ok(ListTagsLogGroupResponse { tags: Some(group.tags.shown()) })
}

fn named(names: &[String]) -> ConditionKeys {
    ConditionKeys::new().with_tag_keys(names.iter().map(String::as_str))
}

//! Tags on topics.

use strongroom_api_sns::errors::RESOURCE_NOT_FOUND_EXCEPTION;
use strongroom_api_sns::{
    ListTagsForResourceRequest, ListTagsForResourceResponse, TagResourceRequest, TagResourceResponse,
    UntagResourceRequest, UntagResourceResponse, actions,
};
use strongroom_identity::{ConditionKeys, RequestContext};

use crate::Notifications;
use crate::domain::names::TopicName;
use crate::domain::tags::{self, Tags};
use crate::error::Refusal;

/// The parameter that names the topic.
const RESOURCE: &str = "ResourceArn";

pub(super) async fn tag_resource(
    sns: &Notifications,
    context: &RequestContext,
    input: TagResourceRequest,
) -> Result<TagResourceResponse, Refusal> {
    let name = TopicName::named(context, RESOURCE, &input.resource_arn)?;
    let tags = Tags::parse(input.tags)?;
    context.ask(tags.asked());
    let change = sns.change_topic::<actions::TagResource>(context, &name, |topic| topic.tags.add(&tags));
    change.await.map_err(not_found)?;
    Ok(TagResourceResponse {})
}

pub(super) async fn untag_resource(
    sns: &Notifications,
    context: &RequestContext,
    input: UntagResourceRequest,
) -> Result<UntagResourceResponse, Refusal> {
    let name = TopicName::named(context, RESOURCE, &input.resource_arn)?;
    input.tag_keys.iter().try_for_each(|name| tags::check_name(name))?;
    context.ask(ConditionKeys::new().with_tag_keys(input.tag_keys.iter().map(String::as_str)));
    let change = sns.change_topic::<actions::UntagResource>(context, &name, |topic| {
        topic.tags.remove(&input.tag_keys);
        Ok(())
    });
    change.await.map_err(not_found)?;
    Ok(UntagResourceResponse {})
}

pub(super) async fn list_tags_for_resource(
    sns: &Notifications,
    context: &RequestContext,
    input: ListTagsForResourceRequest,
) -> Result<ListTagsForResourceResponse, Refusal> {
    let name = TopicName::named(context, RESOURCE, &input.resource_arn)?;
    let topic = sns.permitted_topic::<actions::ListTagsForResource>(context, &name).await;
    Ok(ListTagsForResourceResponse { tags: Some(topic.map_err(not_found)?.resource().tags.shown()) })
}

/// These operations have a code of their own for a topic that is not there (SNS API Reference, TagResource).
fn not_found(refusal: Refusal) -> Refusal {
    match refusal {
        Refusal::Modelled(shape, _) if shape.name == "NotFoundException" => {
            Refusal::modelled(&RESOURCE_NOT_FOUND_EXCEPTION, "Resource does not exist")
        }
        other => other,
    }
}

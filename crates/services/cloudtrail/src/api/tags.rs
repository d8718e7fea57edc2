//! Tags on trails.

use strongroom_api_cloudtrail::{
    AddTagsRequest, AddTagsResponse, ListTagsRequest, ListTagsResponse, RemoveTagsRequest,
    RemoveTagsResponse, ResourceTag, Tag, actions, errors,
};
use strongroom_identity::{Action, ConditionKeys, PARTITION, RequestContext};

use crate::CloudTrail;
use crate::domain::tags::Tags;
use crate::error::Refusal;

/// Resources of one ListTags (CloudTrail API Reference, "ListTags").
const MOST_LISTED: usize = 20;

pub(super) async fn add(
    cloudtrail: &CloudTrail,
    context: &RequestContext,
    input: AddTagsRequest,
) -> Result<AddTagsResponse, Refusal> {
    let tags = Tags::parse(input.tags_list)?;
    context.ask(ConditionKeys::new().with_tags(tags.iter()));
    let id = expect_trail::<actions::AddTags>(cloudtrail, context, &input.resource_id)?;
    let tags = &tags;
    let added =
        cloudtrail.trails.change::<actions::AddTags>(context, id, |trail| trail.tags.add(tags.clone()));
    added.await.map_err(of_resources)?;
    Ok(AddTagsResponse {})
}

pub(super) async fn remove(
    cloudtrail: &CloudTrail,
    context: &RequestContext,
    input: RemoveTagsRequest,
) -> Result<RemoveTagsResponse, Refusal> {
    let keys = input.tags_list.iter().map(|tag| tag.key.as_str());
    context.ask(ConditionKeys::new().with_tag_keys(keys));
    let id = expect_trail::<actions::RemoveTags>(cloudtrail, context, &input.resource_id)?;
    let tags = input.tags_list.as_slice();
    let removed = cloudtrail.trails.change::<actions::RemoveTags>(context, id, |trail| {
        trail.tags.remove(tags);
        Ok(())
    });
    removed.await.map_err(of_resources)?;
    Ok(RemoveTagsResponse {})
}

pub(super) async fn list(
    cloudtrail: &CloudTrail,
    context: &RequestContext,
    input: ListTagsRequest,
) -> Result<ListTagsResponse, Refusal> {
    if input.next_token.is_some() {
        return Err(Refusal::of(&errors::INVALID_TOKEN_EXCEPTION, "The token is not valid."));
    }
    if input.resource_id_list.len() > MOST_LISTED {
        let text = format!("ListTags takes at most {MOST_LISTED} resources.");
        return Err(Refusal::of(&errors::INVALID_PARAMETER_EXCEPTION, text));
    }
    let mut listed = Vec::new();
    for id in input.resource_id_list {
        let arn = expect_trail::<actions::ListTags>(cloudtrail, context, &id)?;
        let trail = cloudtrail.trails.permitted::<actions::ListTags>(context, arn).await;
        let trail = trail.map_err(of_resources)?;
        let tags = trail.tags.iter();
        let tags = tags.map(|(key, value)| Tag { key: key.to_owned(), value: Some(value.to_owned()) });
        listed.push(ResourceTag { resource_id: Some(id), tags_list: Some(tags.collect()) });
    }
    Ok(ListTagsResponse { resource_tag_list: Some(listed), next_token: None })
}

/// Tags are asked for by ARN only. Of what else in CloudTrail has tags there is nothing here; who may not do `A` to it is not
/// told so.
fn expect_trail<'i, A: Action>(
    cloudtrail: &CloudTrail,
    context: &RequestContext,
    id: &'i str,
) -> Result<&'i str, Refusal> {
    let parts: Vec<_> = id.splitn(6, ':').collect();
    let &["arn", PARTITION, service, _, _, resource] = parts.as_slice() else {
        return Err(Refusal::invalid_arn(id));
    };
    let kind = resource.split('/').next().unwrap_or_default();
    // Texts: ours, after the descriptions of these errors in the API Reference.
    let not_there = |shape, what: &str| {
        cloudtrail.trails.permit_nothing::<A>(context, id)?;
        Err(Refusal::of(shape, format!("The {what} was not found: {id}")))
    };
    match (service, kind) {
        ("cloudtrail", "trail") => Ok(id),
        ("cloudtrail", "eventdatastore") => {
            not_there(&errors::EVENT_DATA_STORE_NOT_FOUND_EXCEPTION, "event data store")
        }
        ("cloudtrail", "channel") => not_there(&errors::CHANNEL_NOT_FOUND_EXCEPTION, "channel"),
        ("cloudtrail", "dashboard") => not_there(&errors::RESOURCE_NOT_FOUND_EXCEPTION, "dashboard"),
        ("cloudtrail", _) => Err(Refusal::invalid_arn(id)),
        _ => Err(Refusal::of(
            &errors::RESOURCE_TYPE_NOT_SUPPORTED_EXCEPTION,
            format!("The resource type is not supported by CloudTrail: {id}"),
        )),
    }
}

/// The operations on tags have an error of their own for a trail that is not there.
fn of_resources(refusal: Refusal) -> Refusal {
    match refusal {
        Refusal::Modelled(shape, text) if shape.name == errors::TRAIL_NOT_FOUND_EXCEPTION.name => {
            Refusal::of(&errors::RESOURCE_NOT_FOUND_EXCEPTION, text)
        }
        other => other,
    }
}

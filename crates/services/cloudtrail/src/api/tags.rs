//! Tags on trails.

use strongroom_api_cloudtrail::{
    AddTagsRequest, AddTagsResponse, ListTagsRequest, ListTagsResponse, RemoveTagsRequest,
    RemoveTagsResponse, ResourceTag, Tag, actions, errors,
};
use strongroom_identity::{ConditionKeys, RequestContext};

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
    let id = arn(&input.resource_id)?;
    let tags = &tags;
    cloudtrail.trails.change::<actions::AddTags>(context, id, |trail| trail.tags.add(tags.clone())).await?;
    Ok(AddTagsResponse {})
}

pub(super) async fn remove(
    cloudtrail: &CloudTrail,
    context: &RequestContext,
    input: RemoveTagsRequest,
) -> Result<RemoveTagsResponse, Refusal> {
    let keys = input.tags_list.iter().map(|tag| tag.key.as_str());
    context.ask(ConditionKeys::new().with_tag_keys(keys));
    let id = arn(&input.resource_id)?;
    let tags = input.tags_list.as_slice();
    let removed = cloudtrail.trails.change::<actions::RemoveTags>(context, id, |trail| {
        trail.tags.remove(tags);
        Ok(())
    });
    removed.await?;
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
        let trail = cloudtrail.trails.permitted::<actions::ListTags>(context, arn(&id)?).await?;
        let tags = trail.tags.iter();
        let tags = tags.map(|(key, value)| Tag { key: key.to_owned(), value: Some(value.to_owned()) });
        listed.push(ResourceTag { resource_id: Some(id), tags_list: Some(tags.collect()) });
    }
    Ok(ListTagsResponse { resource_tag_list: Some(listed), next_token: None })
}

/// Tags are asked for by ARN only.
fn arn(id: &str) -> Result<&str, Refusal> {
    if id.starts_with("arn:") { Ok(id) } else { Err(Refusal::invalid_arn(id)) }
}

//! Tags on clusters and backups.

use strongroom_api_cloudhsm::{
    ListTagsRequest, ListTagsResponse, Tag, TagResourceRequest, TagResourceResponse, UntagResourceRequest,
    UntagResourceResponse, actions,
};
use strongroom_identity::{ConditionKeys, RequestContext};

use super::shapes;
use crate::ControlPlane;
use crate::domain::{paging, tags};
use crate::error::Refusal;

/// Tags in a page of ListTags, unless the caller says otherwise: all that there can be.
const PAGE: usize = tags::MOST_TAGS;

/// Marks this list's tokens. A tag's name can be longer than a token holds: its place in the list stands there.
const LIST: u8 = 3;

pub(super) async fn tag_resource(
    plane: &ControlPlane,
    context: &RequestContext,
    input: TagResourceRequest,
) -> Result<TagResourceResponse, Refusal> {
    let tags = shapes::parse_tags(input.tag_list)?;
    context.ask(tags.asked());
    plane.change_tags::<actions::TagResource>(context, &input.resource_id, |all| all.add(&tags)).await?;
    Ok(TagResourceResponse {})
}

pub(super) async fn untag_resource(
    plane: &ControlPlane,
    context: &RequestContext,
    input: UntagResourceRequest,
) -> Result<UntagResourceResponse, Refusal> {
    for name in &input.tag_key_list {
        tags::check_name(name)?;
    }
    let names = input.tag_key_list.iter().map(String::as_str);
    context.ask(ConditionKeys::new().with_tag_keys(names));
    let untag = plane.change_tags::<actions::UntagResource>(context, &input.resource_id, |all| {
        all.remove(&input.tag_key_list);
        Ok(())
    });
    untag.await?;
    Ok(UntagResourceResponse {})
}

pub(super) async fn list_tags(
    plane: &ControlPlane,
    context: &RequestContext,
    input: ListTagsRequest,
) -> Result<ListTagsResponse, Refusal> {
    let invalid = || Refusal::Invalid("Invalid pagination token.".to_owned());
    let start: usize = match input.next_token {
        Some(token) => paging::open(LIST, &token)?.parse().map_err(|_| invalid())?,
        None => 0,
    };
    let most = paging::limit(input.max_results, PAGE);
    let tags = plane.tags_of::<actions::ListTags>(context, &input.resource_id).await?;
    let all = shapes::tags(&tags);
    let page: Vec<Tag> = all.iter().skip(start).take(most).cloned().collect();
    let end = start.saturating_add(page.len());
    let next_token = (end < all.len()).then(|| paging::close(LIST, &end.to_string()));
    Ok(ListTagsResponse { tag_list: page, next_token })
}

//! Tags on keys.

use strongroom_api_kms::{
    ListResourceTagsRequest, ListResourceTagsResponse, Tag, TagResourceRequest, UntagResourceRequest, actions,
};
use strongroom_identity::RequestContext;
use strongroom_schema::Unit;

use super::asked;
use crate::KeyManagement;
use crate::domain::paging::Page;
use crate::domain::tags::{self, Tags};
use crate::error::Refusal;

/// Tags in a page of ListResourceTags: the default, and the most (KMS API Reference, ListResourceTags).
const PAGE: usize = 50;

/// Marks this list's markers.
const LIST: u8 = 3;

pub(super) async fn tag_resource(
    kms: &KeyManagement,
    context: &RequestContext,
    input: TagResourceRequest,
) -> Result<Unit, Refusal> {
    context.ask(asked::tag_resource(&input));
    let tags = parse(input.tags)?;
    let tag = kms.change::<actions::TagResource>(context, &input.key_id, |key| {
        key.expect_staying()?;
        key.tags.add(&tags)
    });
    context.responded("keyId", tag.await?.arn);
    Ok(Unit)
}

pub(super) async fn untag_resource(
    kms: &KeyManagement,
    context: &RequestContext,
    input: UntagResourceRequest,
) -> Result<Unit, Refusal> {
    for name in &input.tag_keys {
        tags::check_name(name)?;
    }
    context.ask(asked::untag_resource(&input));
    let untag = kms.change::<actions::UntagResource>(context, &input.key_id, |key| {
        key.expect_staying()?;
        key.tags.remove(&input.tag_keys);
        Ok(())
    });
    context.responded("keyId", untag.await?.arn);
    Ok(Unit)
}

pub(super) async fn list_resource_tags(
    kms: &KeyManagement,
    context: &RequestContext,
    input: ListResourceTagsRequest,
) -> Result<ListResourceTagsResponse, Refusal> {
    let page = Page::parse_up_to(PAGE, LIST, input.limit, PAGE, input.marker.as_deref())?;
    let key = kms.permitted::<actions::ListResourceTags>(context, &input.key_id).await?;
    let found: Vec<_> = key.resource().tags.after(&page.after, page.limit + 1).collect();
    let (found, next_marker) = page.cut(LIST, found, |(name, _)| (*name).to_owned());
    let tag = |(name, value): (&str, &str)| Tag { tag_key: name.to_owned(), tag_value: value.to_owned() };
    Ok(ListResourceTagsResponse {
        tags: Some(found.into_iter().map(tag).collect()),
        truncated: Some(next_marker.is_some()),
        next_marker,
    })
}

/// The tags of a request.
pub(super) fn parse(tags: Vec<Tag>) -> Result<Tags, Refusal> {
    Tags::parse(tags.into_iter().map(|tag| (tag.tag_key, tag.tag_value)))
}

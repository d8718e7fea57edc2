//! Tags on everything that has an id.

use strongroom_api_ec2::{self as ec2, actions};
use strongroom_identity::{ConditionKeys, RequestContext};
use strongroom_schema::Unit;

use super::{MOST_IDS, list};
use crate::Networks;
use crate::domain::filter::{Attribute, Filters, text};
use crate::domain::id::Kind;
use crate::domain::paging::Page;
use crate::domain::tags::Tags;
use crate::error::Refusal;
use crate::networks::Target;

/// EC2 API Reference, DescribeTags. `tag:KEY` is beside them, and fits the tag of that key.
const FILTERS: &[Attribute<ec2::TagDescription>] = &[
    ("key", |tag| text(&tag.key)),
    ("resource-id", |tag| text(&tag.resource_id)),
    ("resource-type", |tag| tag.resource_type.iter().map(|kind| kind.as_str().to_owned()).collect()),
    ("value", |tag| text(&tag.value)),
];

pub(super) async fn create_tags(
    networks: &Networks,
    context: &RequestContext,
    input: ec2::CreateTagsRequest,
) -> Result<Unit, Refusal> {
    let targets = targets(&input.resources)?;
    if input.tags.is_empty() {
        return Err(Refusal::missing("Tag"));
    }
    let tags = Tags::parse(input.tags)?;
    context.ask(tags.asked());
    networks
        .change::<actions::CreateTags, _>(context, input.dry_run, &targets, |edit| {
            input.resources.iter().try_for_each(|id| edit.change_tags(id, |known| known.add(&tags)))
        })
        .await?;
    Ok(Unit)
}

pub(super) async fn delete_tags(
    networks: &Networks,
    context: &RequestContext,
    input: ec2::DeleteTagsRequest,
) -> Result<Unit, Refusal> {
    let targets = targets(&input.resources)?;
    let named = input.tags.unwrap_or_default();
    let keys = named.iter().filter_map(|tag| tag.key.as_deref());
    context.ask(ConditionKeys::new().with_tag_keys(keys));
    networks
        .change::<actions::DeleteTags, _>(context, input.dry_run, &targets, |edit| {
            input.resources.iter().try_for_each(|id| {
                edit.change_tags(id, |known| {
                    if named.is_empty() {
                        known.clear();
                    }
                    for tag in &named {
                        known.remove(tag.key.as_deref().unwrap_or_default(), tag.value.as_deref());
                    }
                    Ok(())
                })
            })
        })
        .await?;
    Ok(Unit)
}

/// What the ids of a request name.
fn targets(ids: &[String]) -> Result<Vec<Target<'_>>, Refusal> {
    if ids.is_empty() {
        return Err(Refusal::missing("resourceIdSet"));
    }
    if ids.len() > MOST_IDS {
        return Err(Refusal::invalid_value(format!("A request can name at most {MOST_IDS} resources.")));
    }
    Ok(ids.iter().map(|id| Target::One(id)).collect())
}

pub(super) async fn describe_tags(
    networks: &Networks,
    context: &RequestContext,
    input: ec2::DescribeTagsRequest,
) -> Result<ec2::DescribeTagsResult, Refusal> {
    let page = Page::parse(list::TAGS, input.max_results, input.next_token.as_deref())?;
    let filters = Filters::parse(input.filters, FILTERS)?;
    let network = networks.read::<actions::DescribeTags>(context, input.dry_run, &[Target::All]).await?;
    let all = network.all_tags();
    let described = all.iter().flat_map(|(id, tags)| tags.iter().map(move |tag| (*id, tag)));
    let described = described.filter_map(|(id, (key, value))| {
        let description = ec2::TagDescription {
            key: Some(key.to_owned()),
            resource_id: Some(id.to_owned()),
            resource_type: Kind::of(id).map(|kind| ec2::ResourceType::from(kind.resource_type())),
            value: Some(value.to_owned()),
        };
        // To the filters each tag is a resource of its own.
        filters.admit(&description, &Tags::of_one(key, value)).then_some((id, key, description))
    });
    let (described, next_token) = page.cut(described, |(id, key, _)| format!("{id} {key}"));
    let tags = described.into_iter().map(|(_, _, description)| description).collect();
    Ok(ec2::DescribeTagsResult { next_token, tags: Some(tags) })
}

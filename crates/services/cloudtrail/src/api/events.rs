//! Event history.

use strongroom_api_cloudtrail::{
    Event, LookupAttribute, LookupAttributeKey, LookupEventsRequest, LookupEventsResponse, Resource, actions,
};
use strongroom_history::{Attribute, Continuation, Filter};
use strongroom_identity::RequestContext;
use strongroom_journal::{Record, render_cloudtrail_json};
use strongroom_policy::Everything;
use strongroom_schema::Timestamp;

use crate::CloudTrail;
use crate::error::Refusal;

/// Events in a page: the default, and the most (CloudTrail API Reference, LookupEvents).
const PAGE: usize = 50;

/// How far back events are shown ("Working with CloudTrail event history" in the AWS CloudTrail User Guide), of
/// domain time.
const HISTORY_MS: i64 = 90 * 24 * 60 * 60 * 1000;

pub(super) async fn lookup(
    cloudtrail: &CloudTrail,
    context: &RequestContext,
    input: LookupEventsRequest,
) -> Result<LookupEventsResponse, Refusal> {
    let everything = Everything(context.account());
    let account = cloudtrail.authority.authorize::<actions::LookupEvents, _>(context, everything)?;
    if input.event_category.is_some() {
        return Err(Refusal::EventCategory);
    }
    let filter = filter(*account.resource(), context, &input)?;
    let from = input.next_token.as_deref().map(Continuation::decode).transpose()?;
    let limit = input.max_results.and_then(|most| usize::try_from(most).ok()).unwrap_or(PAGE);
    let history = cloudtrail.history.clone();
    // Reading blocks on the disk.
    let page = tokio::task::spawn_blocking(move || history.lookup(&filter, limit, from.as_ref()))
        .await
        .map_err(|_| Refusal::internal("reading the journal was interrupted"))??;
    Ok(LookupEventsResponse {
        events: Some(page.records.iter().map(|(_, record)| event(record)).collect()),
        next_token: page.next.map(|next| next.encode()),
    })
}

/// What a lookup wants.
fn filter(
    account: Everything,
    context: &RequestContext,
    input: &LookupEventsRequest,
) -> Result<Filter, Refusal> {
    let (start, end) = (input.start_time.map(Timestamp::as_millis), input.end_time.map(Timestamp::as_millis));
    if let (Some(start), Some(end)) = (start, end)
        && start > end
    {
        return Err(Refusal::TimeRange);
    }
    let attributes = input.lookup_attributes.as_deref().unwrap_or_default();
    let attribute = match attributes {
        [] => None,
        [only] => Some(attribute(only)?),
        _ => return Err(Refusal::Attributes),
    };
    Ok(Filter {
        account: account.0.to_string(),
        region: context.region.name().to_owned(),
        start_ms: start,
        end_ms: end,
        horizon_ms: Some(context.now_ms.saturating_sub(HISTORY_MS)),
        attribute,
    })
}

fn attribute(attribute: &LookupAttribute) -> Result<(Attribute, String), Refusal> {
    let key = match attribute.attribute_key {
        LookupAttributeKey::EventId => Attribute::EventId,
        LookupAttributeKey::EventName => Attribute::EventName,
        LookupAttributeKey::ReadOnly => Attribute::ReadOnly,
        LookupAttributeKey::Username => Attribute::Username,
        LookupAttributeKey::ResourceType => Attribute::ResourceType,
        LookupAttributeKey::ResourceName => Attribute::ResourceName,
        LookupAttributeKey::EventSource => Attribute::EventSource,
        LookupAttributeKey::AccessKeyId => Attribute::AccessKeyId,
        LookupAttributeKey::Unknown(_) => return Err(Refusal::Attributes),
    };
    Ok((key, attribute.attribute_value.clone()))
}

/// A record as LookupEvents lists it.
fn event(record: &Record) -> Event {
    let resources = record.resources.iter().flatten().map(|resource| Resource {
        resource_type: resource.kind.clone(),
        resource_name: Some(resource.arn.clone()),
    });
    Event {
        event_id: Some(record.event_id.to_string()),
        event_name: Some(record.event_name.clone()),
        read_only: Some(record.read_only.to_string()),
        access_key_id: record.identity.access_key_id.clone(),
        // Whole seconds, as in the record itself.
        event_time: Some(Timestamp::from_millis(
            record.event_time_ms.saturating_sub(record.event_time_ms.rem_euclid(1000)),
        )),
        event_source: Some(record.event_source.clone()),
        username: record.username().map(str::to_owned),
        resources: Some(resources.collect()),
        cloud_trail_event: Some(render_cloudtrail_json(record)),
    }
}

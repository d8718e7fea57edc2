//! Messages, one or several at a time.

use std::collections::HashSet;

use strongroom_api_sns::errors::{
    BATCH_ENTRY_IDS_NOT_DISTINCT_EXCEPTION, BATCH_REQUEST_TOO_LONG_EXCEPTION, EMPTY_BATCH_REQUEST_EXCEPTION,
    INVALID_BATCH_ENTRY_ID_EXCEPTION, TOO_MANY_ENTRIES_IN_BATCH_REQUEST_EXCEPTION,
};
use strongroom_api_sns::{
    BatchResultErrorEntry, MessageAttributeValue, PublishBatchInput, PublishBatchRequestEntry,
    PublishBatchResponse, PublishBatchResultEntry, PublishInput, PublishResponse,
};
use strongroom_identity::RequestContext;
use strongroom_schema::Map;
use strongroom_service::ApiError;

use crate::Notifications;
use crate::domain::message::{Given, MOST_BYTES, Message};
use crate::domain::names::TopicName;
use crate::error::Refusal;

/// Entries of a batch, and characters of their ids.
const MOST_ENTRIES: usize = 10;
const LONGEST_ID: usize = 80;

pub(super) async fn publish(
    sns: &Notifications,
    context: &RequestContext,
    input: PublishInput,
) -> Result<PublishResponse, Refusal> {
    let PublishInput { topic_arn, target_arn, phone_number, message, subject, .. } = input;
    if phone_number.is_some() {
        return Err(Refusal::not_yet("messages to telephones"));
    }
    let ((Some(arn), None) | (None, Some(arn))) = (topic_arn, target_arn) else {
        // Text: an answer of AWS, quoted in public issue threads.
        return Err(Refusal::parameter("TopicArn or TargetArn Reason: no value for required parameter"));
    };
    let name = TopicName::named(context, "TopicArn", &arn)?;
    let attributes = input.message_attributes.unwrap_or_default();
    let structure = input.message_structure.as_deref();
    refuse_order(input.message_group_id.as_ref(), input.message_deduplication_id.as_ref())?;
    let given = Given { subject, message, structure, attributes: pairs(&attributes) };
    let mut ids = sns.publish_to(context, &name, move || Ok(vec![Message::new(given)?])).await?;
    Ok(PublishResponse { message_id: ids.pop(), sequence_number: None })
}

pub(super) async fn publish_batch(
    sns: &Notifications,
    context: &RequestContext,
    input: PublishBatchInput,
) -> Result<PublishBatchResponse, Refusal> {
    let name = TopicName::named(context, "TopicArn", &input.topic_arn)?;
    let entries = input.publish_batch_request_entries;
    check_batch(&entries)?;
    let (mut good, mut failed) = (Vec::new(), Vec::new());
    for entry in entries {
        let PublishBatchRequestEntry { id, message, subject, message_structure, message_attributes, .. } =
            entry;
        let attributes = message_attributes.unwrap_or_default();
        let given = Given {
            subject,
            message,
            structure: message_structure.as_deref(),
            attributes: pairs(&attributes),
        };
        let order = refuse_order(entry.message_group_id.as_ref(), entry.message_deduplication_id.as_ref());
        match order.and_then(|()| Message::new(given)) {
            Ok(message) => good.push((id, message)),
            Err(refusal) => failed.push(failure(id, refusal)),
        }
    }
    let (mut ids, messages): (Vec<_>, Vec<_>) = good.into_iter().unzip();
    let message_ids = sns.publish_to(context, &name, move || Ok(messages)).await?;
    // What was too much with the others may be published by itself.
    let beyond = ids.split_off(message_ids.len().min(ids.len()));
    failed.extend(beyond.into_iter().map(|id| failure(id, Refusal::Throttled)));
    let successful = ids.into_iter().zip(message_ids).map(|(id, message_id)| PublishBatchResultEntry {
        id: Some(id),
        message_id: Some(message_id),
        sequence_number: None,
    });
    Ok(PublishBatchResponse { successful: Some(successful.collect()), failed: Some(failed) })
}

fn pairs(attributes: &Map<MessageAttributeValue>) -> Vec<(&str, &MessageAttributeValue)> {
    attributes.iter().collect()
}

/// Only topics that keep an order take what orders messages.
fn refuse_order(group: Option<&String>, deduplication: Option<&String>) -> Result<(), Refusal> {
    // Texts: answers of AWS, quoted in public issue threads.
    if deduplication.is_some() {
        return Err(Refusal::parameter(
            "MessageDeduplicationId Reason: The request includes MessageDeduplicationId parameter that is not valid for \
             this topic type",
        ));
    }
    if group.is_some() {
        return Err(Refusal::parameter(
            "MessageGroupId Reason: The request includes MessageGroupId parameter that is not valid for this topic type",
        ));
    }
    Ok(())
}

/// Refuses what makes a batch none. Texts: the descriptions of these errors in the SNS API Reference.
fn check_batch(entries: &[PublishBatchRequestEntry]) -> Result<(), Refusal> {
    if entries.is_empty() {
        let text = "The batch request doesn't contain any entries.";
        return Err(Refusal::modelled(&EMPTY_BATCH_REQUEST_EXCEPTION, text));
    }
    if entries.len() > MOST_ENTRIES {
        let text = "The batch request contains more entries than permissible.";
        return Err(Refusal::modelled(&TOO_MANY_ENTRIES_IN_BATCH_REQUEST_EXCEPTION, text));
    }
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    let is_id = |id: &str| (1..=LONGEST_ID).contains(&id.len()) && id.bytes().all(is_letter);
    if !entries.iter().all(|entry| is_id(&entry.id)) {
        let text = "The Id of a batch entry in a batch request doesn't abide by the specification.";
        return Err(Refusal::modelled(&INVALID_BATCH_ENTRY_ID_EXCEPTION, text));
    }
    let mut ids = HashSet::new();
    if !entries.iter().all(|entry| ids.insert(entry.id.as_str())) {
        let text = "Two or more batch entries in the request have the same Id.";
        return Err(Refusal::modelled(&BATCH_ENTRY_IDS_NOT_DISTINCT_EXCEPTION, text));
    }
    let size = |entry: &PublishBatchRequestEntry| {
        let attributes = entry.message_attributes.as_ref().map(pairs).unwrap_or_default();
        Message::size(&entry.message, &attributes)
    };
    if entries.iter().map(size).sum::<usize>() > MOST_BYTES {
        let text = "The length of all the batch messages put together is more than the limit.";
        return Err(Refusal::modelled(&BATCH_REQUEST_TOO_LONG_EXCEPTION, text));
    }
    Ok(())
}

/// What is said of an entry that is not published.
fn failure(id: String, refusal: Refusal) -> BatchResultErrorEntry {
    let error = ApiError::from(refusal);
    BatchResultErrorEntry {
        id,
        code: error.query_code().to_owned(),
        message: error.message().map(str::to_owned),
        sender_fault: error.status().is_none_or(|status| status < 500),
    }
}

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

/// Characters of a message's group.
const LONGEST_GROUP: usize = 128;

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
    let name = match (topic_arn, target_arn) {
        (Some(arn), None) => TopicName::named(context, "TopicArn", &arn)?,
        (None, Some(arn)) if is_endpoint(&arn) => {
            let text = "TargetArn Reason: No endpoint found for the target arn specified";
            return Err(Refusal::parameter(text));
        }
        (None, Some(arn)) => TopicName::named(context, "TargetArn", &arn)?,
        // Text: an answer of AWS, quoted in public issue threads, as the one above.
        _ => return Err(Refusal::parameter("TopicArn or TargetArn Reason: no value for required parameter")),
    };
    let attributes = input.message_attributes.unwrap_or_default();
    let structure = input.message_structure.as_deref();
    check_order(input.message_group_id.as_deref(), input.message_deduplication_id.as_deref())?;
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
        let order = check_order(entry.message_group_id.as_deref(), entry.message_deduplication_id.as_deref());
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

/// Whether an ARN is that of an endpoint of a telephone's platform. There are none.
fn is_endpoint(arn: &str) -> bool {
    arn.splitn(6, ':').nth(5).is_some_and(|rest| rest.starts_with("endpoint/"))
}

/// Checks what orders messages. A group is for queues of SQS, and other endpoints are not told of it (SNS API Reference,
/// Publish: `MessageGroupId`); only topics that keep an order take what tells a message from its repetition.
fn check_order(group: Option<&str>, deduplication: Option<&str>) -> Result<(), Refusal> {
    // Texts: answers of AWS, quoted in public issue threads.
    if deduplication.is_some() {
        return Err(Refusal::parameter(
            "MessageDeduplicationId Reason: The request includes MessageDeduplicationId parameter that is not valid for \
             this topic type",
        ));
    }
    let is_group = |group: &str| {
        (1..=LONGEST_GROUP).contains(&group.len()) && group.bytes().all(|byte| byte.is_ascii_graphic())
    };
    if group.is_some_and(|group| !is_group(group)) {
        return Err(Refusal::parameter(
            "MessageGroupId Reason: MessageGroupId can only include alphanumeric and punctuation characters. 1 to 128 in \
             length",
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

//! Topics and their attributes.

use strongroom_api_sns::errors::TOPIC_LIMIT_EXCEEDED_EXCEPTION;
use strongroom_api_sns::{
    CreateTopicInput, CreateTopicResponse, DeleteTopicInput, GetTopicAttributesInput,
    GetTopicAttributesResponse, ListTopicsInput, ListTopicsResponse, SetTopicAttributesInput,
    Topic as ShownTopic, actions,
};
use strongroom_identity::RequestContext;
use strongroom_schema::Unit;

use crate::Notifications;
use crate::delivery::TOPIC_RESOURCE;
use crate::domain::names::TopicName;
use crate::domain::paging::{self, List, PAGE};
use crate::domain::tags::Tags;
use crate::domain::topic::{Absent, AllTopics, GivenPolicy, Topic};
use crate::error::Refusal;
use crate::repo;

/// Topics that an account may have in a Region (SNS quotas).
const MOST_TOPICS: i64 = 100_000;

/// The attribute that is a policy.
const POLICY: &str = "Policy";

pub(super) async fn create_topic(
    sns: &Notifications,
    context: &RequestContext,
    input: CreateTopicInput,
) -> Result<CreateTopicResponse, Refusal> {
    let CreateTopicInput { name, attributes, tags, data_protection_policy } = input;
    let name = TopicName::new(context, &name)?;
    let tags = Tags::parse(tags.unwrap_or_default())?;
    context.ask(tags.asked());
    sns.authority.authorize::<actions::CreateTopic, _>(context, Absent(&name))?;
    if !tags.is_empty() {
        sns.authority.authorize::<actions::TagResource, _>(context, Absent(&name))?;
    }
    if name.is_fifo() {
        return Err(Refusal::not_yet("FIFO topics"));
    }
    if data_protection_policy.is_some_and(|policy| !policy.is_empty()) {
        return Err(Refusal::not_yet("data protection policies"));
    }
    let mut wanted = Topic::new(name.clone(), context.now_ms);
    wanted.tags.add(&tags)?;
    let attributes = attributes.unwrap_or_default();
    for (attribute, value) in attributes.iter() {
        if attribute == POLICY {
            wanted.set_policy(bound(sns, &name, value).await?);
        } else {
            wanted.set(attribute, value)?;
        }
    }
    context.touched(TOPIC_RESOURCE, name.account, name.to_string());
    let (wanted, attributes) = (&wanted, &attributes);
    sns.db
        .transaction(|tx| {
            Box::pin(async move {
                let name = &wanted.name;
                if let Some(known) = repo::topics::load(tx, &sns.mac, name).await? {
                    return same(&known, wanted, attributes.is_empty());
                }
                if repo::topics::count(tx, name).await? >= MOST_TOPICS {
                    let text = "Topic limit exceeded";
                    return Err(Refusal::modelled(&TOPIC_LIMIT_EXCEEDED_EXCEPTION, text));
                }
                repo::topics::insert(tx, &sns.mac, wanted).await?;
                Ok(repo::post(tx, context.draft()).await?)
            })
        })
        .await?;
    Ok(CreateTopicResponse { topic_arn: Some(name.to_string()) })
}

/// Whether a topic that is there is as it is wanted: then making it again does nothing. Texts: answers of AWS quoted in public
/// issue threads.
fn same(known: &Topic, wanted: &Topic, nothing_is_wanted: bool) -> Result<(), Refusal> {
    let is_same = known.attributes == wanted.attributes && known.given_policy() == wanted.given_policy();
    if !nothing_is_wanted && !is_same {
        return Err(Refusal::parameter("Attributes Reason: Topic already exists with different attributes"));
    }
    if !wanted.tags.is_empty() && known.tags != wanted.tags {
        return Err(Refusal::parameter("Tags Reason: Topic already exists with different tags"));
    }
    Ok(())
}

pub(super) async fn delete_topic(
    sns: &Notifications,
    context: &RequestContext,
    input: DeleteTopicInput,
) -> Result<Unit, Refusal> {
    let name = &TopicName::named(context, "TopicArn", &input.topic_arn)?;
    sns.db
        .transaction(|tx| {
            Box::pin(async move {
                let Some(topic) = repo::topics::load(tx, &sns.mac, name).await? else {
                    // Whoever may delete a topic may have deleted it before.
                    sns.authority.authorize::<actions::DeleteTopic, _>(context, Absent(name))?;
                    return Ok(());
                };
                context.touched(TOPIC_RESOURCE, name.account, name.to_string());
                sns.authority.authorize::<actions::DeleteTopic, _>(context, topic)?;
                repo::deliveries::delete_of_topic(tx, name).await?;
                repo::messages::delete_of_topic(tx, name).await?;
                repo::subscriptions::delete_of_topic(tx, name).await?;
                repo::topics::delete(tx, name).await?;
                Ok::<_, Refusal>(repo::post(tx, context.draft()).await?)
            })
        })
        .await?;
    Ok(Unit)
}

pub(super) async fn list_topics(
    sns: &Notifications,
    context: &RequestContext,
    input: ListTopicsInput,
) -> Result<ListTopicsResponse, Refusal> {
    let (account, region) = (context.account(), context.region.name());
    sns.authority.authorize::<actions::ListTopics, _>(context, AllTopics { account, region })?;
    let after = paging::open(List::Topics, input.next_token.as_deref())?;
    let mut names = repo::topics::list(&sns.db, (account, region), &after, PAGE + 1).await?;
    let is_more = names.len() > PAGE;
    names.truncate(PAGE);
    let next_token = names.last().filter(|_| is_more).map(|last| paging::close(List::Topics, last));
    let arn = |name| TopicName { account, region, name }.to_string();
    let topics = names.into_iter().map(|name| ShownTopic { topic_arn: Some(arn(name)) }).collect();
    Ok(ListTopicsResponse { topics: Some(topics), next_token })
}

pub(super) async fn get_topic_attributes(
    sns: &Notifications,
    context: &RequestContext,
    input: GetTopicAttributesInput,
) -> Result<GetTopicAttributesResponse, Refusal> {
    let name = TopicName::named(context, "TopicArn", &input.topic_arn)?;
    let topic = sns.permitted_topic::<actions::GetTopicAttributes>(context, &name).await?;
    let topic = topic.resource();
    let counts = repo::subscriptions::count(&sns.db, &name).await?;
    let mut shown = topic.shown();
    let policy = match topic.given_policy() {
        Some(GivenPolicy { text, bound }) => {
            let shown = bound.shown(text, &*sns.principals).await.map_err(Refusal::Unavailable)?;
            shown.unwrap_or_else(|| text.clone())
        }
        None => topic.policy_text(),
    };
    shown.push((POLICY, policy));
    for (name, count) in [
        ("SubscriptionsPending", counts.pending),
        ("SubscriptionsConfirmed", counts.confirmed),
        ("SubscriptionsDeleted", counts.deleted),
    ] {
        shown.push((name, count.to_string()));
    }
    let attributes = shown.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    Ok(GetTopicAttributesResponse { attributes: Some(attributes) })
}

pub(super) async fn set_topic_attributes(
    sns: &Notifications,
    context: &RequestContext,
    input: SetTopicAttributesInput,
) -> Result<Unit, Refusal> {
    let SetTopicAttributesInput { topic_arn, attribute_name, attribute_value } = input;
    let name = TopicName::named(context, "TopicArn", &topic_arn)?;
    let value = attribute_value.unwrap_or_default();
    if attribute_name == POLICY {
        // Whoever may not set it is not told whom it names.
        drop(sns.permitted_topic::<actions::SetTopicAttributes>(context, &name).await?);
        let policy = bound(sns, &name, &value).await?;
        let change = sns.change_topic::<actions::SetTopicAttributes>(context, &name, |topic| {
            topic.set_policy(policy.clone());
            Ok(())
        });
        change.await?;
        return Ok(Unit);
    }
    let change = sns.change_topic::<actions::SetTopicAttributes>(context, &name, |topic| {
        topic.set(&attribute_name, &value)
    });
    change.await?;
    Ok(Unit)
}

/// A policy that is given; an empty text is the one that a topic begins with.
async fn bound(sns: &Notifications, name: &TopicName, text: &str) -> Result<Option<GivenPolicy>, Refusal> {
    if text.is_empty() { Ok(None) } else { sns.bound(name, text).await.map(Some) }
}

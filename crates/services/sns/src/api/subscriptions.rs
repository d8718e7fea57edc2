//! Subscriptions: made, confirmed, changed and ended.

use strongroom_api_sns::errors::{AUTHORIZATION_ERROR_EXCEPTION, SUBSCRIPTION_LIMIT_EXCEEDED_EXCEPTION};
use strongroom_api_sns::{
    ConfirmSubscriptionInput, ConfirmSubscriptionResponse, GetSubscriptionAttributesInput,
    GetSubscriptionAttributesResponse, ListSubscriptionsByTopicInput, ListSubscriptionsByTopicResponse,
    ListSubscriptionsInput, ListSubscriptionsResponse, SetSubscriptionAttributesInput, SubscribeInput,
    SubscribeResponse, Subscription as ShownSubscription, UnsubscribeInput, actions,
};
use strongroom_identity::{ConditionKeys, RequestContext};
use strongroom_policy::Everything;
use strongroom_schema::Unit;

use crate::Notifications;
use crate::delivery::TOPIC_RESOURCE;
use crate::domain::names::{SubscriptionName, TopicName};
use crate::domain::notification::Kind;
use crate::domain::paging::{self, List, PAGE};
use crate::domain::subscription::{Attributes, Protocol, State, Subscription, endpoint_digest};
use crate::error::Refusal;
use crate::notifications::is_anonymous;
use crate::repo;

/// Subscriptions that a topic may have. AWS's quota is 12,500,000.
const MOST_SUBSCRIPTIONS: i64 = 10_000;

/// Subscriptions of a topic that nobody has confirmed yet (SNS quotas: 5,000 an account).
const MOST_PENDING: i64 = 5_000;

pub(super) async fn subscribe(
    sns: &Notifications,
    context: &RequestContext,
    input: SubscribeInput,
) -> Result<SubscribeResponse, Refusal> {
    let SubscribeInput { topic_arn, protocol, endpoint, attributes, return_subscription_arn } = input;
    let name = &TopicName::named(context, "TopicArn", &topic_arn)?;
    let endpoint = endpoint.ok_or_else(|| Refusal::parameter("Endpoint"))?;
    context.ask(
        ConditionKeys::new().with("sns:Protocol", protocol.as_str()).with("sns:Endpoint", endpoint.as_str()),
    );
    // Whoever may not subscribe is not told what could be.
    drop(sns.permitted_topic::<actions::Subscribe>(context, name).await?);
    let protocol = Protocol::parse(&protocol)?;
    protocol.check(&endpoint)?;
    if protocol.is_mail() && !sns.carrier.sends_mail() {
        return Err(Refusal::parameter(
            "Protocol Reason: this server sends no mail. Its operator chooses a mail server as smtp_url of [sns].",
        ));
    }
    if !protocol.is_mail() && !sns.carrier.admits(&endpoint) {
        // Text: an answer of AWS, quoted in public issue threads.
        let text = "Not authorized to subscribe internal endpoints";
        return Err(Refusal::modelled(&AUTHORIZATION_ERROR_EXCEPTION, text));
    }
    let mut wanted = Attributes::default();
    let given = attributes.unwrap_or_default();
    wanted.set_all(protocol, given.iter().collect::<Vec<_>>().into_iter())?;
    let is_given = !given.is_empty();
    let (endpoint, wanted) = (&endpoint, &wanted);
    let subscription = sns.db.transaction(|tx| {
        Box::pin(async move {
            sns.load_permitted::<actions::Subscribe>(tx, context, name).await?;
            let digest = endpoint_digest(protocol, endpoint);
            let known = repo::subscriptions::load_by_endpoint(tx, &sns.mac, name, digest).await?;
            let subscription = match known {
                Some(known) if known.state == State::Confirmed => {
                    if is_given && known.attributes != *wanted {
                        return Err(Refusal::parameter(
                            "Attributes Reason: Subscription already exists with different attributes",
                        ));
                    }
                    known
                }
                known => {
                    // Asked for again: the subscription stays, the token is another.
                    let pending = known.clone().filter(|known| known.state == State::Pending);
                    let is_new = pending.is_none();
                    let mut subscription = match pending {
                        Some(pending) => Subscription { attributes: wanted.clone(), ..pending },
                        None => Subscription {
                            name: SubscriptionName::new(name)?,
                            version: 1,
                            created_ms: context.now_ms,
                            owner: context.account(),
                            principal: context.caller.principal.arn(),
                            protocol,
                            endpoint: endpoint.clone(),
                            state: State::Pending,
                            is_guarded: false,
                            was_authenticated: false,
                            attributes: wanted.clone(),
                            token: None,
                        },
                    };
                    let token = subscription.new_token(context.now_ms)?;
                    if is_new {
                        match known {
                            // One that has ended gives its place away.
                            Some(ended) => {
                                repo::deliveries::delete_of_subscription(tx, &ended.name).await?;
                                repo::subscriptions::delete(tx, &ended.name.id).await?;
                            }
                            None => admit_one_more(tx, name).await?,
                        }
                        repo::subscriptions::insert(tx, &sns.mac, &subscription).await?;
                    } else {
                        repo::subscriptions::replace(tx, &sns.mac, &mut subscription).await?;
                    }
                    let kind = Kind::SubscriptionConfirmation;
                    sns.ask_to_confirm(tx, &subscription, kind, &token, context.now_ms).await?;
                    subscription
                }
            };
            repo::post(tx, context.draft()).await?;
            Ok::<_, Refusal>(subscription)
        })
    });
    let subscription = subscription.await?;
    sns.nudge.notify_one();
    sns.agenda_changed();
    let shown = match subscription.state {
        State::Confirmed => subscription.name.to_string(),
        _ if return_subscription_arn == Some(true) => subscription.name.to_string(),
        // Text: SNS API Reference, Subscribe.
        _ => "pending confirmation".to_owned(),
    };
    Ok(SubscribeResponse { subscription_arn: Some(shown) })
}

async fn admit_one_more(tx: &mut strongroom_store::Tx<'_>, topic: &TopicName) -> Result<(), Refusal> {
    let counts = repo::subscriptions::count_in(tx, topic).await?;
    let all = counts.pending + counts.confirmed + counts.deleted;
    if all >= MOST_SUBSCRIPTIONS || counts.pending >= MOST_PENDING {
        let text = "The customer already owns the maximum allowed number of subscriptions.";
        return Err(Refusal::modelled(&SUBSCRIPTION_LIMIT_EXCEEDED_EXCEPTION, text));
    }
    Ok(())
}

pub(super) async fn confirm_subscription(
    sns: &Notifications,
    context: &RequestContext,
    input: ConfirmSubscriptionInput,
) -> Result<ConfirmSubscriptionResponse, Refusal> {
    let ConfirmSubscriptionInput { topic_arn, token, authenticate_on_unsubscribe } = input;
    let name = &TopicName::named(context, "TopicArn", &topic_arn)?;
    let is_signed = !is_anonymous(context);
    if is_signed {
        drop(sns.permitted_topic::<actions::ConfirmSubscription>(context, name).await?);
    }
    let is_guarded = match authenticate_on_unsubscribe.as_deref() {
        Some("true") => is_signed,
        None | Some("" | "false") => false,
        Some(_) => return Err(Refusal::parameter("AuthenticateOnUnsubscribe")),
    };
    let id = &Subscription::of_token(&token).ok_or_else(Refusal::invalid_token)?;
    let token = &token;
    let arn = sns.db.transaction(|tx| {
        Box::pin(async move {
            let found = repo::subscriptions::load(tx, &sns.mac, id).await?;
            let found = found.filter(|found| found.name.topic == *name && found.takes(token, context.now_ms));
            let mut subscription = found.ok_or_else(Refusal::invalid_token)?;
            context.touched(TOPIC_RESOURCE, name.account, name.to_string());
            // A link that is followed again does nothing more.
            if subscription.state != State::Confirmed {
                subscription.state = State::Confirmed;
                subscription.is_guarded = is_guarded;
                subscription.was_authenticated = is_signed;
                repo::subscriptions::replace(tx, &sns.mac, &mut subscription).await?;
            }
            repo::post(tx, context.draft()).await?;
            Ok::<_, Refusal>(subscription.name.to_string())
        })
    });
    Ok(ConfirmSubscriptionResponse { subscription_arn: Some(arn.await?) })
}

pub(super) async fn unsubscribe(
    sns: &Notifications,
    context: &RequestContext,
    input: UnsubscribeInput,
) -> Result<Unit, Refusal> {
    let name = &SubscriptionName::named(context, &input.subscription_arn)?;
    let is_signed = !is_anonymous(context);
    sns.db
        .transaction(|tx| {
            Box::pin(async move {
                let found = repo::subscriptions::load(tx, &sns.mac, &name.id).await?;
                let mut subscription = if is_signed {
                    sns.permit_subscription::<actions::Unsubscribe>(context, name, found)?
                } else {
                    let found = found.filter(|found| found.name == *name);
                    let found = found.ok_or_else(Refusal::no_such_subscription)?;
                    if found.is_guarded {
                        // Text: ours in AWS's manner.
                        let text = "Unsubscribing from this topic requires a signed request.";
                        return Err(Refusal::modelled(&AUTHORIZATION_ERROR_EXCEPTION, text));
                    }
                    context.touched(TOPIC_RESOURCE, name.topic.account, name.topic.to_string());
                    found
                };
                if subscription.state == State::Pending {
                    // Text: an answer of AWS, quoted in public issue threads.
                    return Err(Refusal::parameter(
                        "SubscriptionArn Reason: Cannot unsubscribe a subscription that is pending confirmation",
                    ));
                }
                if !is_signed && subscription.state == State::Deleted {
                    // A link that is followed again does nothing more: what brings it back stays good.
                    return Ok(repo::post(tx, context.draft()).await?);
                }
                repo::deliveries::delete_of_subscription(tx, name).await?;
                if is_signed {
                    // Its owner, or its topic's, has ended it: nobody is asked.
                    repo::subscriptions::delete(tx, &name.id).await?;
                } else {
                    // Whoever has the endpoint may not have followed the link himself, and can bring it back.
                    subscription.state = State::Deleted;
                    let token = subscription.new_token(context.now_ms)?;
                    repo::subscriptions::replace(tx, &sns.mac, &mut subscription).await?;
                    let kind = Kind::UnsubscribeConfirmation;
                    sns.ask_to_confirm(tx, &subscription, kind, &token, context.now_ms).await?;
                }
                Ok::<_, Refusal>(repo::post(tx, context.draft()).await?)
            })
        })
        .await?;
    sns.nudge.notify_one();
    sns.agenda_changed();
    Ok(Unit)
}

pub(super) async fn get_subscription_attributes(
    sns: &Notifications,
    context: &RequestContext,
    input: GetSubscriptionAttributesInput,
) -> Result<GetSubscriptionAttributesResponse, Refusal> {
    let name = SubscriptionName::named(context, &input.subscription_arn)?;
    let subscription =
        sns.permitted_subscription::<actions::GetSubscriptionAttributes>(context, &name).await?;
    if subscription.state == State::Deleted {
        return Err(Refusal::no_such_subscription());
    }
    let topic = repo::topics::find(&sns.db, &sns.mac, &name.topic).await?;
    let shown = subscription.shown(topic.as_ref()).into_iter();
    let attributes = shown.map(|(name, value)| (name.to_owned(), value)).collect();
    Ok(GetSubscriptionAttributesResponse { attributes: Some(attributes) })
}

pub(super) async fn set_subscription_attributes(
    sns: &Notifications,
    context: &RequestContext,
    input: SetSubscriptionAttributesInput,
) -> Result<Unit, Refusal> {
    let SetSubscriptionAttributesInput { subscription_arn, attribute_name, attribute_value } = input;
    let name = &SubscriptionName::named(context, &subscription_arn)?;
    let (attribute, value) = (&attribute_name, &attribute_value.unwrap_or_default());
    sns.db
        .transaction(|tx| {
            Box::pin(async move {
                let found = repo::subscriptions::load(tx, &sns.mac, &name.id).await?;
                let mut subscription =
                    sns.permit_subscription::<actions::SetSubscriptionAttributes>(context, name, found)?;
                if subscription.state == State::Deleted {
                    return Err(Refusal::no_such_subscription());
                }
                let protocol = subscription.protocol;
                subscription.attributes.set(protocol, attribute, value)?;
                repo::subscriptions::replace(tx, &sns.mac, &mut subscription).await?;
                Ok(repo::post(tx, context.draft()).await?)
            })
        })
        .await?;
    Ok(Unit)
}

pub(super) async fn list_subscriptions(
    sns: &Notifications,
    context: &RequestContext,
    input: ListSubscriptionsInput,
) -> Result<ListSubscriptionsResponse, Refusal> {
    let account = context.account();
    sns.authority.authorize::<actions::ListSubscriptions, _>(context, Everything(account))?;
    let after = paging::open(List::Subscriptions, input.next_token.as_deref())?;
    let owner = (account, context.region.name());
    let found = repo::subscriptions::list_of_owner(&sns.db, &sns.mac, owner, &after, PAGE + 1).await?;
    let (subscriptions, next_token) = page(List::Subscriptions, found);
    Ok(ListSubscriptionsResponse { subscriptions: Some(subscriptions), next_token })
}

pub(super) async fn list_subscriptions_by_topic(
    sns: &Notifications,
    context: &RequestContext,
    input: ListSubscriptionsByTopicInput,
) -> Result<ListSubscriptionsByTopicResponse, Refusal> {
    let name = TopicName::named(context, "TopicArn", &input.topic_arn)?;
    drop(sns.permitted_topic::<actions::ListSubscriptionsByTopic>(context, &name).await?);
    let after = paging::open(List::SubscriptionsByTopic, input.next_token.as_deref())?;
    let found = repo::subscriptions::list_of_topic(&sns.db, &sns.mac, &name, &after, PAGE + 1).await?;
    let (subscriptions, next_token) = page(List::SubscriptionsByTopic, found);
    Ok(ListSubscriptionsByTopicResponse { subscriptions: Some(subscriptions), next_token })
}

/// A page of what was found, and what leads on if more was.
fn page(list: List, mut found: Vec<Subscription>) -> (Vec<ShownSubscription>, Option<String>) {
    let is_more = found.len() > PAGE;
    found.truncate(PAGE);
    let next = found.last().filter(|_| is_more).map(|last| paging::close(list, &last.name.id));
    let shown = |subscription: Subscription| ShownSubscription {
        subscription_arn: Some(subscription.shown_arn()),
        owner: Some(subscription.owner.to_string()),
        protocol: Some(subscription.protocol.as_str().to_owned()),
        topic_arn: Some(subscription.name.topic.to_string()),
        endpoint: Some(subscription.endpoint),
    };
    (found.into_iter().map(shown).collect(), next)
}

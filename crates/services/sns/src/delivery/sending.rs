//! One delivery: made, tried again, or given up.

use strongroom_crypto::random;

use super::links;
use super::pace::Pace;
use super::waiting::Opened;
use crate::Notifications;
use crate::carrier::{Mail, Undelivered};
use crate::domain::delivery_policy::{CONTENT_TYPE, Delivery as Policy};
use crate::domain::message::Message;
use crate::domain::notification::{Kind, Notification};
use crate::domain::subscription::{Protocol, State, Subscription};
use crate::domain::topic::Topic;
use crate::error::Refusal;
use crate::events;
use crate::measures::Metric;
use crate::repo::deliveries::{self, Delivery};
use crate::repo::messages::{self, Waiting};
use crate::repo::subscriptions;

/// What requests say they come from (SNS Developer Guide, "HTTP/HTTPS headers").
const AGENT: &str = "Amazon Simple Notification Service Agent";

/// Who mails come from where the topic has no display name, and what those are about that have no subject.
const SENDER: &str = "AWS Notifications";
const SUBJECT: &str = "AWS Notification Message";
const CONFIRMATION_SUBJECT: &str = "AWS Notification - Subscription Confirmation";
const END_SUBJECT: &str = "AWS Notification - Unsubscribe Confirmation";

/// How long a delivery waits that could not be made for reasons of ours, in milliseconds.
const OURS_MS: i64 = 20_000;

/// What came of an attempt.
enum Outcome {
    /// The endpoint has it.
    Delivered,
    /// There is nobody any more to deliver it to.
    Gone,
    /// Too much was sent in this second: later, after so many milliseconds.
    TooFast(i64),
    /// The endpoint does not have it.
    Failed(Undelivered, Policy, Protocol),
}

/// All that an attempt needs.
struct Attempt<'a> {
    delivery: &'a Delivery,
    subscription: Subscription,
    topic: Topic,
    waiting: Waiting,
    policy: Policy,
}

impl Notifications {
    /// Makes a delivery that is leased, and sees to it whatever comes of it.
    pub(super) async fn deliver(&self, pace: &Pace, delivery: Delivery) {
        let done = match self.attempt(pace, &delivery).await {
            Ok(outcome) => self.see_to(&delivery, outcome).await,
            // A failure of ours is none of the endpoint's.
            Err(refusal) => {
                let error = refusal.into_cause();
                let subscription = delivery.subscription.to_string();
                tracing::warn!(subscription, %error, "a message could not be delivered now");
                let due_ms = self.clocks.domain_now().saturating_add(OURS_MS);
                let put_off = deliveries::put_off(&self.db, &delivery, delivery.failures, due_ms).await;
                put_off.map_err(Refusal::from)
            }
        };
        if let Err(refusal) = done {
            // The lease runs out, and it is made again.
            let error = refusal.into_cause();
            tracing::warn!(%error, "what came of a delivery could not be noted");
        }
    }

    async fn attempt(&self, pace: &Pace, delivery: &Delivery) -> Result<Outcome, Refusal> {
        let name = &delivery.subscription;
        let Some(waiting) = messages::find(&self.db, &name.topic, &delivery.message_id).await? else {
            return Ok(Outcome::Gone);
        };
        let found = subscriptions::find(&self.db, &self.mac, &name.id).await?;
        let wanted = |found: &Subscription| {
            found.name == *name
                && match waiting.kind {
                    Kind::Notification => found.state == State::Confirmed,
                    Kind::SubscriptionConfirmation => found.state == State::Pending,
                    Kind::UnsubscribeConfirmation => found.state == State::Deleted,
                }
        };
        let Some(subscription) = found.filter(wanted) else { return Ok(Outcome::Gone) };
        let Some(topic) = self.topic_of(&name.topic).await? else { return Ok(Outcome::Gone) };
        let policy = subscription.delivery(&topic.delivery());
        if let Some(most) = policy.most_per_second
            && let Err(wait_ms) = pace.admit(&name.id, most, self.clocks.real_now())
        {
            return Ok(Outcome::TooFast(wait_ms));
        }
        let opened = match self.open_body(&name.topic, &delivery.message_id, &waiting).await {
            Ok(opened) => opened,
            // KMS refuses, and may do so until the message is given up.
            Err(Refusal::Modelled(_, text)) => {
                let protocol = subscription.protocol;
                return Ok(Outcome::Failed(Undelivered::for_now(text), policy, protocol));
            }
            Err(other) => return Err(other),
        };
        let attempt = Attempt { delivery, subscription, topic, waiting, policy };
        match self.send(&attempt, &opened).await? {
            Ok(()) => Ok(Outcome::Delivered),
            Err(undelivered) => {
                Ok(Outcome::Failed(undelivered, attempt.policy, attempt.subscription.protocol))
            }
        }
    }

    async fn see_to(&self, delivery: &Delivery, outcome: Outcome) -> Result<(), Refusal> {
        let topic = &delivery.subscription.topic;
        match outcome {
            Outcome::Gone => self.take_off_alone(delivery).await,
            Outcome::Delivered => {
                self.take_off_alone(delivery).await?;
                self.measure(topic, Metric::NumberOfNotificationsDelivered);
                Ok(())
            }
            Outcome::TooFast(wait_ms) => {
                let due_ms = self.clocks.domain_now().saturating_add(wait_ms);
                Ok(deliveries::put_off(&self.db, delivery, delivery.failures, due_ms).await?)
            }
            Outcome::Failed(undelivered, policy, protocol) => {
                let failures = delivery.failures.saturating_add(1);
                let delay_ms = policy.retries.delay_ms(failures).filter(|_| !undelivered.is_permanent);
                if let Some(delay_ms) = delay_ms {
                    let due_ms = self.clocks.domain_now().saturating_add(delay_ms);
                    return Ok(deliveries::put_off(&self.db, delivery, failures, due_ms).await?);
                }
                let tried = Delivery { failures, ..delivery.clone() };
                self.give_up(&tried, protocol, &undelivered.text).await?;
                self.measure(topic, Metric::NumberOfNotificationsFailed);
                Ok(())
            }
        }
    }

    async fn take_off_alone(&self, delivery: &Delivery) -> Result<(), Refusal> {
        let taken = self.db.transaction(|tx| Box::pin(async move { Self::take_off(tx, delivery).await }));
        taken.await.map(drop)
    }

    /// Gives a delivery up, with a record of it.
    async fn give_up(&self, delivery: &Delivery, protocol: Protocol, why: &str) -> Result<(), Refusal> {
        let event_id = random::bytes().map_err(|error| Refusal::Internal(error.into()))?;
        let record = events::abandoned(delivery, protocol, why, self.clocks.domain_now(), event_id);
        let draft = &self.outbox.draft(&record);
        let given_up = self.db.transaction(|tx| {
            Box::pin(async move {
                let was_there = Self::take_off(tx, delivery).await?;
                if was_there {
                    crate::repo::post(tx, Some(draft)).await?;
                }
                Ok::<_, Refusal>(was_there)
            })
        });
        if given_up.await?
            && let Err(error) = self.outbox.record(record, true).await
        {
            tracing::warn!(%error, "the record of a message that was given up is still to be written");
        }
        Ok(())
    }

    /// Sends what an attempt is about. The outer error is a failure of ours.
    async fn send(&self, attempt: &Attempt<'_>, opened: &Opened) -> Result<Result<(), Undelivered>, Refusal> {
        let Attempt { delivery, subscription, topic, waiting, .. } = attempt;
        let name = &subscription.name;
        let told;
        let (message, token) = match opened {
            Opened::Message(message) => (message, None),
            Opened::Token(token) => {
                told = Message::with_text(&confirmation_text(waiting.kind, subscription));
                (&told, Some(token.as_str()))
            }
        };
        let link = match token {
            Some(token) => links::confirmation(&self.public_url, &name.topic, token),
            None => links::end(&self.public_url, name),
        };
        let notification = Notification {
            kind: waiting.kind,
            message_id: &delivery.message_id,
            topic_arn: name.topic.to_string(),
            subject: message.subject.as_deref(),
            message: message.text_for(subscription.protocol),
            published_ms: waiting.published_ms,
            token,
            link,
            attributes: &message.attributes,
        };
        if subscription.protocol == Protocol::Email {
            return Ok(self.carrier.mail(mail(&notification, subscription, topic)).await);
        }
        let is_raw = waiting.kind == Kind::Notification && subscription.attributes.is_raw();
        let body =
            if is_raw { notification.message.to_owned() } else { self.signed(topic, &notification).await? };
        if subscription.protocol == Protocol::EmailJson {
            let mail = Mail { text: body, ..mail(&notification, subscription, topic) };
            return Ok(self.carrier.mail(mail).await);
        }
        let headers = headers(attempt, is_raw);
        let answered = self.carrier.post(&subscription.endpoint, headers, body.into_bytes()).await;
        Ok(answered.and_then(judge))
    }

    async fn signed(&self, topic: &Topic, notification: &Notification<'_>) -> Result<String, Refusal> {
        let signer = self.signers.current().await?;
        let version = topic.signature_version();
        let signature = signer.sign(version, &notification.signed_text());
        let signature = signature.map_err(|error| Refusal::Internal(error.into()))?;
        let certificate_url = format!("{}{}", self.public_url, signer.path());
        Ok(notification.envelope(version, &signature, &certificate_url))
    }
}

/// What an HTTP status means (SNS Developer Guide, "Amazon SNS message delivery retries"): who answers with a fault of his own
/// is asked again, who refuses is not.
fn judge(status: u16) -> Result<(), Undelivered> {
    let text = format!("the endpoint answers with the HTTP status {status}");
    match status {
        200..=299 => Ok(()),
        429 | 500..=599 => Err(Undelivered::for_now(text)),
        _ => Err(Undelivered::for_good(text)),
    }
}

/// The headers of a request (SNS Developer Guide, "HTTP/HTTPS headers").
fn headers(attempt: &Attempt<'_>, is_raw: bool) -> Vec<(&'static str, String)> {
    let Attempt { delivery, subscription, waiting, policy, .. } = attempt;
    let mut headers = vec![
        ("x-amz-sns-message-type", waiting.kind.as_str().to_owned()),
        ("x-amz-sns-message-id", delivery.message_id.clone()),
        ("x-amz-sns-topic-arn", subscription.name.topic.to_string()),
    ];
    if waiting.kind != Kind::SubscriptionConfirmation {
        headers.push(("x-amz-sns-subscription-arn", subscription.name.to_string()));
    }
    if is_raw {
        headers.push(("x-amz-sns-rawdelivery", "true".to_owned()));
    }
    headers.push(("content-type", policy.content_type.clone().unwrap_or_else(|| CONTENT_TYPE.to_owned())));
    headers.push(("user-agent", AGENT.to_owned()));
    headers
}

/// What a confirmation says.
fn confirmation_text(kind: Kind, subscription: &Subscription) -> String {
    let Subscription { name, .. } = subscription;
    if kind == Kind::UnsubscribeConfirmation {
        return format!(
            "You have chosen to deactivate subscription {name}.\nTo cancel this operation and restore the subscription, visit \
             the SubscribeURL included in this message."
        );
    }
    format!(
        "You have chosen to subscribe to the topic {}.\nTo confirm the subscription, visit the SubscribeURL included in this \
         message.",
        name.topic
    )
}

/// A mail for people. Texts: mails of AWS, quoted in public.
fn mail(notification: &Notification<'_>, subscription: &Subscription, topic: &Topic) -> Mail {
    let link = &notification.link;
    let topic_arn = &notification.topic_arn;
    let (subject, text) = match notification.kind {
        Kind::Notification => (
            notification.subject.unwrap_or(SUBJECT),
            format!(
                "{}\n\n--\nIf you wish to stop receiving notifications from this topic, please click or visit the link \
                 below to unsubscribe:\n{link}\n",
                notification.message
            ),
        ),
        Kind::SubscriptionConfirmation => (
            CONFIRMATION_SUBJECT,
            format!(
                "You have chosen to subscribe to the topic:\n{topic_arn}\n\nTo confirm this subscription, click or visit \
                 the link below (If this was in error no action is necessary):\n{link}\n"
            ),
        ),
        Kind::UnsubscribeConfirmation => (
            END_SUBJECT,
            format!(
                "Your subscription to the topic below has been deactivated:\n{topic_arn}\n\nIf this was in error, click or \
                 visit the link below to restore it:\n{link}\n"
            ),
        ),
    };
    let display_name = topic.attributes.display_name.clone().unwrap_or_default();
    let from_name = if display_name.is_empty() { SENDER.to_owned() } else { display_name };
    Mail { from_name, to: subscription.endpoint.clone(), subject: subject.to_owned(), text }
}

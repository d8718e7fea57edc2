//! What is put down to be delivered.

use strongroom_api_sns::actions;
use strongroom_identity::RequestContext;
use strongroom_store::Tx;

use crate::Notifications;
use crate::domain::filter::FilterPolicy;
use crate::domain::message::Message;
use crate::domain::names::{TopicName, new_id};
use crate::domain::notification::Kind;
use crate::domain::subscription::{State, Subscription};
use crate::error::Refusal;
use crate::measures::{MeasuredTopic, Metric};
use crate::repo::messages::Waiting;
use crate::repo::{self, deliveries, messages, subscriptions, topics};

/// Deliveries that are put down in one go, which all services' writers wait for: those of one message to a topic that is full.
/// Of a batch that makes more, the last entries are refused.
const MOST_AT_ONCE: usize = 10_000;

/// Subscriptions that are read at once.
const BATCH: usize = 500;

/// How often a topic's key may change while a message is published.
const ATTEMPTS: u32 = 3;

/// The first byte of a message's body: as it is, or encrypted under the topic's key.
const PLAIN: u8 = 0;
const ENCRYPTED: u8 = 1;

/// What is in a body.
pub(super) enum Opened {
    Message(Message),
    /// The token of a confirmation.
    Token(String),
}

/// A message that is being published.
struct Published {
    id: String,
    sealed: Vec<u8>,
    /// Subscriptions, by their ids.
    to: Vec<String>,
    kept_back: u32,
    size: usize,
}

/// What a body is sealed as, by account, Region and topic.
pub(crate) fn bound_to([account, region, topic]: [&str; 3], message_id: &str) -> Vec<u8> {
    format!("sns message\0{account}\0{region}\0{topic}\0{message_id}").into_bytes()
}

impl Notifications {
    /// Puts messages down for all who want them, and answers their ids: fewer ids than messages if the last were too many.
    /// `make` is asked for them once it is known that the caller may publish.
    pub(crate) async fn publish_to(
        &self,
        context: &RequestContext,
        name: &TopicName,
        make: impl FnOnce() -> Result<Vec<Message>, Refusal> + Send,
    ) -> Result<Vec<String>, Refusal> {
        let topic = self.permitted_topic::<actions::Publish>(context, name).await?.into_resource();
        let made = make()?;
        let mut key = topic.attributes.key;
        for _ in 0..ATTEMPTS {
            let published = self.prepare(context, name, key.as_deref(), &made).await?;
            let number = published.iter().map(|message| message.to.len()).sum();
            let _admitted = self.admit(context, name.account, number).await?;
            match self.put_down(context, name, key.as_deref(), &published).await? {
                None => {
                    self.nudge.notify_one();
                    self.measure_published(name, &published, context.now_ms);
                    return Ok(published.into_iter().map(|message| message.id).collect());
                }
                Some(other) => key = other,
            }
        }
        Err(Refusal::Unavailable("the topic's key changes all the time".into()))
    }

    /// Seals messages, and finds out who wants them.
    async fn prepare(
        &self,
        context: &RequestContext,
        name: &TopicName,
        key: Option<&str>,
        made: &[Message],
    ) -> Result<Vec<Published>, Refusal> {
        let encryption = match key {
            Some(key) => Some(self.encryption.sealer(context, name, key).await?),
            None => None,
        };
        let mut published = Vec::with_capacity(made.len());
        for message in made {
            let id = new_id()?;
            // A message is texts.
            let json = serde_json::to_vec(message).map_err(|error| Refusal::Internal(error.into()))?;
            let body = match &encryption {
                Some(sealer) => [&[ENCRYPTED], sealer.seal(name, &id, &json)?.as_slice()].concat(),
                None => [&[PLAIN], json.as_slice()].concat(),
            };
            let sealed = self.seal_body(name, &id, &body)?;
            published.push(Published { id, sealed, to: Vec::new(), kept_back: 0, size: json.len() });
        }
        let mut after = String::new();
        loop {
            let batch = subscriptions::list_of_topic(&self.db, &self.mac, name, &after, BATCH).await?;
            let whole = batch.len() == BATCH;
            let Some(last) = batch.last() else { break };
            after.clone_from(&last.name.id);
            for subscription in batch.iter().filter(|known| known.state == State::Confirmed) {
                let filter = subscription.attributes.filter();
                for (message, published) in made.iter().zip(&mut published) {
                    if wants(subscription, filter.as_ref(), message) {
                        published.to.push(subscription.name.id.clone());
                    } else {
                        published.kept_back += 1;
                    }
                }
            }
            if !whole {
                break;
            }
        }
        let mut number = 0_usize;
        let fits = |message: &Published| {
            number = number.saturating_add(message.to.len());
            number <= MOST_AT_ONCE
        };
        let fitting = published.iter().map(fits).take_while(|fits| *fits).count();
        published.truncate(fitting.max(1));
        Ok(published)
    }

    /// Commits messages with their deliveries, if the topic still has the key that they are encrypted with; if not, answers
    /// which it has.
    async fn put_down(
        &self,
        context: &RequestContext,
        name: &TopicName,
        key: Option<&str>,
        published: &[Published],
    ) -> Result<Option<Option<String>>, Refusal> {
        self.db
            .transaction(|tx| {
                Box::pin(async move {
                    let topic = self.load_permitted::<actions::Publish>(tx, context, name).await?;
                    if topic.attributes.key.as_deref() != key {
                        return Ok(Some(topic.attributes.key));
                    }
                    for Published { id, sealed, to, .. } in published.iter().filter(|one| !one.to.is_empty())
                    {
                        let kind = Kind::Notification;
                        let message = Waiting { kind, published_ms: context.now_ms, sealed: sealed.clone() };
                        messages::insert(tx, name, id, &message).await?;
                        deliveries::insert_all(tx, name, to, id, context.now_ms).await?;
                    }
                    repo::post(tx, context.draft()).await?;
                    Ok::<_, Refusal>(None)
                })
            })
            .await
    }

    /// Puts down that whoever has an endpoint is asked to confirm something. What he was asked before is asked no more.
    pub(crate) async fn ask_to_confirm(
        &self,
        tx: &mut Tx<'_>,
        subscription: &Subscription,
        kind: Kind,
        token: &str,
        now_ms: i64,
    ) -> Result<(), Refusal> {
        let (topic, id) = (&subscription.name.topic, new_id()?);
        deliveries::delete_of_subscription(tx, &subscription.name).await?;
        let sealed = self.seal_body(topic, &id, &[&[PLAIN], token.as_bytes()].concat())?;
        messages::insert(tx, topic, &id, &Waiting { kind, published_ms: now_ms, sealed }).await?;
        Ok(deliveries::insert(tx, &subscription.name, &id, now_ms).await?)
    }

    fn seal_body(&self, topic: &TopicName, id: &str, body: &[u8]) -> Result<Vec<u8>, Refusal> {
        let account = topic.account.to_string();
        Ok(self.sealer.seal(&bound_to([&account, topic.region, &topic.name], id), body)?)
    }

    /// Opens a message that waits. One of an encrypted topic is asked KMS for.
    pub(super) async fn open_body(
        &self,
        topic: &TopicName,
        id: &str,
        waiting: &Waiting,
    ) -> Result<Opened, Refusal> {
        let account = topic.account.to_string();
        let aad = bound_to([&account, topic.region, &topic.name], id);
        let body = self.sealer.open(&aad, &waiting.sealed)?;
        let bad = || Refusal::Internal("a message that waits has no proper form".into());
        let (form, rest) = body.expose().split_first().ok_or_else(bad)?;
        let read = |json: &[u8]| {
            let message = serde_json::from_slice(json).map_err(|error| Refusal::Internal(error.into()))?;
            Ok(Opened::Message(message))
        };
        match (waiting.kind, *form) {
            (Kind::Notification, PLAIN) => read(rest),
            (Kind::Notification, ENCRYPTED) => read(self.encryption.open(topic, id, rest).await?.expose()),
            (_, PLAIN) => Ok(Opened::Token(str::from_utf8(rest).map_err(|_| bad())?.to_owned())),
            _ => Err(bad()),
        }
    }

    /// Removes a delivery that is done, and its message if it was the last. Answers whether it was still there.
    pub(super) async fn take_off(tx: &mut Tx<'_>, delivery: &deliveries::Delivery) -> Result<bool, Refusal> {
        let was_there = deliveries::delete(tx, delivery).await?;
        messages::delete_done(tx, &delivery.subscription.topic, &delivery.message_id).await?;
        Ok(was_there)
    }

    fn measure_published(&self, name: &TopicName, published: &[Published], at_ms: i64) {
        let Some(measures) = self.measures.get() else { return };
        let topic = MeasuredTopic { account: name.account, region: name.region, name: &name.name };
        for message in published {
            measures.count(&topic, Metric::NumberOfMessagesPublished, 1.0, at_ms);
            measures.count(&topic, Metric::PublishSize, message.size as f64, at_ms);
            if message.kept_back > 0 {
                let kept_back = f64::from(message.kept_back);
                measures.count(&topic, Metric::NumberOfNotificationsFilteredOut, kept_back, at_ms);
            }
        }
    }

    /// Counts what became of a delivery.
    pub(super) fn measure(&self, name: &TopicName, metric: Metric) {
        if let Some(measures) = self.measures.get() {
            let topic = MeasuredTopic { account: name.account, region: name.region, name: &name.name };
            measures.count(&topic, metric, 1.0, self.clocks.domain_now());
        }
    }

    /// The topic of a delivery.
    pub(super) async fn topic_of(
        &self,
        name: &TopicName,
    ) -> Result<Option<crate::domain::topic::Topic>, Refusal> {
        Ok(topics::find(&self.db, &self.mac, name).await?)
    }
}

/// Whether a subscription wants a message.
fn wants(subscription: &Subscription, filter: Option<&FilterPolicy>, message: &Message) -> bool {
    filter.is_none_or(|filter| filter.admits(message, message.text_for(subscription.protocol)))
}

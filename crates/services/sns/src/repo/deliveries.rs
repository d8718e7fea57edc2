//! Rows of deliveries that are to be made: which message to which subscription, and when. A server that works on one has it
//! for a while of real time; what it has not finished by then is anybody's again.

use strongroom_store::{Db, Row, Statement, StoreError, Tx, Value};

use super::{messages, most, place, read_place, unreadable};
use crate::domain::names::{SubscriptionName, TopicName};

pub(super) const INSERT: Statement = Statement::new(
    "INSERT INTO sns_deliveries (account, region, topic, subscription_id, message_id, failures, due_ms, leased_until_ms) \
     VALUES ($1, $2, $3, $4, $5, 0, $6, 0)",
);
pub(super) const WAITING: Statement = Statement::new(
    "SELECT subscription_id, COUNT(*) AS waiting, MIN(due_ms) AS first_ms FROM sns_deliveries \
     GROUP BY subscription_id ORDER BY MIN(due_ms), subscription_id LIMIT $1",
);
pub(super) const LIST_DUE: Statement = Statement::new(
    "SELECT account, region, topic, subscription_id, message_id, failures, leased_until_ms FROM sns_deliveries \
     WHERE subscription_id = $1 AND due_ms <= $2 AND leased_until_ms <= $3 ORDER BY due_ms, message_id LIMIT $4",
);
pub(super) const LEASE: Statement = Statement::new(
    "UPDATE sns_deliveries SET leased_until_ms = $6 WHERE account = $1 AND region = $2 AND topic = $3 \
     AND subscription_id = $4 AND message_id = $5 AND leased_until_ms = $7",
);
pub(super) const PUT_OFF: Statement = Statement::new(
    "UPDATE sns_deliveries SET failures = $6, due_ms = $7, leased_until_ms = 0 WHERE account = $1 AND region = $2 \
     AND topic = $3 AND subscription_id = $4 AND message_id = $5 AND leased_until_ms = $8",
);
pub(super) const DELETE: Statement = Statement::new(
    "DELETE FROM sns_deliveries WHERE account = $1 AND region = $2 AND topic = $3 AND subscription_id = $4 \
     AND message_id = $5",
);
pub(super) const DELETE_OF_TOPIC: Statement =
    Statement::new("DELETE FROM sns_deliveries WHERE account = $1 AND region = $2 AND topic = $3");
pub(super) const DELETE_OF_SUBSCRIPTION: Statement =
    Statement::new("DELETE FROM sns_deliveries WHERE subscription_id = $1");
pub(super) const RELEASE_ALL: Statement =
    Statement::new("UPDATE sns_deliveries SET leased_until_ms = 0 WHERE leased_until_ms > 0");

/// A delivery that is to be made.
#[derive(Clone, Debug)]
pub(crate) struct Delivery {
    pub(crate) subscription: SubscriptionName,
    pub(crate) message_id: String,
    /// How often it was tried in vain.
    pub(crate) failures: u32,
    /// Until when somebody has it: real time.
    pub(crate) leased_until_ms: i64,
}

/// What waits for one subscription.
pub(crate) struct Queue {
    pub(crate) subscription_id: String,
    pub(crate) waiting: i64,
    pub(crate) first_ms: i64,
}

impl Delivery {
    fn name(&self) -> Vec<Value> {
        let [account, region, topic] = place(&self.subscription.topic);
        vec![account, region, topic, Value::from(&self.subscription.id), Value::from(&self.message_id)]
    }

    fn read(row: &Row) -> Result<Self, StoreError> {
        let failures = u32::try_from(row.i64("failures")?);
        Ok(Self {
            subscription: SubscriptionName {
                topic: read_place(row, "topic")?,
                id: row.text("subscription_id")?,
            },
            message_id: row.text("message_id")?,
            failures: failures.map_err(|error| unreadable("failures", error))?,
            leased_until_ms: row.i64("leased_until_ms")?,
        })
    }
}

/// Adds a delivery.
pub(crate) async fn insert(
    tx: &mut Tx<'_>,
    subscription: &SubscriptionName,
    message_id: &str,
    due_ms: i64,
) -> Result<(), StoreError> {
    let [account, region, topic] = place(&subscription.topic);
    let values = [account, region, topic, Value::from(&subscription.id), message_id.into(), due_ms.into()];
    tx.execute(INSERT, &values).await.map(drop)
}

/// What waits, for at most `limit` subscriptions: those first whose first delivery has waited longest.
pub(crate) async fn waiting(db: &Db, limit: usize) -> Result<Vec<Queue>, StoreError> {
    let rows = db.query(WAITING, &[most(limit)]).await?;
    let read = |row: &Row| {
        Ok(Queue {
            subscription_id: row.text("subscription_id")?,
            waiting: row.i64("waiting")?,
            first_ms: row.i64("first_ms")?,
        })
    };
    rows.iter().map(read).collect()
}

/// At most `limit` deliveries to a subscription that are due and that nobody has.
pub(crate) async fn list_due(
    db: &Db,
    subscription_id: &str,
    (domain_ms, real_ms): (i64, i64),
    limit: usize,
) -> Result<Vec<Delivery>, StoreError> {
    let values = [subscription_id.into(), domain_ms.into(), real_ms.into(), most(limit)];
    db.query(LIST_DUE, &values).await?.iter().map(Delivery::read).collect()
}

/// Takes a delivery until a moment of real time; not if somebody else was faster.
pub(crate) async fn lease(db: &Db, delivery: &mut Delivery, until_ms: i64) -> Result<bool, StoreError> {
    let mut values = delivery.name();
    values.extend([until_ms.into(), delivery.leased_until_ms.into()]);
    let taken = db.execute(LEASE, &values).await? == 1;
    delivery.leased_until_ms = until_ms;
    Ok(taken)
}

/// Puts a delivery off that is still one's own.
pub(crate) async fn put_off(
    db: &Db,
    delivery: &Delivery,
    failures: u32,
    due_ms: i64,
) -> Result<(), StoreError> {
    let mut values = delivery.name();
    values.extend([failures.into(), due_ms.into(), delivery.leased_until_ms.into()]);
    db.execute(PUT_OFF, &values).await.map(drop)
}

/// Removes a delivery; not if it is gone already.
pub(crate) async fn delete(tx: &mut Tx<'_>, delivery: &Delivery) -> Result<bool, StoreError> {
    Ok(tx.execute(DELETE, &delivery.name()).await? == 1)
}

/// Removes all deliveries of a topic.
pub(crate) async fn delete_of_topic(tx: &mut Tx<'_>, topic: &TopicName) -> Result<(), StoreError> {
    tx.execute(DELETE_OF_TOPIC, &place(topic)).await.map(drop)
}

/// Removes all deliveries to a subscription, and the messages of which they were the last.
pub(crate) async fn delete_of_subscription(
    tx: &mut Tx<'_>,
    name: &SubscriptionName,
) -> Result<(), StoreError> {
    tx.execute(DELETE_OF_SUBSCRIPTION, &[Value::from(&name.id)]).await?;
    messages::delete_all_done(tx, &name.topic).await
}

/// Gives back what a process that is gone has had, where no other works on the store.
pub(crate) async fn release_all(db: &Db) -> Result<(), StoreError> {
    db.execute(RELEASE_ALL, &[]).await.map(drop)
}

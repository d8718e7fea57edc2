//! Rows of deliveries that are to be made: which message to which subscription, and when. A server that works on one has it
//! for a while of real time; what it has not finished by then is anybody's again.

use strongroom_identity::AccountId;
use strongroom_store::{Db, Row, Statement, StoreError, Tx, Value};

use super::{messages, most, place, read_place, unreadable};
use crate::domain::names::{SubscriptionName, TopicName};

pub(super) const INSERT: Statement = Statement::new(
    "INSERT INTO sns_deliveries (account, region, topic, subscription_id, message_id, failures, due_ms, leased_until_ms) \
     VALUES ($1, $2, $3, $4, $5, 0, $6, 0)",
);
/// As [`INSERT`], for [`MANY`] subscriptions of one topic.
pub(super) const INSERT_MANY: Statement = Statement::new(
    "INSERT INTO sns_deliveries (account, region, topic, subscription_id, message_id, failures, due_ms, leased_until_ms) \
     SELECT CAST($1 AS TEXT), CAST($2 AS TEXT), CAST($3 AS TEXT), wanted.column1, CAST($4 AS TEXT), 0, CAST($5 AS BIGINT), 0 \
     FROM (VALUES \
     ($6), ($7), ($8), ($9), ($10), ($11), ($12), ($13), ($14), ($15), ($16), ($17), ($18), ($19), ($20), \
     ($21), ($22), ($23), ($24), ($25), ($26), ($27), ($28), ($29), ($30), ($31), ($32), ($33), ($34), ($35), \
     ($36), ($37), ($38), ($39), ($40), ($41), ($42), ($43), ($44), ($45), ($46), ($47), ($48), ($49), ($50), \
     ($51), ($52), ($53), ($54), ($55)) AS wanted",
);
/// No more is read than says that there is too much.
pub(super) const COUNT: Statement = Statement::new(
    "SELECT COUNT(*) AS found FROM (SELECT 1 FROM sns_deliveries WHERE account = $1 LIMIT $2) AS some_of_them",
);
/// Steps from account to account along an index, as QUEUES does from subscription to subscription: what waits is not read.
pub(super) const ACCOUNTS: Statement = Statement::new(
    "WITH RECURSIVE accounts (account) AS (SELECT MIN(account) FROM sns_deliveries UNION ALL \
     SELECT (SELECT MIN(further.account) FROM sns_deliveries AS further WHERE further.account > accounts.account) \
     FROM accounts WHERE accounts.account IS NOT NULL) \
     SELECT account FROM accounts WHERE account IS NOT NULL LIMIT $1",
);
pub(super) const QUEUES: Statement = Statement::new(
    "WITH RECURSIVE queues (subscription_id) AS (SELECT MIN(subscription_id) FROM sns_deliveries WHERE account = $1 UNION ALL \
     SELECT (SELECT MIN(further.subscription_id) FROM sns_deliveries AS further \
     WHERE further.account = $1 AND further.subscription_id > queues.subscription_id) \
     FROM queues WHERE queues.subscription_id IS NOT NULL) \
     SELECT subscription_id, first_ms FROM (SELECT queues.subscription_id, (SELECT MIN(due_ms) FROM sns_deliveries AS of_it \
     WHERE of_it.account = $1 AND of_it.subscription_id = queues.subscription_id) AS first_ms \
     FROM queues WHERE queues.subscription_id IS NOT NULL) AS found ORDER BY first_ms, subscription_id LIMIT $2",
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

/// Subscriptions that INSERT_MANY names.
const MANY: usize = 50;

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

/// Adds deliveries of one message to subscriptions of one topic, many at a time.
pub(crate) async fn insert_all(
    tx: &mut Tx<'_>,
    topic: &TopicName,
    subscription_ids: &[String],
    message_id: &str,
    due_ms: i64,
) -> Result<(), StoreError> {
    let (many, rest) = subscription_ids.as_chunks::<MANY>();
    for ids in many {
        let mut values: Vec<Value> = place(topic).into();
        values.extend([message_id.into(), due_ms.into()]);
        values.extend(ids.iter().map(Value::from));
        tx.execute(INSERT_MANY, &values).await?;
    }
    for id in rest {
        let name = SubscriptionName { topic: topic.clone(), id: id.clone() };
        insert(tx, &name, message_id, due_ms).await?;
    }
    Ok(())
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

/// How many deliveries of an account wait; `enough` if there are more.
pub(crate) async fn count(db: &Db, account: AccountId, enough: i64) -> Result<i64, StoreError> {
    db.query_one(COUNT, &[account.to_string().into(), enough.into()]).await?.i64("found")
}

/// At most `limit` accounts of which deliveries wait.
pub(crate) async fn accounts(db: &Db, limit: usize) -> Result<Vec<AccountId>, StoreError> {
    db.query(ACCOUNTS, &[most(limit)]).await?.iter().map(|row| row.parse("account")).collect()
}

/// What waits of an account, for at most `limit` subscriptions: those first whose first delivery has waited longest.
pub(crate) async fn queues(db: &Db, account: AccountId, limit: usize) -> Result<Vec<Queue>, StoreError> {
    let rows = db.query(QUEUES, &[account.to_string().into(), most(limit)]).await?;
    let read = |row: &Row| {
        Ok(Queue { subscription_id: row.text("subscription_id")?, first_ms: row.i64("first_ms")? })
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

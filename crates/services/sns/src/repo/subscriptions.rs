//! Rows of subscriptions.

use strongroom_identity::AccountId;
use strongroom_store::{AuthorityRow, Db, Row, RowMac, Statement, StoreError, Tx, Value};

use super::{most, place, read_place, unreadable};
use crate::domain::names::{SubscriptionName, TopicName};
use crate::domain::subscription::{Protocol, State, Subscription, TokenMark};

pub(super) const INSERT: Statement = Statement::new(
    "INSERT INTO sns_subscriptions (account, region, topic, subscription_id, version, created_ms, owner, principal, \
     protocol, endpoint, endpoint_digest, state, is_guarded, was_authenticated, attributes, token_digest, \
     token_until_ms, due_ms, mac) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)",
);
/// The version before comes last.
pub(super) const UPDATE: Statement = Statement::new(
    "UPDATE sns_subscriptions SET version = $5, created_ms = $6, owner = $7, principal = $8, protocol = $9, \
     endpoint = $10, endpoint_digest = $11, state = $12, is_guarded = $13, was_authenticated = $14, attributes = $15, \
     token_digest = $16, token_until_ms = $17, due_ms = $18, mac = $19 \
     WHERE account = $1 AND region = $2 AND topic = $3 AND subscription_id = $4 AND version = $20",
);
pub(super) const DELETE: Statement =
    Statement::new("DELETE FROM sns_subscriptions WHERE subscription_id = $1");
pub(super) const DELETE_OF_TOPIC: Statement =
    Statement::new("DELETE FROM sns_subscriptions WHERE account = $1 AND region = $2 AND topic = $3");
pub(super) const FIND_BY_ID: Statement = Statement::new(
    "SELECT account, region, topic, subscription_id, version, created_ms, owner, principal, protocol, endpoint, \
     endpoint_digest, state, is_guarded, was_authenticated, attributes, token_digest, token_until_ms, due_ms, mac \
     FROM sns_subscriptions WHERE subscription_id = $1",
);
pub(super) const FIND_BY_ENDPOINT: Statement = Statement::new(
    "SELECT account, region, topic, subscription_id, version, created_ms, owner, principal, protocol, endpoint, \
     endpoint_digest, state, is_guarded, was_authenticated, attributes, token_digest, token_until_ms, due_ms, mac \
     FROM sns_subscriptions WHERE account = $1 AND region = $2 AND topic = $3 AND endpoint_digest = $4",
);
pub(super) const LIST_OF_TOPIC: Statement = Statement::new(
    "SELECT account, region, topic, subscription_id, version, created_ms, owner, principal, protocol, endpoint, \
     endpoint_digest, state, is_guarded, was_authenticated, attributes, token_digest, token_until_ms, due_ms, mac \
     FROM sns_subscriptions WHERE account = $1 AND region = $2 AND topic = $3 AND subscription_id > $4 \
     ORDER BY subscription_id LIMIT $5",
);
pub(super) const LIST_OF_OWNER: Statement = Statement::new(
    "SELECT account, region, topic, subscription_id, version, created_ms, owner, principal, protocol, endpoint, \
     endpoint_digest, state, is_guarded, was_authenticated, attributes, token_digest, token_until_ms, due_ms, mac \
     FROM sns_subscriptions WHERE owner = $1 AND region = $2 AND subscription_id > $3 \
     ORDER BY subscription_id LIMIT $4",
);
pub(super) const LIST_DUE: Statement = Statement::new(
    "SELECT subscription_id, due_ms FROM sns_subscriptions WHERE due_ms IS NOT NULL \
     ORDER BY due_ms, subscription_id LIMIT $1",
);
pub(super) const COUNT: Statement = Statement::new(
    "SELECT state, COUNT(*) AS found FROM sns_subscriptions \
     WHERE account = $1 AND region = $2 AND topic = $3 GROUP BY state ORDER BY state",
);

impl AuthorityRow for Subscription {
    const TABLE: &'static str = "sns_subscriptions";

    fn columns(&self) -> Vec<(&'static str, Value)> {
        let [account, region, topic] = place(&self.name.topic);
        // A map of texts is JSON.
        let attributes = serde_json::to_string(&self.attributes).unwrap_or_default();
        let token = self.token.as_ref();
        vec![
            ("account", account),
            ("region", region),
            ("topic", topic),
            ("subscription_id", Value::from(&self.name.id)),
            ("version", self.version.into()),
            ("created_ms", self.created_ms.into()),
            ("owner", self.owner.to_string().into()),
            ("principal", Value::from(&self.principal)),
            ("protocol", self.protocol.as_str().into()),
            ("endpoint", Value::from(&self.endpoint)),
            ("endpoint_digest", self.endpoint_digest().into()),
            ("state", self.state.as_str().into()),
            ("is_guarded", self.is_guarded.into()),
            ("was_authenticated", self.was_authenticated.into()),
            ("attributes", attributes.into()),
            ("token_digest", token.map(|mark| mark.digest).into()),
            ("token_until_ms", token.map(|mark| mark.until_ms).into()),
            ("due_ms", self.due_ms().into()),
        ]
    }

    fn key(&self) -> String {
        self.name.to_string()
    }

    fn read(row: &Row) -> Result<Self, StoreError> {
        let name = SubscriptionName { topic: read_place(row, "topic")?, id: row.text("subscription_id")? };
        let protocol = Protocol::parse(&row.text("protocol")?);
        let state = State::parse(&row.text("state")?);
        let attributes = serde_json::from_str(&row.text("attributes")?);
        let token = match (row.opt_blob("token_digest")?, row.opt_i64("token_until_ms")?) {
            (Some(digest), Some(until_ms)) => {
                let digest = digest.try_into().map_err(|_| unreadable("token_digest", "no digest"))?;
                Some(TokenMark { digest, until_ms })
            }
            _ => None,
        };
        Ok(Self {
            name,
            version: row.i64("version")?,
            created_ms: row.i64("created_ms")?,
            owner: row.parse("owner")?,
            principal: row.text("principal")?,
            protocol: protocol.map_err(|_| unreadable("protocol", "no protocol"))?,
            endpoint: row.text("endpoint")?,
            state: state.ok_or_else(|| unreadable("state", "no state of a subscription"))?,
            is_guarded: row.flag("is_guarded")?,
            was_authenticated: row.flag("was_authenticated")?,
            attributes: attributes.map_err(|error| unreadable("attributes", error))?,
            token,
        })
    }
}

/// How many subscriptions a topic has in each state.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counts {
    pub(crate) pending: i64,
    pub(crate) confirmed: i64,
    pub(crate) deleted: i64,
}

/// When a subscription goes, and which.
pub(crate) struct DueRow {
    pub(crate) due_ms: i64,
    pub(crate) id: String,
}

/// Adds a subscription.
pub(crate) async fn insert(
    tx: &mut Tx<'_>,
    mac: &RowMac,
    subscription: &Subscription,
) -> Result<(), StoreError> {
    tx.execute(INSERT, &mac.values(subscription)).await.map(drop)
}

/// Writes a subscription that this transaction loaded.
pub(crate) async fn replace(
    tx: &mut Tx<'_>,
    mac: &RowMac,
    subscription: &mut Subscription,
) -> Result<(), StoreError> {
    let before = subscription.version;
    subscription.version += 1;
    let mut values = mac.values(subscription);
    values.push(before.into());
    tx.compare_and_set(UPDATE, &values).await
}

/// Removes a subscription.
pub(crate) async fn delete(tx: &mut Tx<'_>, id: &str) -> Result<(), StoreError> {
    tx.execute(DELETE, &[id.into()]).await.map(drop)
}

/// Removes all subscriptions of a topic.
pub(crate) async fn delete_of_topic(tx: &mut Tx<'_>, topic: &TopicName) -> Result<(), StoreError> {
    tx.execute(DELETE_OF_TOPIC, &place(topic)).await.map(drop)
}

/// The subscription of that id.
pub(crate) async fn find(db: &Db, mac: &RowMac, id: &str) -> Result<Option<Subscription>, StoreError> {
    let row = db.query_opt(FIND_BY_ID, &[id.into()]).await?;
    row.map(|row| load_by_id(mac, &row, id)).transpose()
}

/// The subscription of that id as this transaction sees it.
pub(crate) async fn load(
    tx: &mut Tx<'_>,
    mac: &RowMac,
    id: &str,
) -> Result<Option<Subscription>, StoreError> {
    let row = tx.query_opt(FIND_BY_ID, &[id.into()]).await?;
    row.map(|row| load_by_id(mac, &row, id)).transpose()
}

fn load_by_id(mac: &RowMac, row: &Row, id: &str) -> Result<Subscription, StoreError> {
    let subscription: Subscription = mac.load(row)?;
    if subscription.name.id == id {
        Ok(subscription)
    } else {
        Err(StoreError::Corrupt { table: Subscription::TABLE, key: id.to_owned() })
    }
}

/// The subscription of an endpoint to a topic, as this transaction sees it.
pub(crate) async fn load_by_endpoint(
    tx: &mut Tx<'_>,
    mac: &RowMac,
    topic: &TopicName,
    digest: [u8; 32],
) -> Result<Option<Subscription>, StoreError> {
    let values: Vec<Value> = place(topic).into_iter().chain([digest.into()]).collect();
    let Some(row) = tx.query_opt(FIND_BY_ENDPOINT, &values).await? else { return Ok(None) };
    let name = format!("{topic}:{}", row.text("subscription_id")?);
    mac.load_as(&row, &name).map(Some)
}

/// At most `limit` subscriptions of a topic whose ids come after `after`, in order.
pub(crate) async fn list_of_topic(
    db: &Db,
    mac: &RowMac,
    topic: &TopicName,
    after: &str,
    limit: usize,
) -> Result<Vec<Subscription>, StoreError> {
    let values: Vec<Value> = place(topic).into_iter().chain([after.into(), most(limit)]).collect();
    db.query(LIST_OF_TOPIC, &values).await?.iter().map(|row| mac.load(row)).collect()
}

/// At most `limit` subscriptions of an account whose ids come after `after`, in order.
pub(crate) async fn list_of_owner(
    db: &Db,
    mac: &RowMac,
    (owner, region): (AccountId, &str),
    after: &str,
    limit: usize,
) -> Result<Vec<Subscription>, StoreError> {
    let values = [owner.to_string().into(), region.into(), after.into(), most(limit)];
    db.query(LIST_OF_OWNER, &values).await?.iter().map(|row| mac.load(row)).collect()
}

/// The subscriptions that go soonest.
pub(crate) async fn list_due(db: &Db, limit: u32) -> Result<Vec<DueRow>, StoreError> {
    let rows = db.query(LIST_DUE, &[limit.into()]).await?;
    rows.iter()
        .map(|row| Ok(DueRow { due_ms: row.i64("due_ms")?, id: row.text("subscription_id")? }))
        .collect()
}

/// How many subscriptions a topic has.
pub(crate) async fn count(db: &Db, topic: &TopicName) -> Result<Counts, StoreError> {
    counts(&db.query(COUNT, &place(topic)).await?)
}

/// How many subscriptions a topic has, as this transaction sees them.
pub(crate) async fn count_in(tx: &mut Tx<'_>, topic: &TopicName) -> Result<Counts, StoreError> {
    counts(&tx.query(COUNT, &place(topic)).await?)
}

fn counts(rows: &[Row]) -> Result<Counts, StoreError> {
    let mut counts = Counts::default();
    for row in rows {
        let found = row.i64("found")?;
        match State::parse(&row.text("state")?) {
            Some(State::Pending) => counts.pending = found,
            Some(State::Confirmed) => counts.confirmed = found,
            Some(State::Deleted) => counts.deleted = found,
            None => return Err(unreadable("state", "no state of a subscription")),
        }
    }
    Ok(counts)
}

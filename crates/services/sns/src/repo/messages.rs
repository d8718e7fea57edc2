//! Rows of messages that wait to be delivered, sealed.

use strongroom_store::{Db, Statement, StoreError, Tx, Value};

use super::{place, unreadable};
use crate::domain::names::TopicName;
use crate::domain::notification::Kind;

pub(super) const INSERT: Statement = Statement::new(
    "INSERT INTO sns_messages (account, region, topic, message_id, kind, published_ms, body) \
     VALUES ($1, $2, $3, $4, $5, $6, $7)",
);
pub(super) const FIND: Statement = Statement::new(
    "SELECT kind, published_ms, body FROM sns_messages \
     WHERE account = $1 AND region = $2 AND topic = $3 AND message_id = $4",
);
/// Removes a message of which no delivery is left.
pub(super) const DELETE_DONE: Statement = Statement::new(
    "DELETE FROM sns_messages WHERE account = $1 AND region = $2 AND topic = $3 AND message_id = $4 \
     AND NOT EXISTS (SELECT 1 FROM sns_deliveries AS left_over WHERE left_over.account = $1 AND left_over.region = $2 \
     AND left_over.topic = $3 AND left_over.message_id = $4)",
);
/// Removes the messages of a topic of which no delivery is left.
pub(super) const DELETE_ALL_DONE: Statement = Statement::new(
    "DELETE FROM sns_messages WHERE account = $1 AND region = $2 AND topic = $3 \
     AND NOT EXISTS (SELECT 1 FROM sns_deliveries AS left_over WHERE left_over.account = $1 AND left_over.region = $2 \
     AND left_over.topic = $3 AND left_over.message_id = sns_messages.message_id)",
);
pub(super) const DELETE_OF_TOPIC: Statement =
    Statement::new("DELETE FROM sns_messages WHERE account = $1 AND region = $2 AND topic = $3");

/// A message that waits.
pub(crate) struct Waiting {
    pub(crate) kind: Kind,
    pub(crate) published_ms: i64,
    pub(crate) sealed: Vec<u8>,
}

/// Adds a message.
pub(crate) async fn insert(
    tx: &mut Tx<'_>,
    topic: &TopicName,
    id: &str,
    message: &Waiting,
) -> Result<(), StoreError> {
    let Waiting { kind, published_ms, sealed } = message;
    let values = place(topic).into_iter().chain([
        id.into(),
        kind.as_str().into(),
        (*published_ms).into(),
        Value::from(sealed),
    ]);
    tx.execute(INSERT, &values.collect::<Vec<_>>()).await.map(drop)
}

/// The message of that id.
pub(crate) async fn find(db: &Db, topic: &TopicName, id: &str) -> Result<Option<Waiting>, StoreError> {
    let values: Vec<Value> = place(topic).into_iter().chain([id.into()]).collect();
    let Some(row) = db.query_opt(FIND, &values).await? else { return Ok(None) };
    let kind = Kind::parse(&row.text("kind")?).ok_or_else(|| unreadable("kind", "no kind of message"))?;
    Ok(Some(Waiting { kind, published_ms: row.i64("published_ms")?, sealed: row.blob("body")? }))
}

/// Removes a message, unless deliveries of it are left.
pub(crate) async fn delete_done(tx: &mut Tx<'_>, topic: &TopicName, id: &str) -> Result<(), StoreError> {
    let values: Vec<Value> = place(topic).into_iter().chain([id.into()]).collect();
    tx.execute(DELETE_DONE, &values).await.map(drop)
}

/// Removes the messages of a topic of which no delivery is left.
pub(crate) async fn delete_all_done(tx: &mut Tx<'_>, topic: &TopicName) -> Result<(), StoreError> {
    tx.execute(DELETE_ALL_DONE, &place(topic)).await.map(drop)
}

/// Removes all messages of a topic.
pub(crate) async fn delete_of_topic(tx: &mut Tx<'_>, topic: &TopicName) -> Result<(), StoreError> {
    tx.execute(DELETE_OF_TOPIC, &place(topic)).await.map(drop)
}

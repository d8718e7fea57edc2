//! Rows of topics.

use strongroom_identity::AccountId;
use strongroom_policy::Bound;
use strongroom_store::{AuthorityRow, Db, Row, RowMac, Statement, StoreError, Tx, Value};

use super::{most, place, read_place, unreadable};
use crate::domain::names::TopicName;
use crate::domain::tags::Tags;
use crate::domain::topic::{GivenPolicy, Topic};

pub(super) const INSERT: Statement = Statement::new(
    "INSERT INTO sns_topics (account, region, name, version, created_ms, attributes, policy, policy_principals, tags, mac) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
);
/// The version before comes last.
pub(super) const UPDATE: Statement = Statement::new(
    "UPDATE sns_topics SET version = $4, created_ms = $5, attributes = $6, policy = $7, policy_principals = $8, tags = $9, mac = $10 \
     WHERE account = $1 AND region = $2 AND name = $3 AND version = $11",
);
pub(super) const DELETE: Statement =
    Statement::new("DELETE FROM sns_topics WHERE account = $1 AND region = $2 AND name = $3");
pub(super) const FIND: Statement = Statement::new(
    "SELECT account, region, name, version, created_ms, attributes, policy, policy_principals, tags, mac FROM sns_topics \
     WHERE account = $1 AND region = $2 AND name = $3",
);
pub(super) const LIST: Statement = Statement::new(
    "SELECT name FROM sns_topics WHERE account = $1 AND region = $2 AND name > $3 ORDER BY name LIMIT $4",
);
pub(super) const COUNT: Statement =
    Statement::new("SELECT COUNT(*) AS found FROM sns_topics WHERE account = $1 AND region = $2");

impl AuthorityRow for Topic {
    const TABLE: &'static str = "sns_topics";

    fn columns(&self) -> Vec<(&'static str, Value)> {
        let [account, region, name] = place(&self.name);
        // A map of texts is JSON.
        let attributes = serde_json::to_string(&self.attributes).unwrap_or_default();
        let policy = self.given_policy();
        vec![
            ("account", account),
            ("region", region),
            ("name", name),
            ("version", self.version.into()),
            ("created_ms", self.created_ms.into()),
            ("attributes", attributes.into()),
            ("policy", policy.map(|policy| policy.text.clone()).into()),
            ("policy_principals", policy.and_then(|policy| policy.bound.to_column()).into()),
            ("tags", self.tags.to_column().into()),
        ]
    }

    fn key(&self) -> String {
        self.name.to_string()
    }

    fn read(row: &Row) -> Result<Self, StoreError> {
        let attributes = serde_json::from_str(&row.text("attributes")?);
        let tags = Tags::from_column(row.opt_text("tags")?.as_deref());
        let bound = Bound::from_column(row.opt_text("policy_principals")?.as_deref());
        let bound = bound.ok_or_else(|| unreadable("policy_principals", "no bound principals"))?;
        let policy = row.opt_text("policy")?.map(|text| GivenPolicy { text, bound });
        Ok(Self::from_parts(
            read_place(row, "name")?,
            row.i64("version")?,
            row.i64("created_ms")?,
            attributes.map_err(|error| unreadable("attributes", error))?,
            policy,
            tags.map_err(|error| unreadable("tags", error))?,
        ))
    }
}

/// Adds a topic.
pub(crate) async fn insert(tx: &mut Tx<'_>, mac: &RowMac, topic: &Topic) -> Result<(), StoreError> {
    tx.execute(INSERT, &mac.values(topic)).await.map(drop)
}

/// Writes a topic that this transaction loaded.
pub(crate) async fn replace(tx: &mut Tx<'_>, mac: &RowMac, topic: &mut Topic) -> Result<(), StoreError> {
    let before = topic.version;
    topic.version += 1;
    let mut values = mac.values(topic);
    values.push(before.into());
    tx.compare_and_set(UPDATE, &values).await
}

/// Removes a topic without subscriptions.
pub(crate) async fn delete(tx: &mut Tx<'_>, name: &TopicName) -> Result<(), StoreError> {
    tx.execute(DELETE, &place(name)).await.map(drop)
}

/// The topic of that name.
pub(crate) async fn find(db: &Db, mac: &RowMac, name: &TopicName) -> Result<Option<Topic>, StoreError> {
    let row = db.query_opt(FIND, &place(name)).await?;
    row.map(|row| mac.load_as(&row, &name.to_string())).transpose()
}

/// The topic of that name as this transaction sees it.
pub(crate) async fn load(
    tx: &mut Tx<'_>,
    mac: &RowMac,
    name: &TopicName,
) -> Result<Option<Topic>, StoreError> {
    let row = tx.query_opt(FIND, &place(name)).await?;
    row.map(|row| mac.load_as(&row, &name.to_string())).transpose()
}

/// The names of at most `limit` topics that come after `after`, in order.
pub(crate) async fn list(
    db: &Db,
    (account, region): (AccountId, &str),
    after: &str,
    limit: usize,
) -> Result<Vec<String>, StoreError> {
    let values = [account.to_string().into(), region.into(), after.into(), most(limit)];
    db.query(LIST, &values).await?.iter().map(|row| row.text("name")).collect()
}

/// How many topics an account has in a Region.
pub(crate) async fn count(tx: &mut Tx<'_>, name: &TopicName) -> Result<i64, StoreError> {
    tx.query_one(COUNT, &[name.account.to_string().into(), name.region.into()]).await?.i64("found")
}

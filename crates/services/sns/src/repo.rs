//! Rows of SNS: topics, subscriptions and signers, each with a MAC over the whole row that is checked whenever it is loaded;
//! messages, which are sealed; and the deliveries that are to be made of them.

pub(crate) mod deliveries;
pub(crate) mod messages;
pub(crate) mod signers;
pub(crate) mod subscriptions;
pub(crate) mod topics;

use strongroom_identity::Region;
pub(crate) use strongroom_outbox::post;
use strongroom_store::{Migration, Row, Source, Statement, StoreError, Value};

use crate::domain::names::TopicName;

/// The tables of SNS, forward only.
pub const MIGRATIONS: &[Migration] = &[
    Migration {
        component: "sns",
        version: 1,
        name: "notifications",
        sql: include_str!("repo/0001_notifications.sql"),
    },
    Migration { component: "sns", version: 2, name: "fairness", sql: include_str!("repo/0002_fairness.sql") },
];

/// Every statement, so that a test can show each to both engines.
pub const STATEMENTS: &[Statement] = &[
    topics::INSERT,
    topics::UPDATE,
    topics::DELETE,
    topics::FIND,
    topics::LIST,
    topics::COUNT,
    subscriptions::INSERT,
    subscriptions::UPDATE,
    subscriptions::DELETE,
    subscriptions::DELETE_OF_TOPIC,
    subscriptions::FIND_BY_ID,
    subscriptions::FIND_BY_ENDPOINT,
    subscriptions::LIST_OF_TOPIC,
    subscriptions::LIST_OF_OWNER,
    subscriptions::LIST_DUE,
    subscriptions::COUNT,
    messages::INSERT,
    messages::FIND,
    messages::DELETE_DONE,
    messages::DELETE_ALL_DONE,
    messages::DELETE_OF_TOPIC,
    deliveries::INSERT,
    deliveries::INSERT_MANY,
    deliveries::COUNT,
    deliveries::ACCOUNTS,
    deliveries::QUEUES,
    deliveries::LIST_DUE,
    deliveries::LEASE,
    deliveries::PUT_OFF,
    deliveries::DELETE,
    deliveries::DELETE_OF_TOPIC,
    deliveries::DELETE_OF_SUBSCRIPTION,
    deliveries::RELEASE_ALL,
    signers::INSERT,
    signers::FIND,
    signers::NEWEST,
];

/// What names a topic, as the tables' first columns have it.
fn place(topic: &TopicName) -> [Value; 3] {
    [topic.account.to_string().into(), topic.region.into(), Value::from(&topic.name)]
}

/// The topic that the first columns of a row name; `column` is the one with its name.
fn read_place(row: &Row, column: &str) -> Result<TopicName, StoreError> {
    let region = row.text("region")?;
    let region = Region::named(&region).ok_or_else(|| unreadable("region", "no Region has that name"))?;
    Ok(TopicName { account: row.parse("account")?, region: region.name(), name: row.text(column)? })
}

fn unreadable(column: &str, why: impl Into<Source>) -> StoreError {
    StoreError::column(column, why)
}

/// A number of rows as statements take it.
fn most(number: usize) -> Value {
    i64::try_from(number).unwrap_or(i64::MAX).into()
}

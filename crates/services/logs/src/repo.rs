//! Rows of Logs. Groups and streams carry a MAC; data keys and events are sealed.

pub(crate) mod data_keys;
pub(crate) mod deliveries;
pub(crate) mod emissions;
pub(crate) mod events;
pub(crate) mod filter_minutes;
pub(crate) mod groups;
pub(crate) mod leavings;
pub(crate) mod metric_filters;
pub(crate) mod stored;
pub(crate) mod streams;

pub(crate) use strongroom_outbox::post;
use strongroom_store::{Migration, Source, Statement, StoreError, Value};

/// The tables of groups, forward only. They are in the store.
pub const MIGRATIONS: &[Migration] = &[
    Migration { component: "logs", version: 1, name: "groups", sql: include_str!("repo/0001_groups.sql") },
    Migration {
        component: "logs_metric_filters",
        version: 1,
        name: "metric filters",
        sql: include_str!("repo/0001_metric_filters.sql"),
    },
];

/// The tables of events, forward only. On SQLite they are in a file of their own, with PostgreSQL in the store.
pub const EVENT_MIGRATIONS: &[Migration] = &[
    Migration {
        component: "logs_events",
        version: 1,
        name: "events",
        sql: include_str!("repo/0001_events.sql"),
    },
    Migration {
        component: "logs_emissions",
        version: 1,
        name: "emissions",
        sql: include_str!("repo/0001_emissions.sql"),
    },
    Migration {
        component: "logs_deliveries",
        version: 1,
        name: "deliveries",
        sql: include_str!("repo/0001_deliveries.sql"),
    },
    Migration {
        component: "logs_filter_minutes",
        version: 1,
        name: "minutes of metric filters",
        sql: include_str!("repo/0001_filter_minutes.sql"),
    },
];

/// Every statement on the tables of groups, so that a test can show each to both engines.
pub const STATEMENTS: &[&[Statement]] = &[
    groups::STATEMENTS,
    streams::STATEMENTS,
    data_keys::STATEMENTS,
    leavings::STATEMENTS,
    metric_filters::STATEMENTS,
];

/// Every statement on the tables of events, likewise.
pub const EVENT_STATEMENTS: &[&[Statement]] = &[
    events::STATEMENTS,
    stored::STATEMENTS,
    emissions::STATEMENTS,
    deliveries::STATEMENTS,
    filter_minutes::STATEMENTS,
];

/// A column that cannot be read as what it should be.
fn unreadable(column: &str, why: impl Into<Source>) -> StoreError {
    StoreError::column(column, why)
}

/// A number of rows as statements take it.
fn most(number: usize) -> Value {
    i64::try_from(number).unwrap_or(i64::MAX).into()
}

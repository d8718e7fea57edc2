//! Rows of CloudWatch. Points and metrics are much and grant nothing; alarms say who hears of what, and carry a MAC.

pub(crate) mod actions;
pub(crate) mod alarms;
pub(crate) mod history;
pub(crate) mod metrics;
pub(crate) mod points;

pub(crate) use strongroom_outbox::post;
use strongroom_store::{Migration, Statement, StoreError};

/// The tables of alarms, forward only. They are in the store.
pub const MIGRATIONS: &[Migration] = &[Migration {
    component: "cloudwatch",
    version: 1,
    name: "alarms",
    sql: include_str!("repo/0001_alarms.sql"),
}];

/// The tables of metrics, forward only. On SQLite they are in a file of their own, with PostgreSQL in the store.
pub const METRIC_MIGRATIONS: &[Migration] = &[
    Migration {
        component: "cloudwatch_metrics",
        version: 1,
        name: "metrics",
        sql: include_str!("repo/0001_metrics.sql"),
    },
    Migration {
        component: "cloudwatch_metrics",
        version: 2,
        name: "by_age",
        sql: include_str!("repo/0002_by_age.sql"),
    },
];

/// Every statement, so that a test can show each to both engines.
pub const STATEMENTS: &[&[Statement]] =
    &[actions::STATEMENTS, alarms::STATEMENTS, history::STATEMENTS, metrics::STATEMENTS, points::STATEMENTS];

/// A column that cannot be read as what it should be.
pub(crate) fn unreadable(column: &str, why: impl Into<strongroom_store::Source>) -> StoreError {
    StoreError::Column { column: column.to_owned(), source: why.into() }
}

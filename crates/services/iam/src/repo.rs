//! Rows of IAM.

pub(crate) mod access_keys;
pub(crate) mod access_reports;
pub(crate) mod accounts;
pub(crate) mod aliases;
pub(crate) mod directories;
pub(crate) mod reports;
pub(crate) mod service_uses;
pub(crate) mod topics;
pub(crate) mod uses;

pub(crate) use strongroom_outbox::post;
use strongroom_store::{Migration, Statement, StoreError};

/// The tables of IAM, forward only.
pub const MIGRATIONS: &[Migration] = &[
    Migration {
        component: "iam",
        version: 1,
        name: "access keys",
        sql: "CREATE TABLE iam_access_keys (
              access_key_id TEXT PRIMARY KEY,
              account TEXT NOT NULL,
              sealed_secret BYTEA NOT NULL,
              version BIGINT NOT NULL,
              created_ms BIGINT NOT NULL,
              mac BYTEA NOT NULL
          )",
    },
    Migration {
        component: "iam",
        version: 2,
        name: "directories",
        sql: include_str!("repo/0002_directories.sql"),
    },
    Migration { component: "iam", version: 3, name: "reports", sql: include_str!("repo/0003_reports.sql") },
    Migration { component: "iam", version: 4, name: "accounts", sql: include_str!("repo/0004_accounts.sql") },
    Migration {
        component: "iam",
        version: 5,
        name: "service uses",
        sql: include_str!("repo/0005_service_uses.sql"),
    },
];

/// Every statement, so that a test can show each to both engines.
pub const STATEMENTS: &[Statement] = &[
    access_keys::INSERT_IF_ABSENT,
    access_keys::FIND,
    access_keys::DELETE,
    access_keys::GIVEN_TO_ROOT,
    access_reports::PUT,
    access_reports::FIND,
    access_reports::TIDY,
    accounts::INSERT_IF_ABSENT,
    accounts::FIND,
    accounts::LIST,
    aliases::INSERT_IF_ABSENT,
    aliases::DELETE,
    directories::INSERT_ROOT,
    directories::FIND_ROOT,
    directories::UPDATE_ROOT,
    directories::PUT_ENTITY,
    directories::DELETE_ENTITY,
    directories::LIST_ENTITIES,
    directories::FIND_ID,
    directories::NEXT_ACCOUNT,
    reports::PUT,
    reports::FIND,
    service_uses::PUT,
    service_uses::LIST,
    service_uses::DELETE,
    uses::FIND,
    uses::LIST,
    uses::PUT_OF_ROLE,
    uses::FIND_OF_ROLE,
    uses::LIST_OF_ROLES,
    uses::DELETE_OF_ROLE,
    uses::PUT,
    uses::DELETE,
    uses::FIND_READING,
    uses::BEGIN_READING,
    uses::MOVE_READING,
];

fn unreadable(column: &str, why: impl Into<strongroom_store::Source>) -> StoreError {
    StoreError::Column { column: column.to_owned(), source: why.into() }
}

//! Rows of CloudTrail. A trail says where evidence goes and a key what digests are believed, so these carry a MAC.

pub(crate) mod chains;
pub(crate) mod files;
pub(crate) mod keys;
pub(crate) mod status;
pub(crate) mod trails;

use serde::Serialize;
use serde::de::DeserializeOwned;
pub(crate) use strongroom_outbox::post;
use strongroom_store::{Migration, Statement, StoreError};

/// The tables of CloudTrail, forward only.
pub const MIGRATIONS: &[Migration] = &[
    Migration {
        component: "cloudtrail",
        version: 1,
        name: "trails",
        sql: include_str!("repo/0001_trails.sql"),
    },
    Migration {
        component: "cloudtrail",
        version: 2,
        name: "destinations",
        sql: include_str!("repo/0002_destinations.sql"),
    },
    Migration {
        component: "cloudtrail",
        version: 3,
        name: "proofs",
        sql: include_str!("repo/0003_proofs.sql"),
    },
];

/// Every statement, so that a test can show each to both engines.
pub const STATEMENTS: &[Statement] = &[
    trails::INSERT,
    trails::UPDATE,
    trails::FIND,
    trails::FIND_BY_ID,
    trails::OF_ACCOUNT,
    trails::DUE,
    trails::ALL,
    trails::DELETE,
    status::FIND,
    status::PUT,
    status::DELETE,
    files::INSERT,
    files::ADD,
    files::FIND,
    files::FIND_OPEN,
    files::CLOSE,
    files::PLAN,
    files::POSTPONE,
    files::HELD_BACK,
    files::DELIVERED,
    files::OF_DIGEST,
    files::DUE,
    files::WAITING,
    files::FORGET_DELIVERED,
    files::DELETE,
    files::PUT_SLICE,
    files::SLICES,
    files::DELETE_SLICES,
    files::FIRST_NEEDED,
    chains::INSERT,
    chains::FIND,
    chains::OF_TRAIL,
    chains::PLAN,
    chains::POSTPONE,
    chains::ADVANCE,
    chains::HURRY,
    chains::HURRY_IN,
    chains::DUE,
    chains::DELETE,
    keys::INSERT,
    keys::IN_RANGE,
    keys::AT,
    keys::DROP_PRIVATE,
];

/// The form of documents that is written here.
const FORMAT: i64 = 1;

/// Reads a document of a row.
fn read<T: DeserializeOwned>(column: &str, text: &str) -> Result<T, StoreError> {
    serde_json::from_str(text)
        .map_err(|error| StoreError::Column { column: column.to_owned(), source: Box::new(error) })
}

/// Writes a document for a row.
fn write<T: Serialize>(document: &T) -> Result<String, StoreError> {
    serde_json::to_string(document)
        .map_err(|error| StoreError::Column { column: "document".to_owned(), source: Box::new(error) })
}

/// Refuses a document that another version has written in a form of its own.
fn expect_format(format: i64) -> Result<(), StoreError> {
    if format == FORMAT {
        return Ok(());
    }
    let source = format!("format {format} is not known to this version").into();
    Err(StoreError::Column { column: "format".to_owned(), source })
}

//! Rows of CloudHSM: clusters, HSMs and backups, each with a MAC over the whole row that is checked whenever it
//! is loaded; and what HSMs seal themselves, log entries and blobs.

pub(crate) mod audit;
pub(crate) mod backups;
pub(crate) mod blobs;
pub(crate) mod clusters;
pub(crate) mod hsms;
pub(crate) mod leases;
pub(crate) mod log;

use strongroom_identity::Region;
pub(crate) use strongroom_outbox::post;
use strongroom_store::{Migration, Row, Source, Statement, StoreError, Type, Value};

use crate::domain::home::Home;

/// The tables of CloudHSM, forward only.
pub const MIGRATIONS: &[Migration] = &[Migration {
    component: "cloudhsm",
    version: 1,
    name: "clusters",
    sql: include_str!("repo/0001_clusters.sql"),
}];

/// Every statement, so that a test can show each to both engines.
pub const STATEMENTS: &[Statement] = &[
    clusters::INSERT,
    clusters::UPDATE,
    clusters::FIND,
    clusters::FIND_BY_ID,
    clusters::LIST,
    clusters::LIST_UNSETTLED,
    clusters::LIST_DUE,
    clusters::COUNT,
    hsms::INSERT,
    hsms::UPDATE,
    hsms::DELETE,
    hsms::FIND_BY_ID,
    hsms::LIST_OF_CLUSTER,
    hsms::COUNT,
    backups::INSERT,
    backups::UPDATE,
    backups::DELETE,
    backups::FIND,
    backups::FIND_BY_ID,
    backups::LIST_UP,
    backups::LIST_DOWN,
    backups::LIST_OF_CLUSTER,
    backups::SEAL_EPOCHS,
    backups::LIST_DUE,
    backups::LIST_PENDING,
    backups::COUNT_OF_BLOB,
    log::INSERT,
    log::LAST,
    log::FIRST,
    log::LENGTHS,
    log::READ,
    log::DROP_BEFORE,
    log::DROP_ALL,
    log::FIND_SNAPSHOT,
    log::PUT_SNAPSHOT,
    log::DROP_SNAPSHOT,
    log::FIND_BACKUP,
    log::PUT_BACKUP,
    log::DROP_BACKUP,
    blobs::PUT,
    blobs::FIND,
    blobs::DELETE,
    blobs::DELETE_PIECES,
    blobs::INSERT_PIECE,
    blobs::READ_PIECE,
    blobs::LIST_OF_OWNER,
    audit::FIND,
    audit::PUT,
    audit::DELETE,
    leases::INSERT,
    leases::TAKE,
    leases::FIND,
];

/// The two columns that the tables of what accounts own begin with.
fn home_columns(home: &Home) -> [(&'static str, Value); 2] {
    [("account", home.account.to_string().into()), ("region", home.region.into())]
}

/// What names a resource in its table.
fn name_of(home: &Home, id: &str) -> [Value; 3] {
    [home.account.to_string().into(), home.region.into(), id.into()]
}

/// The home that a row names.
fn read_home(row: &Row) -> Result<Home, StoreError> {
    let region = row.text("region")?;
    let region = Region::named(&region).ok_or_else(|| unreadable("region", "no Region has that name"))?;
    Ok(Home { account: row.parse("account")?, region: region.name() })
}

fn text(text: Option<impl Into<String>>) -> Value {
    text.map_or(Value::Null(Type::Text), |text| Value::Text(text.into()))
}

fn number(number: Option<i64>) -> Value {
    number.map_or(Value::Null(Type::I64), Value::I64)
}

fn bytes(bytes: Option<[u8; 32]>) -> Value {
    bytes.map_or(Value::Null(Type::Blob), Value::from)
}

fn unsigned(column: &str, number: i64) -> Result<u32, StoreError> {
    u32::try_from(number).map_err(|error| unreadable(column, error))
}

fn digest(column: &str, row: &Row) -> Result<Option<[u8; 32]>, StoreError> {
    let Some(bytes) = row.opt_blob(column)? else { return Ok(None) };
    bytes.try_into().map(Some).map_err(|_| unreadable(column, "no digest"))
}

fn unreadable(column: &str, why: impl Into<Source>) -> StoreError {
    StoreError::column(column, why)
}

/// A number of the fleet's as the store keeps it. Beyond the store's range there is nothing.
fn place(sequence: u64) -> i64 {
    i64::try_from(sequence).unwrap_or(i64::MAX)
}

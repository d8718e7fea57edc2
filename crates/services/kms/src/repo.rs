//! Rows of KMS: keys with their materials, aliases, partitions. What grants authority carries a MAC over the
//! whole row, checked whenever it is loaded.

pub(crate) mod aliases;
pub(crate) mod keys;
pub(crate) mod partitions;

use strongroom_identity::{Region, RequestContext};
use strongroom_store::{AuthorityRow, Migration, Row, RowMac, Statement, StoreError, Tx, Value};

use crate::domain::identifier::Home;

/// The tables of KMS, forward only.
pub const MIGRATIONS: &[Migration] =
    &[Migration { component: "kms", version: 1, name: "keys", sql: include_str!("repo/0001_keys.sql") }];

/// Every statement, so that a test can show each to both engines.
pub const STATEMENTS: &[Statement] = &[
    keys::INSERT_KEY,
    keys::INSERT_MATERIAL,
    keys::FIND_KEY,
    keys::FIND_MATERIALS,
    keys::LIST_IDS,
    keys::UPDATE_KEY,
    aliases::INSERT,
    aliases::FIND,
    aliases::COUNT_OF_KEY,
    aliases::LIST,
    aliases::LIST_OF_KEY,
    partitions::INSERT_IF_ABSENT,
    partitions::FIND,
];

/// Loads the row that names itself `asked`. The MAC says that a row is ours, not that it is the one that was
/// asked for: a database that answers with another sound row is not believed either.
fn load_as<R: AuthorityRow>(mac: &RowMac, row: &Row, asked: &str) -> Result<R, StoreError> {
    let row: R = mac.load(row)?;
    if row.key() == asked {
        Ok(row)
    } else {
        Err(StoreError::Corrupt { table: R::TABLE, key: asked.to_owned() })
    }
}

/// Commits the draft of the call's record together with what the call changes.
async fn post_draft(tx: &mut Tx<'_>, context: &RequestContext) -> Result<(), StoreError> {
    match context.draft() {
        Some(draft) => tx.post(&draft.event_id, &draft.bytes).await,
        None => Ok(()),
    }
}

/// The two columns that every table of KMS begins with.
fn home_columns(home: &Home) -> [(&'static str, Value); 2] {
    [("account", home.account.to_string().into()), ("region", home.region.into())]
}

/// The home that a row names.
fn read_home(row: &Row) -> Result<Home, StoreError> {
    let region = row.text("region")?;
    let region = Region::named(&region).ok_or(StoreError::Column {
        column: "region".to_owned(),
        source: "no Region has that name".into(),
    })?;
    Ok(Home { account: row.parse("account")?, region: region.name() })
}

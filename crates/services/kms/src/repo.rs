//! Rows of KMS: keys with their materials, aliases, partitions. What grants authority carries a MAC over the
//! whole row, checked whenever it is loaded.

pub(crate) mod aliases;
pub(crate) mod grants;
pub(crate) mod key_stores;
pub(crate) mod keys;
pub(crate) mod leftovers;
pub(crate) mod partitions;
pub(crate) mod topics;
pub(crate) mod usage;

use strongroom_identity::Region;
pub(crate) use strongroom_outbox::post;
use strongroom_store::{Migration, Row, Statement, StoreError, Value};

use crate::domain::identifier::Home;

/// The tables of KMS, forward only.
pub const MIGRATIONS: &[Migration] = &[
    Migration { component: "kms", version: 1, name: "keys", sql: include_str!("repo/0001_keys.sql") },
    Migration {
        component: "kms",
        version: 2,
        name: "lifecycle",
        sql: include_str!("repo/0002_lifecycle.sql"),
    },
    Migration {
        component: "kms",
        version: 3,
        name: "key stores",
        sql: include_str!("repo/0003_key_stores.sql"),
    },
    Migration {
        component: "kms",
        version: 4,
        name: "keys in stores",
        sql: include_str!("repo/0004_keys_in_stores.sql"),
    },
    Migration { component: "kms", version: 5, name: "grants", sql: include_str!("repo/0005_grants.sql") },
    Migration { component: "kms", version: 6, name: "sealed uses", sql: include_str!("repo/0006_uses.sql") },
    Migration {
        component: "kms",
        version: 7,
        name: "principals of policies",
        sql: include_str!("repo/0007_policy_principals.sql"),
    },
    Migration {
        component: "kms",
        version: 8,
        name: "keys by id",
        sql: include_str!("repo/0008_keys_by_id.sql"),
    },
    Migration {
        component: "kms",
        version: 9,
        name: "alias names",
        sql: include_str!("repo/0009_alias_names.sql"),
    },
    Migration {
        component: "kms",
        version: 10,
        name: "imported materials",
        sql: include_str!("repo/0010_imported.sql"),
    },
    Migration {
        component: "kms",
        version: 11,
        name: "multi-Region keys",
        sql: include_str!("repo/0011_multi_region.sql"),
    },
    Migration {
        component: "kms",
        version: 12,
        name: "keys of customers",
        sql: include_str!("repo/0012_keys_of_customers.sql"),
    },
];

/// Every statement, so that a test can show each to both engines.
pub const STATEMENTS: &[Statement] = &[
    keys::INSERT_KEY,
    keys::INSERT_MATERIAL,
    keys::FIND_KEY,
    keys::FIND_OWNERS,
    keys::COUNT_OWN,
    keys::FIND_MATERIALS,
    keys::NEWEST_MATERIAL,
    keys::UPDATE_MATERIAL,
    keys::DELETE_MATERIAL,
    keys::LIST_IDS,
    keys::LIST_DUE,
    keys::LIST_EXPIRING,
    keys::FIRST_DUE_IN_STORE,
    keys::ANY_IN_STORE,
    keys::UPDATE_KEY,
    keys::DELETE_MATERIALS,
    keys::DELETE_KEY,
    aliases::INSERT,
    aliases::UPDATE,
    aliases::DELETE,
    aliases::DELETE_OF_KEY,
    aliases::FIND,
    aliases::COUNT_OF_KEY,
    aliases::OF_KEY,
    aliases::LIST,
    aliases::LIST_OF_KEY,
    grants::INSERT,
    grants::FIND,
    grants::FIND_SAME,
    grants::LIST,
    grants::LIST_TO,
    grants::LIST_RETIRABLE,
    grants::DELETE,
    grants::DELETE_OF_KEY,
    key_stores::INSERT,
    key_stores::UPDATE,
    key_stores::FIND,
    key_stores::LIST,
    key_stores::LIST_IN_STATE,
    key_stores::DELETE,
    leftovers::INSERT,
    leftovers::FIND,
    leftovers::CONDEMN,
    leftovers::DELETE,
    leftovers::SETTLE,
    leftovers::LIST_DUE,
    leftovers::FIRST_DUE_IN_STORE,
    leftovers::LIST_IN_STORE,
    leftovers::DELETE_IN_STORE,
    leftovers::IS_MATERIAL,
    partitions::INSERT_IF_ABSENT,
    partitions::FIND,
    usage::KEY_MADE,
    usage::FIND,
    usage::PUT,
    usage::DELETE,
    usage::FIND_READING,
    usage::BEGIN_READING,
    usage::MOVE_READING,
];

/// The two columns that every table of KMS begins with.
fn home_columns(home: &Home) -> [(&'static str, Value); 2] {
    [("account", home.account.to_string().into()), ("region", home.region.into())]
}

/// What names a key in every table that speaks of it.
fn name_of(home: &Home, key_id: &str) -> [Value; 3] {
    [home.account.to_string().into(), home.region.into(), key_id.into()]
}

/// Key stores as statements look for them: `|cks-...|cks-...|`.
fn ids_of(stores: &[(Home, String)]) -> Value {
    stores.iter().fold("|".to_owned(), |ids, (_, id)| ids + id + "|").into()
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

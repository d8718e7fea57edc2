//! Rows of custom key stores.

use strongroom_store::{AuthorityRow, Db, Row, RowMac, Statement, StoreError, Tx, Type, Value};

use super::{home_columns, name_of, read_home, topics};
use crate::domain::identifier::Home;
use crate::domain::key_store::{ConnectionError, ConnectionState, KeyStore};

pub(super) const INSERT: Statement = Statement::new(
    "INSERT INTO kms_key_stores (account, region, store_id, version, name, cluster_id, certificate, trust_anchor, \
     created_ms, state, since_ms, error, password, pending_password, mac) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
);
/// The version before comes last: the others are the columns in their order, and the MAC.
pub(super) const UPDATE: Statement = Statement::new(
    "UPDATE kms_key_stores SET version = $4, name = $5, cluster_id = $6, certificate = $7, trust_anchor = $8, \
     created_ms = $9, state = $10, since_ms = $11, error = $12, password = $13, pending_password = $14, mac = $15 \
     WHERE account = $1 AND region = $2 AND store_id = $3 AND version = $16",
);
pub(super) const FIND: Statement = Statement::new(
    "SELECT account, region, store_id, version, name, cluster_id, certificate, trust_anchor, created_ms, state, since_ms, \
     error, password, pending_password, mac FROM kms_key_stores WHERE account = $1 AND region = $2 AND store_id = $3",
);
pub(super) const LIST: Statement = Statement::new(
    "SELECT account, region, store_id, version, name, cluster_id, certificate, trust_anchor, created_ms, state, since_ms, \
     error, password, pending_password, mac \
     FROM kms_key_stores WHERE account = $1 AND region = $2 AND store_id > $3 ORDER BY store_id LIMIT $4",
);
pub(super) const LIST_IN_STATE: Statement = Statement::new(
    "SELECT account, region, store_id, version, name, cluster_id, certificate, trust_anchor, created_ms, state, since_ms, \
     error, password, pending_password, mac \
     FROM kms_key_stores WHERE state = $1 ORDER BY account, region, store_id",
);
pub(super) const DELETE: Statement = Statement::new(
    "DELETE FROM kms_key_stores WHERE account = $1 AND region = $2 AND store_id = $3 AND version = $4",
);

impl AuthorityRow for KeyStore {
    const TABLE: &'static str = "kms_key_stores";

    fn columns(&self) -> Vec<(&'static str, Value)> {
        let mut columns = home_columns(&self.home).to_vec();
        columns.extend([
            ("store_id", Value::from(&self.id)),
            ("version", self.version.into()),
            ("name", Value::from(&self.name)),
            ("cluster_id", Value::from(&self.cluster_id)),
            ("certificate", self.certificate.into()),
            ("trust_anchor", Value::from(&self.trust_anchor)),
            ("created_ms", self.created_ms.into()),
            ("state", self.state.as_str().into()),
            ("since_ms", self.since_ms.into()),
            ("error", self.error.map_or(Value::Null(Type::Text), |error| error.as_str().into())),
            ("password", bytes(self.password.as_ref())),
            ("pending_password", bytes(self.pending_password.as_ref())),
        ]);
        columns
    }

    fn key(&self) -> String {
        name(&self.home, &self.id)
    }

    fn read(row: &Row) -> Result<Self, StoreError> {
        let state = ConnectionState::parse(&row.text("state")?);
        let error = row.opt_text("error")?.map(|text| {
            ConnectionError::parse(&text).ok_or_else(|| unreadable("error", "no connection error code"))
        });
        Ok(Self {
            home: read_home(row)?,
            id: row.text("store_id")?,
            version: row.i64("version")?,
            name: row.text("name")?,
            cluster_id: row.text("cluster_id")?,
            certificate: row.array("certificate")?,
            trust_anchor: row.text("trust_anchor")?,
            created_ms: row.i64("created_ms")?,
            state: state.ok_or_else(|| unreadable("state", "no connection state"))?,
            since_ms: row.i64("since_ms")?,
            error: error.transpose()?,
            password: row.opt_blob("password")?,
            pending_password: row.opt_blob("pending_password")?,
        })
    }
}

/// What names a row in errors.
fn name(home: &Home, store_id: &str) -> String {
    format!("custom key store {store_id} of {} in {}", home.account, home.region)
}

fn bytes(value: Option<&Vec<u8>>) -> Value {
    value.map_or(Value::Null(Type::Blob), Value::from)
}

fn unreadable(column: &'static str, why: &'static str) -> StoreError {
    StoreError::Column { column: column.to_owned(), source: why.into() }
}

/// Adds a key store. Its name and its cluster's certificate are free, as this transaction sees it.
pub(crate) async fn insert(tx: &mut Tx<'_>, mac: &RowMac, store: &KeyStore) -> Result<(), StoreError> {
    tx.execute(INSERT, &mac.values(store)).await.map(drop)
}

/// Writes a key store that this transaction loaded and that has changed since. Its version counts up: of two
/// changes at once that each look sound, one is made anew.
pub(crate) async fn replace(tx: &mut Tx<'_>, mac: &RowMac, store: &mut KeyStore) -> Result<(), StoreError> {
    let before = store.version;
    store.version += 1;
    let mut values = mac.values(store);
    values.push(before.into());
    tx.compare_and_set(UPDATE, &values).await?;
    topics::announce(tx, topics::STORES, &store.home, &store.id).await
}

/// Removes a key store that this transaction loaded. It holds no key.
pub(crate) async fn delete(tx: &mut Tx<'_>, store: &KeyStore) -> Result<(), StoreError> {
    let mut values = name_of(&store.home, &store.id).to_vec();
    values.push(store.version.into());
    tx.compare_and_set(DELETE, &values).await?;
    topics::announce(tx, topics::STORES, &store.home, &store.id).await
}

/// The key store of that id.
pub(crate) async fn find(
    db: &Db,
    mac: &RowMac,
    home: &Home,
    store_id: &str,
) -> Result<Option<KeyStore>, StoreError> {
    let row = db.query_opt(FIND, &name_of(home, store_id)).await?;
    row.map(|row| mac.load_as(&row, &name(home, store_id))).transpose()
}

/// The key store of that id as this transaction sees it.
pub(crate) async fn load(
    tx: &mut Tx<'_>,
    mac: &RowMac,
    home: &Home,
    store_id: &str,
) -> Result<Option<KeyStore>, StoreError> {
    let row = tx.query_opt(FIND, &name_of(home, store_id)).await?;
    row.map(|row| mac.load_as(&row, &name(home, store_id))).transpose()
}

/// Key stores of a home that come after `after`, in the order of their ids; at most `most`.
pub(crate) async fn list(
    db: &Db,
    mac: &RowMac,
    home: &Home,
    after: &str,
    most: usize,
) -> Result<Vec<KeyStore>, StoreError> {
    let values = [home.account.to_string().into(), home.region.into(), after.into(), Value::I64(most as i64)];
    let rows = db.query(LIST, &values).await?;
    rows.iter().map(|row| load_of(mac, row, home)).collect()
}

/// All key stores of a home as this transaction sees them; at most `most`.
pub(crate) async fn load_all(
    tx: &mut Tx<'_>,
    mac: &RowMac,
    home: &Home,
    most: usize,
) -> Result<Vec<KeyStore>, StoreError> {
    let values = [home.account.to_string().into(), home.region.into(), "".into(), Value::I64(most as i64)];
    let rows = tx.query(LIST, &values).await?;
    rows.iter().map(|row| load_of(mac, row, home)).collect()
}

/// All key stores in a connection state, whosever they are. A row that somebody has altered stands in nobody's way.
pub(crate) async fn list_in_state(
    db: &Db,
    mac: &RowMac,
    state: ConnectionState,
) -> Result<Vec<KeyStore>, StoreError> {
    let rows = db.query(LIST_IN_STATE, &[state.as_str().into()]).await?;
    let sound = |row| mac.load(row).inspect_err(|error| tracing::error!(%error, "a key store is left alone"));
    Ok(rows.iter().filter_map(|row| sound(row).ok()).collect())
}

fn load_of(mac: &RowMac, row: &Row, home: &Home) -> Result<KeyStore, StoreError> {
    match mac.load::<KeyStore>(row)? {
        store if store.home == *home => Ok(store),
        store => Err(StoreError::Corrupt { table: KeyStore::TABLE, key: store.key() }),
    }
}

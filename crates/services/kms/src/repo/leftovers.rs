//! Keys in HSMs that KMS may have to delete: those that it is about to make, and those of keys that are gone.
//!
//! HSMs know no transactions of the store. A row that is written before a key is made in them, and removed by the
//! transaction that makes the key a material, names what a crash leaves; the transaction that deletes a material
//! writes one too. Whoever deletes in the HSMs *condemns* the row first, so that nothing becomes a material any
//! more that may be gone.

use strongroom_crypto::hex;
use strongroom_store::{AuthorityRow, Db, Row, RowMac, Statement, StoreError, Tx, Value};

use super::{home_columns, ids_of, name_of as of_store, read_home};
use crate::domain::identifier::Home;
use crate::domain::key::{Key, MaterialId};

pub(super) const INSERT: Statement = Statement::new(
    "INSERT INTO kms_leftovers (account, region, store, material_id, key_id, condemned, due_ms, mac) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
);
pub(super) const FIND: Statement = Statement::new(
    "SELECT account, region, store, material_id, key_id, condemned, due_ms, mac FROM kms_leftovers \
     WHERE account = $1 AND region = $2 AND store = $3 AND material_id = $4",
);
pub(super) const CONDEMN: Statement = Statement::new(
    "UPDATE kms_leftovers SET key_id = $5, condemned = $6, due_ms = $7, mac = $8 \
     WHERE account = $1 AND region = $2 AND store = $3 AND material_id = $4",
);
pub(super) const DELETE: Statement = Statement::new(
    "DELETE FROM kms_leftovers WHERE account = $1 AND region = $2 AND store = $3 AND material_id = $4",
);
pub(super) const SETTLE: Statement = Statement::new(
    "DELETE FROM kms_leftovers \
     WHERE account = $1 AND region = $2 AND store = $3 AND material_id = $4 AND condemned = 0",
);
pub(super) const LIST_IN_STORE: Statement = Statement::new(
    "SELECT account, region, store, material_id, key_id, condemned, due_ms, mac FROM kms_leftovers \
     WHERE account = $1 AND region = $2 AND store = $3 ORDER BY key_id, material_id LIMIT $4",
);
pub(super) const DELETE_IN_STORE: Statement =
    Statement::new("DELETE FROM kms_leftovers WHERE account = $1 AND region = $2 AND store = $3");
/// Where KMS is not connected there is nothing to be done, nor where the cluster is left alone.
pub(super) const LIST_DUE: Statement = Statement::new(
    "SELECT l.account, l.region, l.store, l.material_id, l.due_ms FROM kms_leftovers l \
     JOIN kms_key_stores s ON s.account = l.account AND s.region = l.region AND s.store_id = l.store \
     WHERE s.state = 'CONNECTED' AND $2 NOT LIKE '%|' || s.store_id || '|%' \
     ORDER BY l.due_ms, l.account, l.region, l.store, l.material_id LIMIT $1",
);
pub(super) const FIRST_DUE_IN_STORE: Statement = Statement::new(
    "SELECT l.account, l.region, l.store, l.material_id, l.due_ms FROM kms_leftovers l \
     JOIN kms_key_stores s ON s.account = l.account AND s.region = l.region AND s.store_id = l.store \
     WHERE l.account = $1 AND l.region = $2 AND l.store = $3 AND s.state = 'CONNECTED' \
     ORDER BY l.due_ms, l.material_id LIMIT 1",
);
pub(super) const IS_MATERIAL: Statement = Statement::new(
    "SELECT material_id FROM kms_materials \
     WHERE account = $1 AND region = $2 AND key_id = $3 AND material_id = $4",
);

/// A key in HSMs that may be left over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Leftover {
    pub(crate) home: Home,
    pub(crate) store: String,
    /// The id attribute of the key.
    pub(crate) material_id: MaterialId,
    /// The KMS key whose material it was, or was to be.
    pub(crate) key_id: String,
    /// It is to be deleted, and becomes no material any more.
    pub(crate) condemned: bool,
    /// When it is looked at, in milliseconds since 1970.
    pub(crate) due_ms: i64,
}

impl Leftover {
    /// The materials of a deleted key, to be deleted in the HSMs at once.
    pub(crate) fn all_of(key: &Key, now_ms: i64) -> Vec<Self> {
        let of_store = |store: &String| {
            let leftover = |material_id| Self {
                home: key.home.clone(),
                store: store.clone(),
                material_id,
                key_id: key.id.clone(),
                condemned: true,
                due_ms: now_ms,
            };
            key.materials.iter().map(|material| leftover(material.id)).collect()
        };
        key.store.as_ref().map_or_else(Vec::new, of_store)
    }

    fn name(&self) -> [Value; 4] {
        name_of(&self.home, &self.store, &self.material_id)
    }
}

fn name_of(home: &Home, store: &str, material_id: &MaterialId) -> [Value; 4] {
    [home.account.to_string().into(), home.region.into(), store.into(), material_id.into()]
}

impl AuthorityRow for Leftover {
    const TABLE: &'static str = "kms_leftovers";

    fn columns(&self) -> Vec<(&'static str, Value)> {
        let mut columns = home_columns(&self.home).to_vec();
        columns.extend([
            ("store", Value::from(&self.store)),
            ("material_id", self.material_id.into()),
            ("key_id", Value::from(&self.key_id)),
            ("condemned", self.condemned.into()),
            ("due_ms", self.due_ms.into()),
        ]);
        columns
    }

    fn key(&self) -> String {
        format!("material {} in {} of {}", hex::encode(&self.material_id), self.store, self.home.account)
    }

    fn read(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            home: read_home(row)?,
            store: row.text("store")?,
            material_id: row.array("material_id")?,
            key_id: row.text("key_id")?,
            condemned: row.i64("condemned")? != 0,
            due_ms: row.i64("due_ms")?,
        })
    }
}

/// Adds a leftover.
pub(crate) async fn insert(tx: &mut Tx<'_>, mac: &RowMac, leftover: &Leftover) -> Result<(), StoreError> {
    tx.execute(INSERT, &mac.values(leftover)).await.map(drop)
}

/// Takes the row of a material that this transaction gives to a key. `false` if it is condemned, or gone: the key
/// in the HSMs may be deleted.
pub(crate) async fn settle(
    tx: &mut Tx<'_>,
    home: &Home,
    store: &str,
    material_id: &MaterialId,
) -> Result<bool, StoreError> {
    Ok(tx.execute(SETTLE, &name_of(home, store, material_id)).await? == 1)
}

/// Finds a leftover and condemns it. `None` if there is none (any more). One that has become a material after all is
/// none either, and its row goes.
pub(crate) async fn condemn(
    tx: &mut Tx<'_>,
    mac: &RowMac,
    home: &Home,
    store: &str,
    material_id: &MaterialId,
) -> Result<Option<Leftover>, StoreError> {
    let name = name_of(home, store, material_id);
    let Some(row) = tx.query_opt(FIND, &name).await? else { return Ok(None) };
    let mut leftover: Leftover = mac.load(&row)?;
    if leftover.name() != name {
        return Err(StoreError::Corrupt { table: Leftover::TABLE, key: leftover.key() });
    }
    let [account, region, ..] = name.clone();
    let key_id = Value::from(&leftover.key_id);
    if tx.query_opt(IS_MATERIAL, &[account, region, key_id, material_id.into()]).await?.is_some() {
        tx.execute(DELETE, &name).await?;
        return Ok(None);
    }
    if !leftover.condemned {
        leftover.condemned = true;
        tx.compare_and_set(CONDEMN, &mac.values(&leftover)).await?;
    }
    Ok(Some(leftover))
}

/// Removes all leftovers of a key store that this transaction deletes: KMS does not get to its cluster any more.
/// Answers at most `most` of them.
pub(crate) async fn take_all(
    tx: &mut Tx<'_>,
    mac: &RowMac,
    home: &Home,
    store_id: &str,
    most: u32,
) -> Result<Vec<Leftover>, StoreError> {
    let [account, region, store] = of_store(home, store_id);
    let rows = tx.query(LIST_IN_STORE, &[account, region, store, most.into()]).await?;
    tx.execute(DELETE_IN_STORE, &of_store(home, store_id)).await?;
    // One that somebody has altered is in nobody's way.
    Ok(rows.iter().filter_map(|row| mac.load(row).ok()).collect())
}

/// Removes a leftover that is deleted in the HSMs.
pub(crate) async fn delete(db: &Db, leftover: &Leftover) -> Result<(), StoreError> {
    db.execute(DELETE, &leftover.name()).await.map(drop)
}

/// The same in a transaction. Answers whether it was still there.
pub(crate) async fn remove(tx: &mut Tx<'_>, leftover: &Leftover) -> Result<bool, StoreError> {
    Ok(tx.execute(DELETE, &leftover.name()).await? == 1)
}

/// When a leftover is looked at, and which: account, Region and key store as they are written in its row, which
/// nobody has checked.
pub(crate) struct DueRow {
    pub(crate) due_ms: i64,
    pub(crate) name: [String; 3],
    pub(crate) material_id: Vec<u8>,
}

/// The `most` leftovers that are looked at soonest, without those in stores that rest.
pub(crate) async fn list_due(
    db: &Db,
    most: u32,
    resting: &[(Home, String)],
) -> Result<Vec<DueRow>, StoreError> {
    let rows = db.query(LIST_DUE, &[most.into(), ids_of(resting)]).await?;
    rows.iter().map(due).collect()
}

/// The leftover in a connected store that is looked at soonest.
pub(crate) async fn first_due_in(
    db: &Db,
    (home, store_id): &(Home, String),
) -> Result<Option<DueRow>, StoreError> {
    db.query_opt(FIRST_DUE_IN_STORE, &of_store(home, store_id)).await?.as_ref().map(due).transpose()
}

fn due(row: &Row) -> Result<DueRow, StoreError> {
    let name = [row.text("account")?, row.text("region")?, row.text("store")?];
    Ok(DueRow { due_ms: row.i64("due_ms")?, name, material_id: row.blob("material_id")? })
}

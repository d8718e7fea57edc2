//! Rows of keys and of their materials.

use strongroom_crypto::hex;
use strongroom_hsm_core::{KeyHandle, TokenDigest, TokenRef};
use strongroom_identity::RequestContext;
use strongroom_store::{AuthorityRow, Db, Row, RowMac, Statement, StoreError, Tx, Value};

use super::{home_columns, load_as, post_draft, read_home};
use crate::domain::identifier::Home;
use crate::domain::key::{Key, KeyState, Material, MaterialId};

pub(super) const INSERT_KEY: Statement = Statement::new(
    "INSERT INTO kms_keys (account, region, key_id, version, state, description, created_ms, current_material, mac) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
);
pub(super) const INSERT_MATERIAL: Statement = Statement::new(
    "INSERT INTO kms_materials (account, region, key_id, material_id, handle, token, token_digest, created_ms, mac) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
);
pub(super) const FIND_KEY: Statement = Statement::new(
    "SELECT account, region, key_id, version, state, description, created_ms, current_material, mac \
     FROM kms_keys WHERE account = $1 AND region = $2 AND key_id = $3",
);
pub(super) const FIND_MATERIALS: Statement = Statement::new(
    "SELECT account, region, key_id, material_id, handle, token, token_digest, created_ms, mac \
     FROM kms_materials WHERE account = $1 AND region = $2 AND key_id = $3 ORDER BY created_ms, material_id",
);
pub(super) const LIST_IDS: Statement = Statement::new(
    "SELECT key_id FROM kms_keys WHERE account = $1 AND region = $2 AND key_id > $3 ORDER BY key_id LIMIT $4",
);
/// The version before comes last: the others are the columns in their order, and the MAC.
pub(super) const UPDATE_KEY: Statement = Statement::new(
    "UPDATE kms_keys SET version = $4, state = $5, description = $6, created_ms = $7, current_material = $8, mac = $9 \
     WHERE account = $1 AND region = $2 AND key_id = $3 AND version = $10",
);

/// A row of `kms_keys`.
#[derive(Clone)]
pub(super) struct KeyRow {
    home: Home,
    key_id: String,
    version: i64,
    state: KeyState,
    description: String,
    created_ms: i64,
    current_material: MaterialId,
}

/// A row of `kms_materials`.
struct MaterialRow {
    home: Home,
    key_id: String,
    material: Material,
}

impl AuthorityRow for KeyRow {
    const TABLE: &'static str = "kms_keys";

    fn columns(&self) -> Vec<(&'static str, Value)> {
        let mut columns = home_columns(&self.home).to_vec();
        columns.extend([
            ("key_id", Value::from(&self.key_id)),
            ("version", self.version.into()),
            ("state", self.state.as_str().into()),
            ("description", Value::from(&self.description)),
            ("created_ms", self.created_ms.into()),
            ("current_material", self.current_material.into()),
        ]);
        columns
    }

    fn key(&self) -> String {
        self.home.key_arn(&self.key_id)
    }

    fn read(row: &Row) -> Result<Self, StoreError> {
        let state = row.text("state")?;
        let unknown = || StoreError::Column { column: "state".to_owned(), source: "no key state".into() };
        Ok(Self {
            home: read_home(row)?,
            key_id: row.text("key_id")?,
            version: row.i64("version")?,
            state: KeyState::parse(&state).ok_or_else(unknown)?,
            description: row.text("description")?,
            created_ms: row.i64("created_ms")?,
            current_material: row.array("current_material")?,
        })
    }
}

impl AuthorityRow for MaterialRow {
    const TABLE: &'static str = "kms_materials";

    fn columns(&self) -> Vec<(&'static str, Value)> {
        let mut columns = home_columns(&self.home).to_vec();
        columns.extend([
            ("key_id", Value::from(&self.key_id)),
            ("material_id", self.material.id.into()),
            ("handle", self.material.reference.handle.as_bytes().into()),
            ("token", Value::from(&self.material.token)),
            ("token_digest", self.material.reference.digest.as_bytes().into()),
            ("created_ms", self.material.created_ms.into()),
        ]);
        columns
    }

    fn key(&self) -> String {
        format!("{}, material {}", self.home.key_arn(&self.key_id), hex::encode(&self.material.id))
    }

    fn read(row: &Row) -> Result<Self, StoreError> {
        let material = Material {
            id: row.array("material_id")?,
            reference: TokenRef {
                handle: KeyHandle::from_bytes(row.array("handle")?),
                digest: TokenDigest::from_bytes(row.array("token_digest")?),
            },
            token: row.blob("token")?,
            created_ms: row.i64("created_ms")?,
        };
        Ok(Self { home: read_home(row)?, key_id: row.text("key_id")?, material })
    }
}

impl From<&Key> for KeyRow {
    fn from(key: &Key) -> Self {
        Self {
            home: key.home.clone(),
            key_id: key.id.clone(),
            version: key.version,
            state: key.state,
            description: key.description.clone(),
            created_ms: key.created_ms,
            current_material: key.current_material,
        }
    }
}

/// Adds a key with its materials.
pub(crate) async fn insert(
    db: &Db,
    mac: &RowMac,
    context: &RequestContext,
    key: &Key,
) -> Result<(), StoreError> {
    let key_values = mac.values(&KeyRow::from(key));
    let materials = key.materials.iter().map(|material| {
        let material = material.clone();
        mac.values(&MaterialRow { home: key.home.clone(), key_id: key.id.clone(), material })
    });
    let material_values: Vec<_> = materials.collect();
    let (key_values, material_values) = (&key_values, &material_values);
    db.transaction(|tx| {
        Box::pin(async move {
            tx.execute(INSERT_KEY, key_values).await?;
            for values in material_values {
                tx.execute(INSERT_MATERIAL, values).await?;
            }
            post_draft(tx, context).await
        })
    })
    .await
}

/// The key of that id with all its materials.
pub(crate) async fn find(
    db: &Db,
    mac: &RowMac,
    home: &Home,
    key_id: &str,
) -> Result<Option<Key>, StoreError> {
    let name = name_of(home, key_id);
    let Some(row) = db.query_opt(FIND_KEY, &name).await? else { return Ok(None) };
    // No transaction, so that reading waits for no writer: materials are only ever added before the key says
    // that they are current, and go only with the key itself. Read after the key they are all that it needs.
    let material_rows = db.query(FIND_MATERIALS, &name).await?;
    if material_rows.is_empty() {
        return Ok(None);
    }
    let key: KeyRow = load_as(mac, &row, &home.key_arn(key_id))?;
    let load = |row| match mac.load::<MaterialRow>(row)? {
        row if row.home == key.home && row.key_id == key.key_id => Ok(row.material),
        row => Err(StoreError::Corrupt { table: MaterialRow::TABLE, key: row.key() }),
    };
    let materials = material_rows.iter().map(load).collect::<Result<_, _>>()?;
    Ok(Some(Key {
        arn: key.home.key_arn(&key.key_id),
        home: key.home,
        id: key.key_id,
        version: key.version,
        state: key.state,
        description: key.description,
        created_ms: key.created_ms,
        current_material: key.current_material,
        materials,
    }))
}

/// At most `most` ids of keys that come after `after`, in order.
pub(crate) async fn list_ids(
    db: &Db,
    home: &Home,
    after: &str,
    most: usize,
) -> Result<Vec<String>, StoreError> {
    let values = [home.account.to_string().into(), home.region.into(), after.into(), Value::I64(most as i64)];
    db.query(LIST_IDS, &values).await?.iter().map(|row| row.text("key_id")).collect()
}

/// Counts the key's version up, as every change to what hangs on the key does: of two changes at once that
/// each look sound, one is made anew. `None` if the key is gone.
pub(super) async fn touch(
    tx: &mut Tx<'_>,
    mac: &RowMac,
    home: &Home,
    key_id: &str,
) -> Result<Option<()>, StoreError> {
    let Some(row) = tx.query_opt(FIND_KEY, &name_of(home, key_id)).await? else { return Ok(None) };
    let mut key: KeyRow = load_as(mac, &row, &home.key_arn(key_id))?;
    let before = key.version;
    key.version += 1;
    let mut values = mac.values(&key);
    values.push(before.into());
    tx.compare_and_set(UPDATE_KEY, &values).await?;
    Ok(Some(()))
}

fn name_of(home: &Home, key_id: &str) -> [Value; 3] {
    [home.account.to_string().into(), home.region.into(), key_id.into()]
}

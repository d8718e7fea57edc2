//! Rows of keys and of their materials.

use strongroom_crypto::hex;
use strongroom_hsm_core::{KeyHandle, TokenDigest, TokenRef};
use strongroom_identity::AccountId;
use strongroom_store::{AuthorityRow, Db, Row, RowMac, Statement, StoreError, Tx, Type, Value};

use super::{aliases, home_columns, ids_of, name_of, read_home, topics};
use crate::domain::access::KeyPolicy;
use crate::domain::alias::AliasNames;
use crate::domain::identifier::Home;
use crate::domain::import::{Import, ImportStage, Imported};
use crate::domain::importing::MaterialChange;
use crate::domain::key::{Held, Key, KeyState, Manager, Material, OpenedOnce, PublicHalf};
use crate::domain::multi_region::MultiRegion;
use crate::domain::origin::Origin;
use crate::domain::policy::Bound;
use crate::domain::rotation::{RotationKind, Schedule};
use crate::domain::spec::{KeySpec, KeyUsage};
use crate::domain::tags::Tags;

pub(super) const INSERT_KEY: Statement = Statement::new(
    "INSERT INTO kms_keys (account, region, key_id, version, state, description, created_ms, current_material, \
     service, policy, tags, deletion_ms, rotation_days, next_rotation_ms, on_demand_rotations, due_ms, store, \
     key_spec, key_usage, grants, policy_principals, aliases, origin, expires_ms, incomplete, \
     multi_region, until_ms, pending_window_days, mac) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, \
     $22, $23, $24, $25, $26, $27, $28, $29) \
     ON CONFLICT (account, region, key_id) DO NOTHING",
);
pub(super) const INSERT_MATERIAL: Statement = Statement::new(
    "INSERT INTO kms_materials \
     (account, region, key_id, material_id, handle, token, token_digest, created_ms, rotation, public_handle, \
     public_key, import_stage, expires_ms, import_description, mac) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
);
pub(super) const FIND_KEY: Statement = Statement::new(
    "SELECT account, region, key_id, version, state, description, created_ms, current_material, service, policy, \
     tags, deletion_ms, rotation_days, next_rotation_ms, on_demand_rotations, due_ms, store, key_spec, key_usage, \
     grants, policy_principals, aliases, origin, expires_ms, incomplete, multi_region, until_ms, \
     pending_window_days, mac FROM kms_keys \
     WHERE account = $1 AND region = $2 AND key_id = $3",
);
/// One more than there can be where nobody has chosen ids.
pub(super) const FIND_OWNERS: Statement =
    Statement::new("SELECT account FROM kms_keys WHERE region = $1 AND key_id = $2 ORDER BY account LIMIT 2");
pub(super) const FIND_MATERIALS: Statement = Statement::new(
    "SELECT account, region, key_id, material_id, handle, token, token_digest, created_ms, rotation, \
     public_handle, public_key, import_stage, expires_ms, import_description, mac FROM kms_materials \
     WHERE account = $1 AND region = $2 AND key_id = $3 ORDER BY created_ms, material_id",
);
/// Keys that services keep do not count.
pub(super) const COUNT_OWN: Statement = Statement::new(
    "SELECT COUNT(*) AS keys FROM kms_keys WHERE account = $1 AND region = $2 AND service IS NULL",
);
pub(super) const NEWEST_MATERIAL: Statement = Statement::new(
    "SELECT created_ms FROM kms_materials WHERE account = $1 AND region = $2 AND key_id = $3 \
     ORDER BY created_ms DESC LIMIT 1",
);
pub(super) const LIST_IDS: Statement = Statement::new(
    "SELECT key_id FROM kms_keys WHERE account = $1 AND region = $2 AND key_id > $3 ORDER BY key_id LIMIT $4",
);
/// A key rotates only while its key store is connected, and not among those that rest: one that is does not hold up
/// what follows.
pub(super) const LIST_DUE: Statement = Statement::new(
    "SELECT k.account, k.region, k.key_id, k.due_ms FROM kms_keys k LEFT JOIN kms_key_stores s \
     ON s.account = k.account AND s.region = k.region AND s.store_id = k.store \
     WHERE k.due_ms IS NOT NULL AND (k.store IS NULL OR k.state = 'PendingDeletion' \
     OR (s.state = 'CONNECTED' AND $2 NOT LIKE '%|' || s.store_id || '|%')) \
     ORDER BY k.due_ms, k.account, k.region, k.key_id LIMIT $1",
);
/// Materials that only wait to be rotated to are not missed when they end.
pub(super) const LIST_EXPIRING: Statement = Statement::new(
    "SELECT k.account, k.region, k.key_id, MIN(m.expires_ms) AS ends_ms FROM kms_keys k JOIN kms_materials m \
     ON m.account = k.account AND m.region = k.region AND m.key_id = k.key_id \
     WHERE k.expires_ms IS NOT NULL AND m.expires_ms IS NOT NULL AND m.import_stage = 'PERMANENT' \
     GROUP BY k.account, k.region, k.key_id ORDER BY ends_ms, k.account, k.region, k.key_id LIMIT $1",
);
pub(super) const FIRST_DUE_IN_STORE: Statement = Statement::new(
    "SELECT k.account, k.region, k.key_id, k.due_ms FROM kms_keys k JOIN kms_key_stores s \
     ON s.account = k.account AND s.region = k.region AND s.store_id = k.store \
     WHERE k.account = $1 AND k.region = $2 AND k.store = $3 AND k.due_ms IS NOT NULL \
     AND k.state <> 'PendingDeletion' AND s.state = 'CONNECTED' ORDER BY k.due_ms, k.key_id LIMIT 1",
);
/// The version before comes last: the others are the columns in their order, and the MAC.
pub(super) const UPDATE_KEY: Statement = Statement::new(
    "UPDATE kms_keys SET version = $4, state = $5, description = $6, created_ms = $7, current_material = $8, \
     service = $9, policy = $10, tags = $11, deletion_ms = $12, rotation_days = $13, next_rotation_ms = $14, \
     on_demand_rotations = $15, due_ms = $16, store = $17, key_spec = $18, key_usage = $19, grants = $20, \
     policy_principals = $21, aliases = $22, origin = $23, expires_ms = $24, incomplete = $25, \
     multi_region = $26, until_ms = $27, pending_window_days = $28, mac = $29 \
     WHERE account = $1 AND region = $2 AND key_id = $3 AND version = $30",
);
/// Only imported materials change.
pub(super) const UPDATE_MATERIAL: Statement = Statement::new(
    "UPDATE kms_materials SET handle = $5, token = $6, token_digest = $7, created_ms = $8, rotation = $9, \
     public_handle = $10, public_key = $11, import_stage = $12, expires_ms = $13, import_description = $14, \
     mac = $15 WHERE account = $1 AND region = $2 AND key_id = $3 AND material_id = $4",
);
pub(super) const DELETE_MATERIAL: Statement = Statement::new(
    "DELETE FROM kms_materials WHERE account = $1 AND region = $2 AND key_id = $3 AND material_id = $4",
);
pub(super) const ANY_IN_STORE: Statement = Statement::new(
    "SELECT key_id FROM kms_keys WHERE account = $1 AND region = $2 AND store = $3 ORDER BY key_id LIMIT 1",
);
pub(super) const DELETE_MATERIALS: Statement =
    Statement::new("DELETE FROM kms_materials WHERE account = $1 AND region = $2 AND key_id = $3");
pub(super) const DELETE_KEY: Statement =
    Statement::new("DELETE FROM kms_keys WHERE account = $1 AND region = $2 AND key_id = $3");

/// What a key is when its row does not say.
const SPEC: &str = KeySpec::SymmetricDefault.as_str();
const USAGE: &str = KeyUsage::EncryptDecrypt.as_str();

/// A row of `kms_materials`.
struct MaterialRow {
    home: Home,
    key_id: String,
    material: Material,
}

/// A row of `kms_keys` is a key without its materials. Columns that came later are NULL where they say
/// nothing, as they are in rows from before.
impl AuthorityRow for Key {
    const TABLE: &'static str = "kms_keys";

    fn columns(&self) -> Vec<(&'static str, Value)> {
        let service = match &self.manager {
            Manager::Customer => None,
            Manager::Service(service) => Some(service.clone()),
        };
        let mut columns = home_columns(&self.home).to_vec();
        columns.extend([
            ("key_id", Value::from(&self.id)),
            ("version", self.version.into()),
            ("state", self.state.as_str().into()),
            ("description", Value::from(&self.description)),
            ("created_ms", self.created_ms.into()),
            (
                "current_material",
                self.current_material.as_ref().map_or_else(Vec::new, |id| id.to_vec()).into(),
            ),
            ("service", text(service)),
            ("policy", text(self.policy.given().map(str::to_owned))),
            ("tags", text(self.tags.to_column())),
            ("deletion_ms", number(self.state.deletion_ms())),
            ("rotation_days", number(self.rotation.map(|schedule| schedule.days.into()))),
            ("next_rotation_ms", number(self.rotation.map(|schedule| schedule.next_ms))),
            (
                "on_demand_rotations",
                number((self.on_demand_rotations > 0).then_some(self.on_demand_rotations.into())),
            ),
            ("due_ms", number(self.due_ms())),
            ("store", text(self.store.clone())),
            ("key_spec", text(said(self.spec.as_str(), SPEC))),
            ("key_usage", text(said(self.usage.as_str(), USAGE))),
            ("grants", number((self.grants > 0).then_some(self.grants.into()))),
            ("policy_principals", text(self.policy.bound().to_column())),
            ("aliases", text(self.aliases.to_column())),
            ("origin", text(self.import.map(|_| Origin::External.as_str().to_owned()))),
            ("expires_ms", number(self.import.and_then(|import| import.expires_ms))),
            ("incomplete", number(self.import.and_then(|import| (!import.is_complete).then_some(1)))),
            ("multi_region", text(self.multi_region.as_ref().map(MultiRegion::to_column))),
            ("until_ms", number(self.state.until_ms())),
            ("pending_window_days", number(self.state.window_days().map(i64::from))),
        ]);
        columns
    }

    fn key(&self) -> String {
        self.arn.clone()
    }

    fn read(row: &Row) -> Result<Self, StoreError> {
        let (home, id) = (read_home(row)?, row.text("key_id")?);
        let window = row.opt_i64("pending_window_days")?;
        let window = window.map(|days| unsigned("pending_window_days", days)).transpose()?;
        let (deletion_ms, until_ms) = (row.opt_i64("deletion_ms")?, row.opt_i64("until_ms")?);
        let state = KeyState::parse(&row.text("state")?, deletion_ms, until_ms, window);
        let days = row.opt_i64("rotation_days")?.map(|days| unsigned("rotation_days", days)).transpose()?;
        let next_ms = row.opt_i64("next_rotation_ms")?;
        let on_demand = row.opt_i64("on_demand_rotations")?.unwrap_or(0);
        let bound = Bound::from_column(row.opt_text("policy_principals")?.as_deref())
            .ok_or_else(|| unreadable("policy_principals", "no unique ids of principals"))?;
        let key = Self {
            arn: home.key_arn(&id),
            home,
            id,
            version: row.i64("version")?,
            manager: row.opt_text("service")?.map_or(Manager::Customer, Manager::Service),
            store: row.opt_text("store")?,
            spec: KeySpec::parse(row.opt_text("key_spec")?.as_deref().unwrap_or(SPEC))
                .ok_or_else(|| unreadable("key_spec", "no key spec"))?,
            usage: KeyUsage::parse(row.opt_text("key_usage")?.as_deref().unwrap_or(USAGE))
                .ok_or_else(|| unreadable("key_usage", "no key usage"))?,
            state: state.ok_or_else(|| unreadable("state", "no key state"))?,
            multi_region: row.opt_text("multi_region")?.as_deref().map(related).transpose()?,
            description: row.text("description")?,
            created_ms: row.i64("created_ms")?,
            policy: KeyPolicy::new(row.opt_text("policy")?, bound),
            tags: Tags::from_column(row.opt_text("tags")?.as_deref())
                .map_err(|error| unreadable("tags", error))?,
            aliases: AliasNames::from_column(row.opt_text("aliases")?.as_deref()),
            rotation: days.zip(next_ms).map(|(days, next_ms)| Schedule { days, next_ms }),
            on_demand_rotations: unsigned("on_demand_rotations", on_demand)?,
            grants: unsigned("grants", row.opt_i64("grants")?.unwrap_or(0))?,
            import: read_import(row)?,
            current_material: if row.blob("current_material")?.is_empty() {
                None
            } else {
                Some(row.array("current_material")?)
            },
            materials: Vec::new(),
        };
        // Derived from the rest, and so not in the key; but what it says decides what is done when.
        if row.opt_i64("due_ms")? == key.due_ms() {
            Ok(key)
        } else {
            Err(unreadable("due_ms", "it contradicts the rest of the row"))
        }
    }
}

impl AuthorityRow for MaterialRow {
    const TABLE: &'static str = "kms_materials";

    fn columns(&self) -> Vec<(&'static str, Value)> {
        let mut columns = home_columns(&self.home).to_vec();
        columns.extend([("key_id", Value::from(&self.key_id)), ("material_id", self.material.id.into())]);
        columns.extend(held_columns(&self.material.held));
        columns.extend([
            ("created_ms", self.material.created_ms.into()),
            ("rotation", text(self.material.rotation.map(|kind| kind.as_str().to_owned()))),
        ]);
        columns.extend(public_columns(&self.material.held));
        let import = self.material.import.as_ref();
        columns.extend([
            ("import_stage", text(import.map(|import| import.stage.as_str().to_owned()))),
            ("expires_ms", number(import.and_then(|import| import.expires_ms))),
            ("import_description", text(import.and_then(|import| import.description.clone()))),
        ]);
        columns
    }

    fn key(&self) -> String {
        format!("{}, material {}", self.home.key_arn(&self.key_id), hex::encode(&self.material.id))
    }

    fn read(row: &Row) -> Result<Self, StoreError> {
        let kind = |text: String| {
            RotationKind::parse(&text).ok_or_else(|| unreadable("rotation", "no kind of rotation"))
        };
        let material = Material {
            id: row.array("material_id")?,
            held: read_held(row)?,
            created_ms: row.i64("created_ms")?,
            rotation: row.opt_text("rotation")?.map(kind).transpose()?,
            import: read_imported(row)?,
        };
        Ok(Self { home: read_home(row)?, key_id: row.text("key_id")?, material })
    }
}

/// A column with its value.
type Column = (&'static str, Value);

/// The columns that say where a material is: a token with its handle, or the eight bytes of an HSM's handle and no
/// token, or nothing.
fn held_columns(held: &Held) -> [Column; 3] {
    match held {
        Held::Absent { .. } => [
            ("handle", Value::from(Vec::new())),
            ("token", Value::from(Vec::new())),
            ("token_digest", Value::from(Vec::new())),
        ],
        Held::Token { reference, token, .. } => [
            ("handle", reference.handle.as_bytes().into()),
            ("token", Value::from(token)),
            ("token_digest", reference.digest.as_bytes().into()),
        ],
        Held::InCluster { handle, .. } => [
            ("handle", handle.to_be_bytes().into()),
            ("token", Value::from(Vec::new())),
            ("token_digest", Value::from(Vec::new())),
        ],
    }
}

/// The columns of the public half, which say nothing for most.
fn public_columns(held: &Held) -> [Column; 2] {
    let (handle, der) = match held {
        Held::Absent { public } | Held::Token { public, .. } => (None, public.as_ref()),
        Held::InCluster { public, .. } => {
            (public.as_ref().map(|public| public.handle), public.as_ref().map(|public| &public.der))
        }
    };
    [("public_handle", handle.map(u64::to_be_bytes).into()), ("public_key", der.cloned().into())]
}

fn read_held(row: &Row) -> Result<Held, StoreError> {
    let handle = row.blob("handle")?;
    if handle.is_empty() {
        return Ok(Held::Absent { public: row.opt_blob("public_key")? });
    }
    let Ok(handle) = <[u8; 8]>::try_from(handle.as_slice()) else {
        let reference = TokenRef {
            handle: KeyHandle::from_bytes(row.array("handle")?),
            digest: TokenDigest::from_bytes(row.array("token_digest")?),
        };
        let (token, public) = (row.blob("token")?, row.opt_blob("public_key")?);
        return Ok(Held::Token { reference, token, public, opened: OpenedOnce::default() });
    };
    let public = match (row.opt_blob("public_handle")?, row.opt_blob("public_key")?) {
        (Some(handle), Some(der)) => {
            let handle =
                <[u8; 8]>::try_from(handle.as_slice()).map_err(|error| unreadable("public_handle", error))?;
            Some(PublicHalf { handle: u64::from_be_bytes(handle), der })
        }
        _ => None,
    };
    Ok(Held::InCluster { handle: u64::from_be_bytes(handle), public })
}

fn read_import(row: &Row) -> Result<Option<Import>, StoreError> {
    let Some(origin) = row.opt_text("origin")? else { return Ok(None) };
    if Origin::parse(&origin) != Some(Origin::External) {
        return Err(unreadable("origin", "no origin that a row says"));
    }
    let is_complete = row.opt_i64("incomplete")?.is_none();
    Ok(Some(Import { expires_ms: row.opt_i64("expires_ms")?, is_complete }))
}

fn read_imported(row: &Row) -> Result<Option<Imported>, StoreError> {
    let Some(stage) = row.opt_text("import_stage")? else { return Ok(None) };
    Ok(Some(Imported {
        stage: ImportStage::parse(&stage)
            .ok_or_else(|| unreadable("import_stage", "no stage of an import"))?,
        expires_ms: row.opt_i64("expires_ms")?,
        description: row.opt_text("import_description")?,
    }))
}

/// Adds a key with its materials, unless there is one of that id. Answers whether it did.
pub(crate) async fn insert(tx: &mut Tx<'_>, mac: &RowMac, key: &Key) -> Result<bool, StoreError> {
    if tx.execute(INSERT_KEY, &mac.values(key)).await? == 0 {
        return Ok(false);
    }
    for material in &key.materials {
        insert_material(tx, mac, key, material).await?;
    }
    Ok(true)
}

/// Adds the material that a rotation gives a key. It is dated after all others, which it is listed after.
pub(crate) async fn append_material(
    tx: &mut Tx<'_>,
    mac: &RowMac,
    key: &Key,
    material: &Material,
) -> Result<(), StoreError> {
    let newest = tx.query_opt(NEWEST_MATERIAL, &name_of(&key.home, &key.id)).await?;
    let newest_ms = newest.map(|row| row.i64("created_ms")).transpose()?;
    let created_ms = newest_ms.map_or(material.created_ms, |newest| material.created_ms.max(newest + 1));
    topics::announce(tx, topics::KEYS, &key.home, &key.id).await?;
    insert_material(tx, mac, key, &Material { created_ms, ..material.clone() }).await
}

async fn insert_material(
    tx: &mut Tx<'_>,
    mac: &RowMac,
    key: &Key,
    material: &Material,
) -> Result<(), StoreError> {
    let row = MaterialRow { home: key.home.clone(), key_id: key.id.clone(), material: material.clone() };
    tx.execute(INSERT_MATERIAL, &mac.values(&row)).await.map(drop)
}

/// Writes what has changed among the imported materials of a key. Whoever does so replaces the key in the same
/// transaction, which tells others.
pub(crate) async fn change_material(
    tx: &mut Tx<'_>,
    mac: &RowMac,
    key: &Key,
    change: &MaterialChange,
) -> Result<(), StoreError> {
    let row = |material: &Material| MaterialRow {
        home: key.home.clone(),
        key_id: key.id.clone(),
        material: material.clone(),
    };
    match change {
        MaterialChange::Added(material) => append_material(tx, mac, key, material).await,
        MaterialChange::Replaced(material) => {
            tx.execute(UPDATE_MATERIAL, &mac.values(&row(material))).await.map(drop)
        }
        MaterialChange::Removed(id) => {
            let [account, region, key_id] = name_of(&key.home, &key.id);
            tx.execute(DELETE_MATERIAL, &[account, region, key_id, (*id).into()]).await.map(drop)
        }
    }
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
    // No transaction, so that reading waits for no writer: materials are only ever added, before or as the key
    // says that they are current, and go only with the key itself. Read after the key they are all that it
    // needs. (Imported ones come and go. One that has gone meanwhile is refused where it is used, and what was read so
    // is not kept.)
    let material_rows = db.query(FIND_MATERIALS, &name).await?;
    let mut key: Key = mac.load_as(&row, &home.key_arn(key_id))?;
    if material_rows.is_empty() && key.current_material.is_some() {
        return Ok(None);
    }
    key.materials = materials(mac, &material_rows, &key)?;
    if key.aliases.are_elsewhere() {
        let rows = db.query(aliases::OF_KEY, &aliases::of_key(home, key_id)).await?;
        key.aliases.found(aliases::names(mac, &rows, home, key_id)?);
    }
    Ok(Some(key))
}

/// The key of that id as this transaction sees it, without its materials.
pub(crate) async fn load(
    tx: &mut Tx<'_>,
    mac: &RowMac,
    home: &Home,
    key_id: &str,
) -> Result<Option<Key>, StoreError> {
    let name = name_of(home, key_id);
    let Some(row) = tx.query_opt(FIND_KEY, &name).await? else { return Ok(None) };
    let mut key: Key = mac.load_as(&row, &home.key_arn(key_id))?;
    if key.aliases.are_elsewhere() {
        let rows = tx.query(aliases::OF_KEY, &aliases::of_key(home, key_id)).await?;
        key.aliases.found(aliases::names(mac, &rows, home, key_id)?);
    }
    Ok(Some(key))
}

/// The key of that id as this transaction sees it, with its materials.
pub(crate) async fn load_whole(
    tx: &mut Tx<'_>,
    mac: &RowMac,
    home: &Home,
    key_id: &str,
) -> Result<Option<Key>, StoreError> {
    let Some(mut key) = load(tx, mac, home, key_id).await? else { return Ok(None) };
    let rows = tx.query(FIND_MATERIALS, &name_of(home, key_id)).await?;
    key.materials = materials(mac, &rows, &key)?;
    Ok(Some(key))
}

fn materials(mac: &RowMac, rows: &[Row], key: &Key) -> Result<Vec<Material>, StoreError> {
    let load = |row| match mac.load::<MaterialRow>(row)? {
        row if row.home == key.home && row.key_id == key.id => Ok(row.material),
        row => Err(StoreError::Corrupt { table: MaterialRow::TABLE, key: row.key() }),
    };
    rows.iter().map(load).collect()
}

/// Writes a key that this transaction loaded and that has changed since. Its version counts up, as it does
/// with every change to what hangs on the key: of two changes at once that each look sound, one is made anew.
pub(crate) async fn replace(tx: &mut Tx<'_>, mac: &RowMac, key: &mut Key) -> Result<(), StoreError> {
    let before = key.version;
    key.version += 1;
    let mut values = mac.values(key);
    values.push(before.into());
    tx.compare_and_set(UPDATE_KEY, &values).await?;
    topics::announce(tx, topics::KEYS, &key.home, &key.id).await
}

/// Removes a key with its materials. What else hangs on the key is gone already.
pub(crate) async fn delete(tx: &mut Tx<'_>, key: &Key) -> Result<(), StoreError> {
    let name = name_of(&key.home, &key.id);
    tx.execute(DELETE_MATERIALS, &name).await?;
    tx.execute(DELETE_KEY, &name).await?;
    topics::announce(tx, topics::KEYS, &key.home, &key.id).await
}

/// Whose the key of that id is, as its row says, which nobody has checked; `None` if there is none, or if several
/// accounts have chosen that id.
pub(crate) async fn find_owner(db: &Db, region: &str, key_id: &str) -> Result<Option<AccountId>, StoreError> {
    let rows = db.query(FIND_OWNERS, &[region.into(), key_id.into()]).await?;
    match rows.as_slice() {
        [only] => only.parse("account").map(Some),
        _ => Ok(None),
    }
}

/// How many keys an account has in a Region, whatever their state, without those that services keep for it.
pub(crate) async fn count_own(tx: &mut Tx<'_>, home: &Home) -> Result<u64, StoreError> {
    let row = tx.query_one(COUNT_OWN, &[home.account.to_string().into(), home.region.into()]).await?;
    Ok(row.i64("keys")?.unsigned_abs())
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

/// Whether a custom key store has keys, those that are to be deleted too.
pub(crate) async fn any_in_store(tx: &mut Tx<'_>, home: &Home, store: &str) -> Result<bool, StoreError> {
    Ok(tx.query_opt(ANY_IN_STORE, &name_of(home, store)).await?.is_some())
}

/// When a key changes by itself, and which: account, Region and key id as they are written in its row, which
/// nobody has checked.
pub(crate) struct DueRow {
    pub(crate) due_ms: i64,
    pub(crate) name: [String; 3],
}

/// The `most` keys that change by themselves soonest, without those that rotate in a store that rests. One whose row
/// makes no sense is among them, so that it stands in nobody's way.
pub(crate) async fn list_due(
    db: &Db,
    most: u32,
    resting: &[(Home, String)],
) -> Result<Vec<DueRow>, StoreError> {
    let rows = db.query(LIST_DUE, &[most.into(), ids_of(resting)]).await?;
    rows.iter().map(due).collect()
}

/// The `most` keys that lack a material soonest because one of those that they have for good expires, with the moment.
/// Their rows are not checked; one that makes no sense is an error of its own.
pub(crate) async fn list_expiring(
    db: &Db,
    most: u32,
) -> Result<Vec<Result<(Home, String, i64), StoreError>>, StoreError> {
    let rows = db.query(LIST_EXPIRING, &[most.into()]).await?;
    let read = |row: &Row| Ok((read_home(row)?, row.text("key_id")?, row.i64("ends_ms")?));
    Ok(rows.iter().map(read).collect())
}

/// The key of a connected store that rotates soonest.
pub(crate) async fn first_due_in(
    db: &Db,
    (home, store_id): &(Home, String),
) -> Result<Option<DueRow>, StoreError> {
    db.query_opt(FIRST_DUE_IN_STORE, &name_of(home, store_id)).await?.as_ref().map(due).transpose()
}

fn due(row: &Row) -> Result<DueRow, StoreError> {
    let name = [row.text("account")?, row.text("region")?, row.text("key_id")?];
    Ok(DueRow { due_ms: row.i64("due_ms")?, name })
}

fn related(text: &str) -> Result<MultiRegion, StoreError> {
    MultiRegion::from_column(text).ok_or_else(|| unreadable("multi_region", "no Regions of related keys"))
}

/// What a column says that says nothing where it would say the usual.
fn said(value: &str, usual: &str) -> Option<String> {
    (value != usual).then(|| value.to_owned())
}

fn text(text: Option<String>) -> Value {
    text.map_or(Value::Null(Type::Text), Value::Text)
}

fn number(number: Option<i64>) -> Value {
    number.map_or(Value::Null(Type::I64), Value::I64)
}

fn unsigned(column: &str, number: i64) -> Result<u32, StoreError> {
    u32::try_from(number).map_err(|error| unreadable(column, error))
}

fn unreadable(column: &str, why: impl Into<strongroom_store::Source>) -> StoreError {
    StoreError::Column { column: column.to_owned(), source: why.into() }
}

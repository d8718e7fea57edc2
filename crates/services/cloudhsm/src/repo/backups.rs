//! Rows of backups.

use strongroom_store::{AuthorityRow, Db, Row, RowMac, Statement, StoreError, Tx, Value};

use super::{home_columns, name_of, number, read_home, text, unreadable, unsigned};
use crate::domain::backup::{Backup, BackupState, CopiedFrom};
use crate::domain::cluster::Mode;
use crate::domain::home::Home;
use crate::domain::tags::Tags;
use crate::repo::clusters::read_installed;

pub(super) const INSERT: Statement = Statement::new(
    "INSERT INTO cloudhsm_backups (account, region, backup_id, version, state, cluster_id, blob_name, seal_epoch, \
     created_ms, copied_ms, source_region, source_backup, source_cluster, never_expires, delete_ms, expires_ms, \
     due_ms, mode, tags, policy, cluster_certificate, trust_anchor, mac) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23)",
);
/// The version before comes last.
pub(super) const UPDATE: Statement = Statement::new(
    "UPDATE cloudhsm_backups SET version = $4, state = $5, cluster_id = $6, blob_name = $7, seal_epoch = $8, \
     created_ms = $9, copied_ms = $10, source_region = $11, source_backup = $12, source_cluster = $13, \
     never_expires = $14, delete_ms = $15, expires_ms = $16, due_ms = $17, mode = $18, tags = $19, policy = $20, \
     cluster_certificate = $21, trust_anchor = $22, mac = $23 \
     WHERE account = $1 AND region = $2 AND backup_id = $3 AND version = $24",
);
pub(super) const DELETE: Statement =
    Statement::new("DELETE FROM cloudhsm_backups WHERE account = $1 AND region = $2 AND backup_id = $3");
pub(super) const FIND: Statement = Statement::new(
    "SELECT account, region, backup_id, version, state, cluster_id, blob_name, seal_epoch, created_ms, copied_ms, \
     source_region, source_backup, source_cluster, never_expires, delete_ms, expires_ms, due_ms, mode, tags, policy, \
     cluster_certificate, trust_anchor, mac \
     FROM cloudhsm_backups WHERE account = $1 AND region = $2 AND backup_id = $3",
);
pub(super) const FIND_BY_ID: Statement = Statement::new(
    "SELECT account, region, backup_id, version, state, cluster_id, blob_name, seal_epoch, created_ms, copied_ms, \
     source_region, source_backup, source_cluster, never_expires, delete_ms, expires_ms, due_ms, mode, tags, policy, \
     cluster_certificate, trust_anchor, mac FROM cloudhsm_backups WHERE backup_id = $1",
);
pub(super) const LIST_UP: Statement = Statement::new(
    "SELECT account, region, backup_id, version, state, cluster_id, blob_name, seal_epoch, created_ms, copied_ms, \
     source_region, source_backup, source_cluster, never_expires, delete_ms, expires_ms, due_ms, mode, tags, policy, \
     cluster_certificate, trust_anchor, mac FROM cloudhsm_backups \
     WHERE account = $1 AND region = $2 AND (created_ms > $3 OR (created_ms = $3 AND backup_id > $4)) \
     ORDER BY created_ms, backup_id LIMIT $5",
);
pub(super) const LIST_DOWN: Statement = Statement::new(
    "SELECT account, region, backup_id, version, state, cluster_id, blob_name, seal_epoch, created_ms, copied_ms, \
     source_region, source_backup, source_cluster, never_expires, delete_ms, expires_ms, due_ms, mode, tags, policy, \
     cluster_certificate, trust_anchor, mac FROM cloudhsm_backups \
     WHERE account = $1 AND region = $2 AND (created_ms < $3 OR (created_ms = $3 AND backup_id < $4)) \
     ORDER BY created_ms DESC, backup_id DESC LIMIT $5",
);
/// The newest first. More than a retention of 379 days lets come together.
pub(super) const LIST_OF_CLUSTER: Statement = Statement::new(
    "SELECT account, region, backup_id, version, state, cluster_id, blob_name, seal_epoch, created_ms, copied_ms, \
     source_region, source_backup, source_cluster, never_expires, delete_ms, expires_ms, due_ms, mode, tags, policy, \
     cluster_certificate, trust_anchor, mac FROM cloudhsm_backups \
     WHERE account = $1 AND region = $2 AND cluster_id = $3 ORDER BY created_ms DESC, backup_id DESC LIMIT 4096",
);
/// The epochs of the seal that backups name.
pub(super) const SEAL_EPOCHS: Statement =
    Statement::new("SELECT DISTINCT seal_epoch FROM cloudhsm_backups ORDER BY seal_epoch");
pub(super) const LIST_DUE: Statement = Statement::new(
    "SELECT account, region, backup_id, due_ms FROM cloudhsm_backups WHERE due_ms IS NOT NULL \
     ORDER BY due_ms, backup_id LIMIT $1",
);
pub(super) const LIST_PENDING: Statement = Statement::new(
    "SELECT account, region, backup_id, version, state, cluster_id, blob_name, seal_epoch, created_ms, copied_ms, \
     source_region, source_backup, source_cluster, never_expires, delete_ms, expires_ms, due_ms, mode, tags, policy, \
     cluster_certificate, trust_anchor, mac FROM cloudhsm_backups \
     WHERE state = 'CREATE_IN_PROGRESS' ORDER BY created_ms, backup_id LIMIT 256",
);
pub(super) const COUNT_OF_BLOB: Statement =
    Statement::new("SELECT COUNT(*) AS found FROM cloudhsm_backups WHERE blob_name = $1");

impl AuthorityRow for Backup {
    const TABLE: &'static str = "cloudhsm_backups";

    fn columns(&self) -> Vec<(&'static str, Value)> {
        let (copied, installed) = (self.copied.as_ref(), self.installed.as_ref());
        let mut columns = home_columns(&self.home).to_vec();
        columns.extend([
            ("backup_id", Value::from(&self.id)),
            ("version", self.version.into()),
            ("state", self.state.as_str().into()),
            ("cluster_id", text(self.cluster_id.clone())),
            ("blob_name", Value::from(&self.blob)),
            ("seal_epoch", self.seal_epoch.into()),
            ("created_ms", self.created_ms.into()),
            ("copied_ms", number(copied.map(|copied| copied.at_ms))),
            ("source_region", text(copied.map(|copied| copied.region.clone()))),
            ("source_backup", text(copied.map(|copied| copied.backup.clone()))),
            ("source_cluster", text(copied.map(|copied| copied.cluster.clone()))),
            ("never_expires", self.never_expires.into()),
            ("delete_ms", number(self.delete_ms)),
            ("expires_ms", number(self.expires_ms)),
            ("due_ms", number(self.due_ms())),
            ("mode", self.mode.as_str().into()),
            ("tags", text(self.tags.to_column())),
            ("policy", text(self.policy.clone())),
            ("cluster_certificate", text(installed.map(|installed| installed.certificate.clone()))),
            ("trust_anchor", text(installed.map(|installed| installed.trust_anchor.clone()))),
        ]);
        columns
    }

    fn key(&self) -> String {
        self.home.arn(&self.id)
    }

    fn read(row: &Row) -> Result<Self, StoreError> {
        let state = BackupState::parse(&row.text("state")?);
        let mode = Mode::parse(&row.text("mode")?);
        let tags = Tags::from_column(row.opt_text("tags")?.as_deref());
        let backup = Self {
            home: read_home(row)?,
            id: row.text("backup_id")?,
            version: row.i64("version")?,
            state: state.ok_or_else(|| unreadable("state", "no state of a backup"))?,
            cluster_id: row.opt_text("cluster_id")?,
            blob: row.text("blob_name")?,
            seal_epoch: unsigned("seal_epoch", row.i64("seal_epoch")?)?,
            created_ms: row.i64("created_ms")?,
            copied: read_copied(row)?,
            never_expires: row.flag("never_expires")?,
            delete_ms: row.opt_i64("delete_ms")?,
            expires_ms: row.opt_i64("expires_ms")?,
            mode: mode.ok_or_else(|| unreadable("mode", "no mode"))?,
            tags: tags.map_err(|error| unreadable("tags", error))?,
            policy: row.opt_text("policy")?,
            installed: read_installed(row)?,
        };
        // Derived from the rest, and so not in the backup; but what it says decides what is done when.
        if row.opt_i64("due_ms")? == backup.due_ms() {
            Ok(backup)
        } else {
            Err(unreadable("due_ms", "it contradicts the rest of the row"))
        }
    }
}

fn read_copied(row: &Row) -> Result<Option<CopiedFrom>, StoreError> {
    let Some(at_ms) = row.opt_i64("copied_ms")? else { return Ok(None) };
    Ok(Some(CopiedFrom {
        region: row.text("source_region")?,
        backup: row.text("source_backup")?,
        cluster: row.text("source_cluster")?,
        at_ms,
    }))
}

/// Adds a backup.
pub(crate) async fn insert(tx: &mut Tx<'_>, mac: &RowMac, backup: &Backup) -> Result<(), StoreError> {
    tx.execute(INSERT, &mac.values(backup)).await.map(drop)
}

/// Writes a backup that this transaction loaded.
pub(crate) async fn replace(tx: &mut Tx<'_>, mac: &RowMac, backup: &mut Backup) -> Result<(), StoreError> {
    let before = backup.version;
    backup.version += 1;
    let mut values = mac.values(backup);
    values.push(before.into());
    tx.compare_and_set(UPDATE, &values).await
}

/// The epochs of the seal that backups name. Nobody has checked the rows: one more keeps a subkey, and takes nothing.
pub(crate) async fn seal_epochs(db: &Db) -> Result<Vec<u32>, StoreError> {
    let rows = db.query(SEAL_EPOCHS, &[]).await?;
    rows.iter().map(|row| unsigned("seal_epoch", row.i64("seal_epoch")?)).collect()
}

/// Removes a backup.
pub(crate) async fn delete(tx: &mut Tx<'_>, backup: &Backup) -> Result<(), StoreError> {
    tx.execute(DELETE, &name_of(&backup.home, &backup.id)).await.map(drop)
}

/// The backup of that id.
pub(crate) async fn find(db: &Db, mac: &RowMac, home: &Home, id: &str) -> Result<Option<Backup>, StoreError> {
    let row = db.query_opt(FIND, &name_of(home, id)).await?;
    row.map(|row| mac.load_as(&row, &home.arn(id))).transpose()
}

/// The backup of that id, whosever it is.
pub(crate) async fn find_by_id(db: &Db, mac: &RowMac, id: &str) -> Result<Option<Backup>, StoreError> {
    let row = db.query_opt(FIND_BY_ID, &[id.into()]).await?;
    row.map(|row| read_by_id(mac, &row, id)).transpose()
}

/// The backup of that id, whosever it is, as this transaction sees it.
pub(crate) async fn load_by_id(
    tx: &mut Tx<'_>,
    mac: &RowMac,
    id: &str,
) -> Result<Option<Backup>, StoreError> {
    let row = tx.query_opt(FIND_BY_ID, &[id.into()]).await?;
    row.map(|row| read_by_id(mac, &row, id)).transpose()
}

fn read_by_id(mac: &RowMac, row: &Row, id: &str) -> Result<Backup, StoreError> {
    let backup: Backup = mac.load(row)?;
    if backup.id == id {
        Ok(backup)
    } else {
        Err(StoreError::Corrupt { table: Backup::TABLE, key: id.to_owned() })
    }
}

/// The backup of that id as this transaction sees it.
pub(crate) async fn load(
    tx: &mut Tx<'_>,
    mac: &RowMac,
    home: &Home,
    id: &str,
) -> Result<Option<Backup>, StoreError> {
    let row = tx.query_opt(FIND, &name_of(home, id)).await?;
    row.map(|row| mac.load_as(&row, &home.arn(id))).transpose()
}

/// At most `most` backups that come after a place in the order of their making, or before it.
pub(crate) async fn list(
    db: &Db,
    mac: &RowMac,
    home: &Home,
    ascending: bool,
    place: (i64, &str),
    most: usize,
) -> Result<Vec<Backup>, StoreError> {
    let statement = if ascending { LIST_UP } else { LIST_DOWN };
    let values = [
        home.account.to_string().into(),
        home.region.into(),
        place.0.into(),
        place.1.into(),
        Value::I64(most as i64),
    ];
    db.query(statement, &values).await?.iter().map(|row| mac.load(row)).collect()
}

/// The backups of a cluster, the newest first.
pub(crate) async fn list_of(
    db: &Db,
    mac: &RowMac,
    home: &Home,
    cluster: &str,
) -> Result<Vec<Backup>, StoreError> {
    db.query(LIST_OF_CLUSTER, &name_of(home, cluster)).await?.iter().map(|row| mac.load(row)).collect()
}

/// The backups of a cluster as this transaction sees them, the newest first.
pub(crate) async fn load_of(
    tx: &mut Tx<'_>,
    mac: &RowMac,
    home: &Home,
    cluster: &str,
) -> Result<Vec<Backup>, StoreError> {
    tx.query(LIST_OF_CLUSTER, &name_of(home, cluster)).await?.iter().map(|row| mac.load(row)).collect()
}

/// When something happens to a backup by itself, and to which: account, Region and id as its row has them.
pub(crate) struct DueRow {
    pub(crate) due_ms: i64,
    pub(crate) name: [String; 3],
}

/// The `most` backups that are due soonest.
pub(crate) async fn list_due(db: &Db, most: u32) -> Result<Vec<DueRow>, StoreError> {
    let rows = db.query(LIST_DUE, &[most.into()]).await?;
    let read = |row: &Row| {
        let name = [row.text("account")?, row.text("region")?, row.text("backup_id")?];
        Ok(DueRow { due_ms: row.i64("due_ms")?, name })
    };
    rows.iter().map(read).collect()
}

/// How many backups have the bytes of that name.
pub(crate) async fn count_of_blob(tx: &mut Tx<'_>, blob: &str) -> Result<i64, StoreError> {
    tx.query_one(COUNT_OF_BLOB, &[blob.into()]).await?.i64("found")
}

/// Backups that are still to be made, of all accounts, the oldest first. What is wrong with one row is no matter
/// of the others.
pub(crate) async fn list_pending(
    db: &Db,
    mac: &RowMac,
) -> Result<Vec<Result<Backup, StoreError>>, StoreError> {
    Ok(db.query(LIST_PENDING, &[]).await?.iter().map(|row| mac.load(row)).collect())
}

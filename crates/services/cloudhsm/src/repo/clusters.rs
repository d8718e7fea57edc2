//! Rows of clusters.

use strongroom_store::{AuthorityRow, Db, Row, RowMac, Statement, StoreError, Tx, Value};

use super::{home_columns, name_of, number, read_home, text, unreadable, unsigned};
use crate::domain::cluster::{Cluster, ClusterState, Evidence, Installed, Mode};
use crate::domain::home::Home;
use crate::domain::tags::Tags;

pub(super) const INSERT: Statement = Statement::new(
    "INSERT INTO cloudhsm_clusters (account, region, cluster_id, version, state, message, created_ms, mode, vpc_id, \
     subnets, security_group, retention_days, source_backup, tags, csr, hsm_certificate, aws_certificate, \
     manufacturer_certificate, cluster_certificate, trust_anchor, next_backup_ms, deleted_ms, mac) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23)",
);
/// The version before comes last: the others are the columns in their order, and the MAC.
pub(super) const UPDATE: Statement = Statement::new(
    "UPDATE cloudhsm_clusters SET version = $4, state = $5, message = $6, created_ms = $7, mode = $8, vpc_id = $9, \
     subnets = $10, security_group = $11, retention_days = $12, source_backup = $13, tags = $14, csr = $15, \
     hsm_certificate = $16, aws_certificate = $17, manufacturer_certificate = $18, cluster_certificate = $19, \
     trust_anchor = $20, next_backup_ms = $21, deleted_ms = $22, mac = $23 \
     WHERE account = $1 AND region = $2 AND cluster_id = $3 AND version = $24",
);
pub(super) const FIND: Statement = Statement::new(
    "SELECT account, region, cluster_id, version, state, message, created_ms, mode, vpc_id, subnets, security_group, \
     retention_days, source_backup, tags, csr, hsm_certificate, aws_certificate, manufacturer_certificate, \
     cluster_certificate, trust_anchor, next_backup_ms, deleted_ms, mac \
     FROM cloudhsm_clusters WHERE account = $1 AND region = $2 AND cluster_id = $3",
);
pub(super) const FIND_BY_ID: Statement = Statement::new(
    "SELECT account, region, cluster_id, version, state, message, created_ms, mode, vpc_id, subnets, security_group, \
     retention_days, source_backup, tags, csr, hsm_certificate, aws_certificate, manufacturer_certificate, \
     cluster_certificate, trust_anchor, next_backup_ms, deleted_ms, mac \
     FROM cloudhsm_clusters WHERE cluster_id = $1",
);
pub(super) const LIST: Statement = Statement::new(
    "SELECT account, region, cluster_id, version, state, message, created_ms, mode, vpc_id, subnets, security_group, \
     retention_days, source_backup, tags, csr, hsm_certificate, aws_certificate, manufacturer_certificate, \
     cluster_certificate, trust_anchor, next_backup_ms, deleted_ms, mac \
     FROM cloudhsm_clusters WHERE account = $1 AND region = $2 AND cluster_id > $3 ORDER BY cluster_id LIMIT $4",
);
pub(super) const LIST_UNSETTLED: Statement = Statement::new(
    "SELECT account, region, cluster_id, version, state, message, created_ms, mode, vpc_id, subnets, security_group, \
     retention_days, source_backup, tags, csr, hsm_certificate, aws_certificate, manufacturer_certificate, \
     cluster_certificate, trust_anchor, next_backup_ms, deleted_ms, mac \
     FROM cloudhsm_clusters WHERE state <> 'DELETED' AND cluster_id > $1 ORDER BY cluster_id LIMIT $2",
);
pub(super) const LIST_DUE: Statement = Statement::new(
    "SELECT account, region, cluster_id, next_backup_ms FROM cloudhsm_clusters WHERE next_backup_ms IS NOT NULL \
     ORDER BY next_backup_ms, cluster_id LIMIT $1",
);
pub(super) const COUNT: Statement = Statement::new(
    "SELECT COUNT(*) AS found FROM cloudhsm_clusters WHERE account = $1 AND region = $2 AND state <> 'DELETED'",
);

impl AuthorityRow for Cluster {
    const TABLE: &'static str = "cloudhsm_clusters";

    fn columns(&self) -> Vec<(&'static str, Value)> {
        let (evidence, installed) = (self.evidence.as_ref(), self.installed.as_ref());
        let subnets = serde_json::Value::from_iter(self.subnets.clone()).to_string();
        let mut columns = home_columns(&self.home).to_vec();
        columns.extend([
            ("cluster_id", Value::from(&self.id)),
            ("version", self.version.into()),
            ("state", self.state.as_str().into()),
            ("message", text(self.message.clone())),
            ("created_ms", self.created_ms.into()),
            ("mode", self.mode.as_str().into()),
            ("vpc_id", Value::from(&self.vpc_id)),
            ("subnets", subnets.into()),
            ("security_group", Value::from(&self.security_group)),
            ("retention_days", self.retention_days.into()),
            ("source_backup", text(self.source_backup.clone())),
            ("tags", text(self.tags.to_column())),
            ("csr", text(evidence.map(|evidence| evidence.csr.clone()))),
            ("hsm_certificate", text(evidence.map(|evidence| evidence.hsm_certificate.clone()))),
            ("aws_certificate", text(evidence.map(|evidence| evidence.aws_certificate.clone()))),
            (
                "manufacturer_certificate",
                text(evidence.map(|evidence| evidence.manufacturer_certificate.clone())),
            ),
            ("cluster_certificate", text(installed.map(|installed| installed.certificate.clone()))),
            ("trust_anchor", text(installed.map(|installed| installed.trust_anchor.clone()))),
            ("next_backup_ms", number(self.next_backup_ms)),
            ("deleted_ms", number(self.deleted_ms)),
        ]);
        columns
    }

    fn key(&self) -> String {
        self.home.arn(&self.id)
    }

    fn read(row: &Row) -> Result<Self, StoreError> {
        let state = ClusterState::parse(&row.text("state")?);
        let mode = Mode::parse(&row.text("mode")?);
        let subnets = serde_json::from_str(&row.text("subnets")?);
        let tags = Tags::from_column(row.opt_text("tags")?.as_deref());
        Ok(Self {
            home: read_home(row)?,
            id: row.text("cluster_id")?,
            version: row.i64("version")?,
            created_ms: row.i64("created_ms")?,
            state: state.ok_or_else(|| unreadable("state", "no state of a cluster"))?,
            message: row.opt_text("message")?,
            mode: mode.ok_or_else(|| unreadable("mode", "no mode"))?,
            vpc_id: row.text("vpc_id")?,
            subnets: subnets.map_err(|error| unreadable("subnets", error))?,
            security_group: row.text("security_group")?,
            retention_days: unsigned("retention_days", row.i64("retention_days")?)?,
            source_backup: row.opt_text("source_backup")?,
            tags: tags.map_err(|error| unreadable("tags", error))?,
            evidence: read_evidence(row)?,
            installed: read_installed(row)?,
            next_backup_ms: row.opt_i64("next_backup_ms")?,
            deleted_ms: row.opt_i64("deleted_ms")?,
        })
    }
}

fn read_evidence(row: &Row) -> Result<Option<Evidence>, StoreError> {
    let Some(csr) = row.opt_text("csr")? else { return Ok(None) };
    Ok(Some(Evidence {
        csr,
        hsm_certificate: row.text("hsm_certificate")?,
        aws_certificate: row.text("aws_certificate")?,
        manufacturer_certificate: row.text("manufacturer_certificate")?,
    }))
}

/// The two columns in which clusters and backups keep what their owner installed.
pub(super) fn read_installed(row: &Row) -> Result<Option<Installed>, StoreError> {
    let Some(certificate) = row.opt_text("cluster_certificate")? else { return Ok(None) };
    Ok(Some(Installed { certificate, trust_anchor: row.text("trust_anchor")? }))
}

/// Adds a cluster.
pub(crate) async fn insert(tx: &mut Tx<'_>, mac: &RowMac, cluster: &Cluster) -> Result<(), StoreError> {
    tx.execute(INSERT, &mac.values(cluster)).await.map(drop)
}

/// Writes a cluster that this transaction loaded. Its version counts up, as it does with every change to what
/// hangs on the cluster: of two changes at once that each look sound, one is made anew.
pub(crate) async fn replace(tx: &mut Tx<'_>, mac: &RowMac, cluster: &mut Cluster) -> Result<(), StoreError> {
    let before = cluster.version;
    cluster.version += 1;
    let mut values = mac.values(cluster);
    values.push(before.into());
    tx.compare_and_set(UPDATE, &values).await
}

/// The cluster of that id.
pub(crate) async fn find(
    db: &Db,
    mac: &RowMac,
    home: &Home,
    id: &str,
) -> Result<Option<Cluster>, StoreError> {
    let row = db.query_opt(FIND, &name_of(home, id)).await?;
    row.map(|row| mac.load_as(&row, &home.arn(id))).transpose()
}

/// The cluster of that id, whosever it is.
pub(crate) async fn find_by_id(db: &Db, mac: &RowMac, id: &str) -> Result<Option<Cluster>, StoreError> {
    let Some(row) = db.query_opt(FIND_BY_ID, &[id.into()]).await? else { return Ok(None) };
    let cluster: Cluster = mac.load(&row)?;
    if cluster.id == id {
        Ok(Some(cluster))
    } else {
        Err(StoreError::Corrupt { table: Cluster::TABLE, key: id.to_owned() })
    }
}

/// The cluster of that id as this transaction sees it.
pub(crate) async fn load(
    tx: &mut Tx<'_>,
    mac: &RowMac,
    home: &Home,
    id: &str,
) -> Result<Option<Cluster>, StoreError> {
    let row = tx.query_opt(FIND, &name_of(home, id)).await?;
    row.map(|row| mac.load_as(&row, &home.arn(id))).transpose()
}

/// At most `most` clusters whose ids come after `after`, in order.
pub(crate) async fn list(
    db: &Db,
    mac: &RowMac,
    home: &Home,
    after: &str,
    most: usize,
) -> Result<Vec<Cluster>, StoreError> {
    let values = [home.account.to_string().into(), home.region.into(), after.into(), Value::I64(most as i64)];
    db.query(LIST, &values).await?.iter().map(|row| mac.load(row)).collect()
}

/// At most `most` clusters of all accounts that are not gone, whose ids come after `after`, in order. Each with
/// the id that its row has; what is wrong with one row is no matter of the others.
pub(crate) async fn list_unsettled(
    db: &Db,
    mac: &RowMac,
    after: &str,
    most: usize,
) -> Result<Vec<(String, Result<Cluster, StoreError>)>, StoreError> {
    let rows = db.query(LIST_UNSETTLED, &[after.into(), Value::I64(most as i64)]).await?;
    rows.iter().map(|row| Ok((row.text("cluster_id")?, mac.load(row)))).collect()
}

/// When a cluster is due for its daily backup, and which: account, Region and id as its row has them.
pub(crate) struct DueRow {
    pub(crate) due_ms: i64,
    pub(crate) name: [String; 3],
}

/// The `most` clusters that are due soonest.
pub(crate) async fn list_due(db: &Db, most: u32) -> Result<Vec<DueRow>, StoreError> {
    let rows = db.query(LIST_DUE, &[most.into()]).await?;
    let read = |row: &Row| {
        let name = [row.text("account")?, row.text("region")?, row.text("cluster_id")?];
        Ok(DueRow { due_ms: row.i64("next_backup_ms")?, name })
    };
    rows.iter().map(read).collect()
}

/// How many clusters the account has there.
pub(crate) async fn count(tx: &mut Tx<'_>, home: &Home) -> Result<i64, StoreError> {
    tx.query_one(COUNT, &[home.account.to_string().into(), home.region.into()]).await?.i64("found")
}

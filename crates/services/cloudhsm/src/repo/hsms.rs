//! Rows of HSMs.

use strongroom_store::{AuthorityRow, Db, Row, RowMac, Statement, StoreError, Tx, Value};

use super::{bytes, digest, home_columns, name_of, read_home, text, unreadable};
use crate::domain::home::Home;
use crate::domain::hsm::{Hsm, HsmState};

pub(super) const INSERT: Statement = Statement::new(
    "INSERT INTO cloudhsm_hsms (account, region, cluster_id, hsm_id, version, state, message, created_ms, zone, \
     subnet_id, eni_id, eni_ip, token_digest, device, mac) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
);
/// The version before comes last.
pub(super) const UPDATE: Statement = Statement::new(
    "UPDATE cloudhsm_hsms SET version = $5, state = $6, message = $7, created_ms = $8, zone = $9, subnet_id = $10, \
     eni_id = $11, eni_ip = $12, token_digest = $13, device = $14, mac = $15 \
     WHERE account = $1 AND region = $2 AND cluster_id = $3 AND hsm_id = $4 AND version = $16",
);
pub(super) const DELETE: Statement = Statement::new("DELETE FROM cloudhsm_hsms WHERE hsm_id = $1");
pub(super) const FIND_BY_ID: Statement = Statement::new(
    "SELECT account, region, cluster_id, hsm_id, version, state, message, created_ms, zone, subnet_id, eni_id, \
     eni_ip, token_digest, device, mac FROM cloudhsm_hsms WHERE hsm_id = $1",
);
pub(super) const LIST_OF_CLUSTER: Statement = Statement::new(
    "SELECT account, region, cluster_id, hsm_id, version, state, message, created_ms, zone, subnet_id, eni_id, \
     eni_ip, token_digest, device, mac FROM cloudhsm_hsms \
     WHERE account = $1 AND region = $2 AND cluster_id = $3 ORDER BY created_ms, hsm_id LIMIT 64",
);
pub(super) const COUNT: Statement =
    Statement::new("SELECT COUNT(*) AS found FROM cloudhsm_hsms WHERE account = $1 AND region = $2");

impl AuthorityRow for Hsm {
    const TABLE: &'static str = "cloudhsm_hsms";

    fn columns(&self) -> Vec<(&'static str, Value)> {
        let mut columns = home_columns(&self.home).to_vec();
        columns.extend([
            ("cluster_id", Value::from(&self.cluster_id)),
            ("hsm_id", Value::from(&self.id)),
            ("version", self.version.into()),
            ("state", self.state.as_str().into()),
            ("message", text(self.message.clone())),
            ("created_ms", self.created_ms.into()),
            ("zone", Value::from(&self.zone)),
            ("subnet_id", Value::from(&self.subnet_id)),
            ("eni_id", Value::from(&self.eni_id)),
            ("eni_ip", self.eni_ip.to_string().into()),
            ("token_digest", bytes(self.token_digest)),
            ("device", bytes(self.device)),
        ]);
        columns
    }

    fn key(&self) -> String {
        self.home.arn(&self.id)
    }

    fn read(row: &Row) -> Result<Self, StoreError> {
        let state = HsmState::parse(&row.text("state")?);
        Ok(Self {
            home: read_home(row)?,
            cluster_id: row.text("cluster_id")?,
            id: row.text("hsm_id")?,
            version: row.i64("version")?,
            created_ms: row.i64("created_ms")?,
            state: state.ok_or_else(|| unreadable("state", "no state of an HSM"))?,
            message: row.opt_text("message")?,
            zone: row.text("zone")?,
            subnet_id: row.text("subnet_id")?,
            eni_id: row.text("eni_id")?,
            eni_ip: row.parse("eni_ip")?,
            token_digest: digest("token_digest", row)?,
            device: digest("device", row)?,
        })
    }
}

/// Adds an HSM.
pub(crate) async fn insert(tx: &mut Tx<'_>, mac: &RowMac, hsm: &Hsm) -> Result<(), StoreError> {
    tx.execute(INSERT, &mac.values(hsm)).await.map(drop)
}

/// Writes an HSM that this transaction loaded.
pub(crate) async fn replace(tx: &mut Tx<'_>, mac: &RowMac, hsm: &mut Hsm) -> Result<(), StoreError> {
    let before = hsm.version;
    hsm.version += 1;
    let mut values = mac.values(hsm);
    values.push(before.into());
    tx.compare_and_set(UPDATE, &values).await
}

/// Removes an HSM.
pub(crate) async fn delete(tx: &mut Tx<'_>, id: &str) -> Result<(), StoreError> {
    tx.execute(DELETE, &[id.into()]).await.map(drop)
}

fn read_as(mac: &RowMac, row: &Row, id: &str) -> Result<Hsm, StoreError> {
    let hsm: Hsm = mac.load(row)?;
    if hsm.id == id { Ok(hsm) } else { Err(StoreError::Corrupt { table: Hsm::TABLE, key: id.to_owned() }) }
}

/// The HSM of that id.
pub(crate) async fn find(db: &Db, mac: &RowMac, id: &str) -> Result<Option<Hsm>, StoreError> {
    let row = db.query_opt(FIND_BY_ID, &[id.into()]).await?;
    row.map(|row| read_as(mac, &row, id)).transpose()
}

/// The HSM of that id as this transaction sees it.
pub(crate) async fn load(tx: &mut Tx<'_>, mac: &RowMac, id: &str) -> Result<Option<Hsm>, StoreError> {
    let row = tx.query_opt(FIND_BY_ID, &[id.into()]).await?;
    row.map(|row| read_as(mac, &row, id)).transpose()
}

/// The HSMs of a cluster, in the order in which they were made.
pub(crate) async fn list(db: &Db, mac: &RowMac, home: &Home, cluster: &str) -> Result<Vec<Hsm>, StoreError> {
    let rows = db.query(LIST_OF_CLUSTER, &name_of(home, cluster)).await?;
    rows.iter().map(|row| of_cluster(mac.load(row)?, cluster)).collect()
}

/// The HSMs of a cluster as this transaction sees them.
pub(crate) async fn load_all(
    tx: &mut Tx<'_>,
    mac: &RowMac,
    home: &Home,
    cluster: &str,
) -> Result<Vec<Hsm>, StoreError> {
    let rows = tx.query(LIST_OF_CLUSTER, &name_of(home, cluster)).await?;
    rows.iter().map(|row| of_cluster(mac.load(row)?, cluster)).collect()
}

fn of_cluster(hsm: Hsm, cluster: &str) -> Result<Hsm, StoreError> {
    if hsm.cluster_id == cluster {
        Ok(hsm)
    } else {
        Err(StoreError::Corrupt { table: Hsm::TABLE, key: hsm.key() })
    }
}

/// How many HSMs the account has there.
pub(crate) async fn count(tx: &mut Tx<'_>, home: &Home) -> Result<i64, StoreError> {
    tx.query_one(COUNT, &[home.account.to_string().into(), home.region.into()]).await?.i64("found")
}

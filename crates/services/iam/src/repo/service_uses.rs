//! Rows of the last call of each user and role to each service. They grant nothing and come from the journal, so they
//! carry no MAC.

use std::collections::HashMap;

use strongroom_identity::AccountId;
use strongroom_store::{Db, Statement, StoreError, Tx};

use crate::uses::{EntityKey, RegionalUse};

/// A user or role that is gone has no row. Uses within fifteen minutes of each other count as one, as those of access
/// keys do.
pub(super) const PUT: Statement = Statement::new(
    "INSERT INTO iam_service_uses (entity_id, service, region, used_ms) \
     SELECT CAST($2 AS TEXT), CAST($3 AS TEXT), CAST($4 AS TEXT), CAST($5 AS BIGINT) \
     WHERE EXISTS (SELECT 1 FROM iam_entities WHERE account = $1 AND entity_id = $2) \
     ON CONFLICT (entity_id, service) DO UPDATE SET region = excluded.region, used_ms = excluded.used_ms \
     WHERE excluded.used_ms >= iam_service_uses.used_ms + 900000",
);
pub(super) const LIST: Statement = Statement::new(
    "SELECT used.entity_id AS entity_id, used.service AS service, used.region AS region, used.used_ms AS used_ms \
     FROM iam_service_uses used JOIN iam_entities kept ON kept.entity_id = used.entity_id WHERE kept.account = $1",
);
pub(super) const DELETE: Statement = Statement::new("DELETE FROM iam_service_uses WHERE entity_id = $1");

/// The last use of a service by a user or role.
pub(crate) async fn put(
    tx: &mut Tx<'_>,
    EntityKey { account, id }: &EntityKey,
    service: &str,
    RegionalUse { region, used_ms }: &RegionalUse,
) -> Result<(), StoreError> {
    let values = [account.into(), id.into(), service.into(), region.into(), (*used_ms).into()];
    tx.execute(PUT, &values).await.map(drop)
}

/// The last uses of services by all of an account's users and roles, by their ids and the service.
pub(crate) async fn of_account(
    db: &Db,
    account: AccountId,
) -> Result<HashMap<(String, String), RegionalUse>, StoreError> {
    let rows = db.query(LIST, &[account.to_string().into()]).await?;
    let uses = rows.iter().map(|row| {
        let used = RegionalUse { region: row.text("region")?, used_ms: row.i64("used_ms")? };
        Ok(((row.text("entity_id")?, row.text("service")?), used))
    });
    uses.collect()
}

/// Forgets the uses of a user or role that is deleted.
pub(crate) async fn delete(tx: &mut Tx<'_>, entity_id: &str) -> Result<(), StoreError> {
    tx.execute(DELETE, &[entity_id.into()]).await.map(drop)
}

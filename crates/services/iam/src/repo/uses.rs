//! Rows of last uses of access keys and roles, and how far the journal has been read for them. They grant nothing and come
//! from the journal, so they carry no MAC.

use std::collections::BTreeMap;

use strongroom_identity::AccountId;
use strongroom_journal::Position;
use strongroom_store::{Db, Statement, StoreError, Tx};

use crate::uses::{EntityKey, RegionalUse, Use};

pub(super) const FIND: Statement =
    Statement::new("SELECT service, region, used_ms FROM iam_key_uses WHERE access_key_id = $1");
/// Uses within fifteen minutes of each other count as one (IAM API Reference, "AccessKeyLastUsed"). What signs and is
/// no access key that is kept, as temporary credentials are, has no row: there is no end of them.
pub(super) const PUT: Statement = Statement::new(
    "INSERT INTO iam_key_uses (access_key_id, service, region, used_ms) \
     SELECT CAST($1 AS TEXT), CAST($2 AS TEXT), CAST($3 AS TEXT), CAST($4 AS BIGINT) \
     WHERE EXISTS (SELECT 1 FROM iam_access_keys WHERE access_key_id = $1) \
     ON CONFLICT (access_key_id) DO UPDATE \
     SET service = excluded.service, region = excluded.region, used_ms = excluded.used_ms \
     WHERE excluded.used_ms >= iam_key_uses.used_ms + 900000",
);
pub(super) const DELETE: Statement = Statement::new("DELETE FROM iam_key_uses WHERE access_key_id = $1");
pub(super) const LIST: Statement = Statement::new(
    "SELECT used.access_key_id AS access_key_id, used.service AS service, used.region AS region, \
     used.used_ms AS used_ms FROM iam_key_uses used \
     JOIN iam_access_keys kept ON kept.access_key_id = used.access_key_id WHERE kept.account = $1",
);
/// A role that is gone has no row.
pub(super) const PUT_OF_ROLE: Statement = Statement::new(
    "INSERT INTO iam_role_uses (role_id, region, used_ms) \
     SELECT CAST($2 AS TEXT), CAST($3 AS TEXT), CAST($4 AS BIGINT) \
     WHERE EXISTS (SELECT 1 FROM iam_entities WHERE account = $1 AND entity_id = $2) \
     ON CONFLICT (role_id) DO UPDATE SET region = excluded.region, used_ms = excluded.used_ms \
     WHERE excluded.used_ms >= iam_role_uses.used_ms + 900000",
);
pub(super) const FIND_OF_ROLE: Statement =
    Statement::new("SELECT region, used_ms FROM iam_role_uses WHERE role_id = $1");
pub(super) const LIST_OF_ROLES: Statement = Statement::new(
    "SELECT used.role_id AS role_id, used.region AS region, used.used_ms AS used_ms FROM iam_role_uses used \
     JOIN iam_entities kept ON kept.entity_id = used.role_id WHERE kept.account = $1",
);
pub(super) const DELETE_OF_ROLE: Statement = Statement::new("DELETE FROM iam_role_uses WHERE role_id = $1");
pub(super) const FIND_READING: Statement =
    Statement::new("SELECT stream, record FROM iam_readings WHERE journal = $1");
pub(super) const BEGIN_READING: Statement = Statement::new(
    "INSERT INTO iam_readings (journal, stream, record) VALUES ($1, $2, $3) ON CONFLICT (journal) DO NOTHING",
);
pub(super) const MOVE_READING: Statement = Statement::new(
    "UPDATE iam_readings SET stream = $2, record = $3 WHERE journal = $1 AND stream = $4 AND record = $5",
);

/// The last use of an access key that is known.
pub(crate) async fn find(db: &Db, access_key_id: &str) -> Result<Option<Use>, StoreError> {
    let Some(row) = db.query_opt(FIND, &[access_key_id.into()]).await? else { return Ok(None) };
    let (service, region) = (row.text("service")?, row.text("region")?);
    Ok(Some(Use { service, region, used_ms: row.i64("used_ms")? }))
}

/// The record up to which the journal of that name has been read.
pub(crate) async fn reading(db: &Db, journal: &str) -> Result<Option<Position>, StoreError> {
    let Some(row) = db.query_opt(FIND_READING, &[journal.into()]).await? else { return Ok(None) };
    let stream = row.text("stream")?.parse().map_err(|error| super::unreadable("stream", Box::new(error)))?;
    Ok(Some(Position { stream, record: row.i64("record")? as u64 }))
}

/// The last uses of an account's access keys, by their ids.
pub(crate) async fn of_account(db: &Db, account: AccountId) -> Result<BTreeMap<String, Use>, StoreError> {
    let rows = db.query(LIST, &[account.to_string().into()]).await?;
    let uses = rows.iter().map(|row| {
        let (service, region) = (row.text("service")?, row.text("region")?);
        Ok((row.text("access_key_id")?, Use { service, region, used_ms: row.i64("used_ms")? }))
    });
    uses.collect()
}

/// The last uses of an account's roles, by their ids.
pub(crate) async fn of_roles(
    db: &Db,
    account: AccountId,
) -> Result<BTreeMap<String, RegionalUse>, StoreError> {
    let rows = db.query(LIST_OF_ROLES, &[account.to_string().into()]).await?;
    let uses = rows.iter().map(|row| {
        Ok((row.text("role_id")?, RegionalUse { region: row.text("region")?, used_ms: row.i64("used_ms")? }))
    });
    uses.collect()
}

/// The last use of a role that is known.
pub(crate) async fn of_role(db: &Db, role_id: &str) -> Result<Option<RegionalUse>, StoreError> {
    let Some(row) = db.query_opt(FIND_OF_ROLE, &[role_id.into()]).await? else { return Ok(None) };
    Ok(Some(RegionalUse { region: row.text("region")?, used_ms: row.i64("used_ms")? }))
}

/// Forgets the last use of a role that is deleted.
pub(crate) async fn delete_of_role(tx: &mut Tx<'_>, role_id: &str) -> Result<(), StoreError> {
    tx.execute(DELETE_OF_ROLE, &[role_id.into()]).await.map(drop)
}

/// How far a server's journal has been read on.
#[derive(Clone, Copy)]
pub(crate) struct Moved<'c> {
    /// The server's name among those on the store.
    pub(crate) chain: &'c str,
    /// Up to where it had been read.
    pub(crate) after: Option<Position>,
    /// Up to where it was read now.
    pub(crate) end: Position,
}

/// What a stretch of a journal tells.
pub(crate) struct Told<'s> {
    pub(crate) uses: &'s [(String, Use)],
    pub(crate) roles: &'s [(EntityKey, RegionalUse)],
    pub(crate) services: &'s [((EntityKey, String), RegionalUse)],
}

/// Keeps what was read of a journal. Answers whether it was: another server may have read the same.
pub(crate) async fn keep(
    tx: &mut Tx<'_>,
    told: &Told<'_>,
    Moved { chain, after, end }: Moved<'_>,
) -> Result<bool, StoreError> {
    let place = |position: Position| [position.stream.to_string().into(), (position.record as i64).into()];
    let [stream, record] = place(end);
    let moved = match after.map(place) {
        None => tx.execute(BEGIN_READING, &[chain.into(), stream, record]).await?,
        Some([from, after]) => tx.execute(MOVE_READING, &[chain.into(), stream, record, from, after]).await?,
    };
    if moved == 0 {
        return Ok(false);
    }
    for ((entity, service), used) in told.services {
        super::service_uses::put(tx, entity, service, used).await?;
    }
    for (EntityKey { account, id }, RegionalUse { region, used_ms }) in told.roles {
        let values = [account.into(), id.into(), region.into(), (*used_ms).into()];
        tx.execute(PUT_OF_ROLE, &values).await?;
    }
    for (access_key_id, Use { service, region, used_ms }) in told.uses {
        let values = [access_key_id.into(), service.into(), region.into(), (*used_ms).into()];
        tx.execute(PUT, &values).await?;
    }
    Ok(true)
}

/// Forgets the last use of an access key that is deleted.
pub(crate) async fn delete(tx: &mut Tx<'_>, access_key_id: &str) -> Result<(), StoreError> {
    tx.execute(DELETE, &[access_key_id.into()]).await.map(drop)
}

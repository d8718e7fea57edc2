//! Rows of grants.

use std::collections::BTreeSet;

use strongroom_store::{AuthorityRow, Db, Row, RowMac, Statement, StoreError, Tx, Type, Value};

use super::{home_columns, name_of, read_home, topics};
use crate::domain::grant::{Grant, Party, Terms};
use crate::domain::identifier::Home;

/// The columns, in the order of [`AuthorityRow::columns`].
macro_rules! columns {
    () => {
        "account, region, key_id, grant_id, created_ms, name, grantee, retiring, terms, fingerprint, mac"
    };
}

pub(super) const INSERT: Statement = Statement::new(concat!(
    "INSERT INTO kms_grants (",
    columns!(),
    ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"
));
pub(super) const FIND: Statement = Statement::new(concat!(
    "SELECT ",
    columns!(),
    " FROM kms_grants WHERE account = $1 AND region = $2 AND key_id = $3 AND grant_id = $4"
));
pub(super) const FIND_SAME: Statement = Statement::new(concat!(
    "SELECT ",
    columns!(),
    " FROM kms_grants WHERE account = $1 AND region = $2 AND key_id = $3 AND fingerprint = $4 ORDER BY grant_id LIMIT 1"
));
pub(super) const LIST: Statement = Statement::new(concat!(
    "SELECT ",
    columns!(),
    " FROM kms_grants WHERE account = $1 AND region = $2 AND key_id = $3 AND grant_id > $4 \
     ORDER BY grant_id LIMIT $5"
));
pub(super) const LIST_TO: Statement = Statement::new(concat!(
    "SELECT ",
    columns!(),
    " FROM kms_grants WHERE account = $1 AND region = $2 AND key_id = $3 AND grant_id > $4 AND grantee = $6 \
     ORDER BY grant_id LIMIT $5"
));
/// Ids of grants are random, and unique among all keys.
pub(super) const LIST_RETIRABLE: Statement = Statement::new(concat!(
    "SELECT ",
    columns!(),
    " FROM kms_grants WHERE retiring = $1 AND region = $2 AND grant_id > $3 ORDER BY grant_id LIMIT $4"
));
pub(super) const DELETE: Statement = Statement::new(
    "DELETE FROM kms_grants WHERE account = $1 AND region = $2 AND key_id = $3 AND grant_id = $4",
);
pub(super) const DELETE_OF_KEY: Statement = Statement::new(
    "DELETE FROM kms_grants WHERE account = $1 AND region = $2 AND key_id = $3 RETURNING grantee",
);

impl AuthorityRow for Grant {
    const TABLE: &'static str = "kms_grants";

    fn columns(&self) -> Vec<(&'static str, Value)> {
        let text = |text: Option<&str>| text.map_or(Value::Null(Type::Text), Value::from);
        let Self { home, key_id, id, created_ms, terms } = self;
        let mut columns = home_columns(home).to_vec();
        columns.extend([
            ("key_id", Value::from(key_id)),
            ("grant_id", Value::from(id)),
            ("created_ms", (*created_ms).into()),
            ("name", text(terms.name.as_deref())),
            ("grantee", terms.grantee.identity().into()),
            ("retiring", text(terms.retiring.as_ref().map(Party::identity))),
            ("terms", terms.to_column().into()),
            ("fingerprint", terms.fingerprint().map_or(Value::Null(Type::Blob), Value::from)),
        ]);
        columns
    }

    fn key(&self) -> String {
        Self::label(&self.home, &self.key_id, &self.id)
    }

    fn read(row: &Row) -> Result<Self, StoreError> {
        let (name, terms) = (row.opt_text("name")?, row.text("terms")?);
        let terms = Terms::from_column(&terms, name, row.text("grantee")?, row.opt_text("retiring")?)
            .ok_or_else(|| unreadable("terms", "no terms of a grant"))?;
        // Derived from the rest, and so not in the grant; but it says which grant a request is for.
        if row.opt_blob("fingerprint")?.as_deref() != terms.fingerprint().as_ref().map(<[u8; 32]>::as_slice) {
            return Err(unreadable("fingerprint", "it contradicts the rest of the row"));
        }
        Ok(Self {
            home: read_home(row)?,
            key_id: row.text("key_id")?,
            id: row.text("grant_id")?,
            created_ms: row.i64("created_ms")?,
            terms,
        })
    }
}

fn unreadable(column: &str, why: &'static str) -> StoreError {
    StoreError::Column { column: column.to_owned(), source: why.into() }
}

/// Adds a grant. The key's count of them is not this function's.
pub(crate) async fn insert(tx: &mut Tx<'_>, mac: &RowMac, grant: &Grant) -> Result<(), StoreError> {
    tx.execute(INSERT, &mac.values(grant)).await?;
    announce(tx, grant).await
}

/// Removes a grant.
pub(crate) async fn delete(tx: &mut Tx<'_>, grant: &Grant) -> Result<(), StoreError> {
    tx.execute(DELETE, &one(&grant.home, &grant.key_id, &grant.id)).await?;
    announce(tx, grant).await
}

async fn announce(tx: &mut Tx<'_>, grant: &Grant) -> Result<(), StoreError> {
    topics::announce_grants(tx, &grant.home, &grant.key_id, grant.terms.grantee.identity()).await
}

/// Removes all grants of a key, and answers to whose identities they were.
pub(crate) async fn delete_of_key(
    tx: &mut Tx<'_>,
    home: &Home,
    key_id: &str,
) -> Result<Vec<String>, StoreError> {
    let rows = tx.query(DELETE_OF_KEY, &name_of(home, key_id)).await?;
    let grantees = rows.iter().map(|row| row.text("grantee")).collect::<Result<BTreeSet<_>, _>>()?;
    topics::announce_all_grants(tx, home, key_id, &grantees).await?;
    Ok(grantees.into_iter().collect())
}

/// The grant of that id as this transaction sees it.
pub(crate) async fn load(
    tx: &mut Tx<'_>,
    mac: &RowMac,
    home: &Home,
    key_id: &str,
    id: &str,
) -> Result<Option<Grant>, StoreError> {
    let row = tx.query_opt(FIND, &one(home, key_id, id)).await?;
    row.map(|row| mac.load_as(&row, &Grant::label(home, key_id, id))).transpose()
}

/// The grant with these terms, if they have a name and there is one.
pub(crate) async fn load_same(
    tx: &mut Tx<'_>,
    mac: &RowMac,
    home: &Home,
    key_id: &str,
    terms: &Terms,
) -> Result<Option<Grant>, StoreError> {
    let Some(fingerprint) = terms.fingerprint() else { return Ok(None) };
    let [account, region, key] = name_of(home, key_id);
    let Some(row) = tx.query_opt(FIND_SAME, &[account, region, key, fingerprint.into()]).await? else {
        return Ok(None);
    };
    let grant = of_key(mac, &row, home, key_id)?;
    Ok((grant.terms == *terms).then_some(grant))
}

/// At most `most` grants of a key to one identity that come after `after`, in order, as this transaction sees them.
pub(crate) async fn load_to(
    tx: &mut Tx<'_>,
    mac: &RowMac,
    (home, key_id, grantee): (&Home, &str, &str),
    after: &str,
    most: usize,
) -> Result<Vec<Grant>, StoreError> {
    let rows = tx.query(LIST_TO, &to(home, key_id, after, most as i64, grantee)).await?;
    rows.iter().map(|row| held_by(mac, row, home, key_id, grantee)).collect()
}

/// The grant of that id.
pub(crate) async fn find(
    db: &Db,
    mac: &RowMac,
    home: &Home,
    key_id: &str,
    id: &str,
) -> Result<Option<Grant>, StoreError> {
    let row = db.query_opt(FIND, &one(home, key_id, id)).await?;
    row.map(|row| mac.load_as(&row, &Grant::label(home, key_id, id))).transpose()
}

/// At most `most` grants of a key that come after `after`, in order; those to one identity, if one is named.
pub(crate) async fn list(
    db: &Db,
    mac: &RowMac,
    home: &Home,
    key_id: &str,
    grantee: Option<&str>,
    after: &str,
    most: usize,
) -> Result<Vec<Grant>, StoreError> {
    let most = most as i64;
    let Some(grantee) = grantee else {
        let [account, region, key] = name_of(home, key_id);
        let rows = db.query(LIST, &[account, region, key, after.into(), most.into()]).await?;
        return rows.iter().map(|row| of_key(mac, row, home, key_id)).collect();
    };
    let rows = db.query(LIST_TO, &to(home, key_id, after, most, grantee)).await?;
    rows.iter().map(|row| held_by(mac, row, home, key_id, grantee)).collect()
}

/// At most `most` grants of whatever keys of a Region that come after `after` and that one identity may retire.
pub(crate) async fn list_retirable(
    db: &Db,
    mac: &RowMac,
    region: &str,
    retiring: &str,
    after: &str,
    most: usize,
) -> Result<Vec<Grant>, StoreError> {
    let values = [retiring.into(), region.into(), after.into(), Value::I64(most as i64)];
    let rows = db.query(LIST_RETIRABLE, &values).await?;
    let is_asked = |grant: &Grant| {
        grant.home.region == region
            && grant.terms.retiring.as_ref().is_some_and(|party| party.identity() == retiring)
    };
    rows.iter().map(|row| believed(mac.load(row)?, is_asked)).collect()
}

fn one(home: &Home, key_id: &str, id: &str) -> [Value; 4] {
    let [account, region, key] = name_of(home, key_id);
    [account, region, key, id.into()]
}

fn to(home: &Home, key_id: &str, after: &str, most: i64, grantee: &str) -> [Value; 6] {
    let [account, region, key] = name_of(home, key_id);
    [account, region, key, after.into(), most.into(), grantee.into()]
}

fn of_key(mac: &RowMac, row: &Row, home: &Home, key_id: &str) -> Result<Grant, StoreError> {
    believed(mac.load(row)?, |grant: &Grant| grant.home == *home && grant.key_id == key_id)
}

fn held_by(mac: &RowMac, row: &Row, home: &Home, key_id: &str, grantee: &str) -> Result<Grant, StoreError> {
    believed(of_key(mac, row, home, key_id)?, |grant| grant.terms.grantee.identity() == grantee)
}

/// A grant that is one of those that were asked for.
fn believed(grant: Grant, is_asked: impl Fn(&Grant) -> bool) -> Result<Grant, StoreError> {
    if is_asked(&grant) {
        Ok(grant)
    } else {
        Err(StoreError::Corrupt { table: Grant::TABLE, key: grant.key() })
    }
}

//! Rows of buckets.

use strongroom_identity::{AccountId, Region};
use strongroom_store::{AuthorityRow, Db, Row, RowMac, Statement, StoreError, Tx, Value};

use super::{Document, FORMAT, unreadable};
use crate::domain::bucket::{Bucket, Settings};

const INSERT: Statement = Statement::new(
    "INSERT INTO s3_buckets (name, account, region, created_ms, version, format, document, mac) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (name) DO NOTHING",
);
/// The version before comes last: the others are the columns in their order, and the MAC.
const UPDATE: Statement = Statement::new(
    "UPDATE s3_buckets SET account = $2, region = $3, created_ms = $4, version = $5, format = $6, document = $7, mac = $8 \
     WHERE name = $1 AND version = $9",
);
const REMOVE: Statement = Statement::new("DELETE FROM s3_buckets WHERE name = $1 AND version = $2");
const FIND: Statement = Statement::new(
    "SELECT name, account, region, created_ms, version, format, document, mac FROM s3_buckets WHERE name = $1",
);
const LIST: Statement = Statement::new(
    "SELECT name, account, region, created_ms, version, format, document, mac FROM s3_buckets \
     WHERE account = $1 AND name >= $2 ORDER BY name LIMIT $3",
);
const COUNT: Statement = Statement::new("SELECT COUNT(*) AS count FROM s3_buckets WHERE account = $1");

pub(super) const STATEMENTS: &[Statement] = &[INSERT, UPDATE, REMOVE, FIND, LIST, COUNT];

/// A row of `s3_buckets`.
struct BucketRow {
    name: String,
    account: AccountId,
    region: Region,
    created_ms: i64,
    version: i64,
    document: Document<Settings>,
}

impl AuthorityRow for BucketRow {
    const TABLE: &'static str = "s3_buckets";

    fn columns(&self) -> Vec<(&'static str, Value)> {
        vec![
            ("name", Value::from(&self.name)),
            ("account", Value::from(self.account.to_string())),
            ("region", Value::from(self.region.name())),
            ("created_ms", Value::from(self.created_ms)),
            ("version", Value::from(self.version)),
            ("format", FORMAT.into()),
            ("document", Value::from(&self.document.text)),
        ]
    }

    fn key(&self) -> String {
        self.name.clone()
    }

    fn read(row: &Row) -> Result<Self, StoreError> {
        let region = Region::named(&row.text("region")?);
        Ok(Self {
            name: row.text("name")?,
            account: row.parse("account")?,
            region: region.ok_or_else(|| unreadable("region", "no Region has that name"))?,
            created_ms: row.i64("created_ms")?,
            version: row.i64("version")?,
            document: Document::read(row)?,
        })
    }
}

impl BucketRow {
    fn of(bucket: &Bucket) -> Result<Self, StoreError> {
        Ok(Self {
            name: bucket.name.clone(),
            account: bucket.account,
            region: bucket.region,
            created_ms: bucket.created_ms,
            version: bucket.version,
            document: Document::new(bucket.settings.clone())?,
        })
    }

    fn into_bucket(self) -> Bucket {
        let Self { name, account, region, created_ms, version, document } = self;
        Bucket::new(name, account, region, created_ms, version, document.content)
    }
}

fn read(mac: &RowMac, name: &str, row: Option<Row>) -> Result<Option<Bucket>, StoreError> {
    match row.map(|row| mac.load::<BucketRow>(&row)).transpose()? {
        Some(row) if row.name != name => {
            Err(StoreError::Corrupt { table: BucketRow::TABLE, key: name.to_owned() })
        }
        row => Ok(row.map(BucketRow::into_bucket)),
    }
}

/// The bucket of that name.
pub(crate) async fn find_bucket(db: &Db, mac: &RowMac, name: &str) -> Result<Option<Bucket>, StoreError> {
    read(mac, name, db.query_opt(FIND, &[name.into()]).await?)
}

/// The same as a transaction sees it.
pub(crate) async fn load_bucket(
    tx: &mut Tx<'_>,
    mac: &RowMac,
    name: &str,
) -> Result<Option<Bucket>, StoreError> {
    read(mac, name, tx.query_opt(FIND, &[name.into()]).await?)
}

/// Adds a bucket. Answers whether it did: not where there is one of that name.
pub(crate) async fn insert_bucket(
    tx: &mut Tx<'_>,
    mac: &RowMac,
    bucket: &Bucket,
) -> Result<bool, StoreError> {
    Ok(tx.execute(INSERT, &mac.values(&BucketRow::of(bucket)?)).await? == 1)
}

/// Writes a bucket whose version was `before`.
pub(crate) async fn replace_bucket(
    tx: &mut Tx<'_>,
    mac: &RowMac,
    bucket: &Bucket,
    before: i64,
) -> Result<(), StoreError> {
    let mut values = mac.values(&BucketRow::of(bucket)?);
    values.push(before.into());
    tx.compare_and_set(UPDATE, &values).await
}

/// Removes a bucket at that version.
pub(crate) async fn remove_bucket(tx: &mut Tx<'_>, name: &str, version: i64) -> Result<(), StoreError> {
    tx.compare_and_set(REMOVE, &[name.into(), version.into()]).await
}

/// How many buckets an account has.
pub(crate) async fn count_buckets(tx: &mut Tx<'_>, account: AccountId) -> Result<i64, StoreError> {
    tx.query_one(COUNT, &[account.to_string().into()]).await?.i64("count")
}

/// Buckets of an account, by name.
pub(crate) struct Buckets {
    pub(crate) account: AccountId,
    /// The first name that may be among them.
    pub(crate) from: String,
    pub(crate) most: i64,
}

impl Buckets {
    pub(crate) async fn list(&self, db: &Db, mac: &RowMac) -> Result<Vec<Bucket>, StoreError> {
        let values = [self.account.to_string().into(), Value::from(&self.from), self.most.into()];
        let rows = db.query(LIST, &values).await?;
        rows.iter().map(|row| Ok(mac.load::<BucketRow>(row)?.into_bucket())).collect()
    }
}

//! Rows of keys that sign digests.

use strongroom_store::{AuthorityRow, Db, Row, RowMac, Statement, StoreError, Value};

/// Keys that are answered at once: one for each month, of more than eighty years.
const MOST: i64 = 1000;

pub(super) const INSERT: Statement = Statement::new(
    "INSERT INTO cloudtrail_keys (region, fingerprint, public_key, private_key, start_ms, end_ms, mac) \
     VALUES ($1, $2, $3, $4, $5, $6, $7)",
);
pub(super) const IN_RANGE: Statement = Statement::new(
    "SELECT region, fingerprint, public_key, private_key, start_ms, end_ms, mac FROM cloudtrail_keys \
     WHERE region = $1 AND start_ms <= $3 AND end_ms >= $2 ORDER BY start_ms, fingerprint LIMIT $4",
);
pub(super) const AT: Statement = Statement::new(
    "SELECT region, fingerprint, public_key, private_key, start_ms, end_ms, mac FROM cloudtrail_keys \
     WHERE region = $1 AND start_ms <= $2 AND end_ms > $2 AND private_key IS NOT NULL \
     ORDER BY start_ms DESC, fingerprint LIMIT 1",
);
pub(super) const DROP_PRIVATE: Statement = Statement::new(
    "UPDATE cloudtrail_keys SET private_key = NULL, mac = $3 WHERE region = $1 AND fingerprint = $2",
);

/// A key pair of a Region.
#[derive(Clone)]
pub(crate) struct SigningKey {
    pub(crate) region: String,
    /// MD5 of the public half, in hexadecimal.
    pub(crate) fingerprint: String,
    /// PKCS #1, DER.
    pub(crate) public: Vec<u8>,
    /// PKCS #8, sealed; none once its time is over.
    pub(crate) sealed_private: Option<Vec<u8>>,
    /// What digests it signs, by their ends.
    pub(crate) start_ms: i64,
    pub(crate) end_ms: i64,
}

impl AuthorityRow for SigningKey {
    const TABLE: &'static str = "cloudtrail_keys";

    fn columns(&self) -> Vec<(&'static str, Value)> {
        vec![
            ("region", Value::from(&self.region)),
            ("fingerprint", Value::from(&self.fingerprint)),
            ("public_key", Value::from(&self.public)),
            ("private_key", self.sealed_private.clone().into()),
            ("start_ms", self.start_ms.into()),
            ("end_ms", self.end_ms.into()),
        ]
    }

    fn key(&self) -> String {
        format!("{} {}", self.region, self.fingerprint)
    }

    fn read(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            region: row.text("region")?,
            fingerprint: row.text("fingerprint")?,
            public: row.blob("public_key")?,
            sealed_private: row.opt_blob("private_key")?,
            start_ms: row.i64("start_ms")?,
            end_ms: row.i64("end_ms")?,
        })
    }
}

pub(crate) async fn insert(db: &Db, mac: &RowMac, key: &SigningKey) -> Result<(), StoreError> {
    db.execute(INSERT, &mac.values(key)).await.map(drop)
}

/// The keys of a Region that may sign digests which end within a range of time.
pub(crate) async fn in_range(
    db: &Db,
    mac: &RowMac,
    region: &str,
    (start_ms, end_ms): (i64, i64),
) -> Result<Vec<SigningKey>, StoreError> {
    let rows = db.query(IN_RANGE, &[region.into(), start_ms.into(), end_ms.into(), MOST.into()]).await?;
    rows.iter().map(|row| mac.load(row)).collect()
}

/// The key that signs a Region's digests which end at `at_ms`.
pub(crate) async fn at(
    db: &Db,
    mac: &RowMac,
    region: &str,
    at_ms: i64,
) -> Result<Option<SigningKey>, StoreError> {
    let row = db.query_opt(AT, &[region.into(), at_ms.into()]).await?;
    row.map(|row| mac.load(&row)).transpose()
}

/// Drops the private half of a key.
pub(crate) async fn drop_private(db: &Db, mac: &RowMac, key: &SigningKey) -> Result<(), StoreError> {
    let bare = SigningKey { sealed_private: None, ..key.clone() };
    let Some(mac) = mac.values(&bare).pop() else { return Ok(()) };
    db.execute(DROP_PRIVATE, &[Value::from(&bare.region), Value::from(&bare.fingerprint), mac])
        .await
        .map(drop)
}

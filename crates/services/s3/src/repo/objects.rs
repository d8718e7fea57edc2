//! Rows of objects: versions, and delete markers.

use strongroom_store::{AuthorityRow, Db, Row, RowMac, Statement, StoreError, Tx, Value};

use super::{Document, FORMAT, bytes, unreadable};
use crate::domain::object::{Content, Facts, Version};

/// The columns, and the MAC.
macro_rules! select {
    ($rest:literal) => {
        Statement::new(concat!(
            "SELECT bucket, object_key, number, version_id, is_latest, modified_ms, content, size, etag, data_key, format, \
             document, mac FROM s3_objects WHERE ",
            $rest
        ))
    };
}

const INSERT: Statement = Statement::new(
    "INSERT INTO s3_objects (bucket, object_key, number, version_id, is_latest, modified_ms, content, size, etag, data_key, \
     format, document, mac) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) ON CONFLICT DO NOTHING",
);
const UPDATE: Statement = Statement::new(
    "UPDATE s3_objects SET version_id = $4, is_latest = $5, modified_ms = $6, content = $7, size = $8, etag = $9, \
     data_key = $10, format = $11, document = $12, mac = $13 WHERE bucket = $1 AND object_key = $2 AND number = $3",
);
const REMOVE: Statement =
    Statement::new("DELETE FROM s3_objects WHERE bucket = $1 AND object_key = $2 AND number = $3");
const LATEST: Statement = select!("bucket = $1 AND object_key = $2 AND is_latest = 1");
const BY_ID: Statement = select!("bucket = $1 AND object_key = $2 AND version_id = $3");
const BY_CONTENT: Statement = select!("content = $1");
const NEWEST_BUT: Statement =
    select!("bucket = $1 AND object_key = $2 AND number <> $3 ORDER BY number DESC LIMIT 1");
const LAST_NUMBER: Statement = Statement::new(
    "SELECT COALESCE(MAX(number), 0) AS number FROM s3_objects WHERE bucket = $1 AND object_key = $2",
);
const NUMBER_OF: Statement =
    Statement::new("SELECT number FROM s3_objects WHERE bucket = $1 AND object_key = $2 AND version_id = $3");
const ANY: Statement =
    Statement::new("SELECT is_latest, version_id FROM s3_objects WHERE bucket = $1 LIMIT 1");
const LIST_LATEST: Statement = select!(
    "bucket = $1 AND object_key >= $2 AND (object_key > $2 OR number < $3) AND is_latest = 1 AND content IS NOT NULL \
     ORDER BY object_key LIMIT $4"
);
const LIST_VERSIONS: Statement = select!(
    "bucket = $1 AND object_key >= $2 AND (object_key > $2 OR number < $3) ORDER BY object_key, number DESC LIMIT $4"
);

pub(super) const STATEMENTS: &[Statement] = &[
    INSERT,
    UPDATE,
    REMOVE,
    LATEST,
    BY_ID,
    BY_CONTENT,
    NEWEST_BUT,
    LAST_NUMBER,
    NUMBER_OF,
    ANY,
    LIST_LATEST,
    LIST_VERSIONS,
];

/// Where a listing goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Cursor {
    /// At this key.
    From(String),
    /// Behind this key.
    After(String),
    /// Among the versions of this key, those that are older than this number.
    Within(String, i64),
}

impl Cursor {
    /// The key, and the number below which its versions are.
    fn bounds(&self) -> (&str, i64) {
        match self {
            Self::From(key) => (key, i64::MAX),
            Self::After(key) => (key, 0),
            Self::Within(key, number) => (key, *number),
        }
    }
}

/// A row of `s3_objects`. A delete marker has no document.
struct ObjectRow {
    version: Version,
    document: String,
}

impl AuthorityRow for ObjectRow {
    const TABLE: &'static str = "s3_objects";

    fn columns(&self) -> Vec<(&'static str, Value)> {
        let Version { bucket, key, number, id, is_latest, modified_ms, content } = &self.version;
        let content = content.as_ref();
        vec![
            ("bucket", Value::from(bucket)),
            ("object_key", Value::from(key)),
            ("number", Value::from(*number)),
            ("version_id", Value::from(id)),
            ("is_latest", Value::from(*is_latest)),
            ("modified_ms", Value::from(*modified_ms)),
            ("content", content.map(|content| content.id.clone()).into()),
            ("size", content.map_or(0, |content| content.size as i64).into()),
            ("etag", content.map_or("", |content| &content.etag).into()),
            ("data_key", content.and_then(|content| content.data_key.clone()).into()),
            ("format", FORMAT.into()),
            ("document", Value::from(&self.document)),
        ]
    }

    fn key(&self) -> String {
        format!("{} in {}", self.version.id, self.version.bucket)
    }

    fn read(row: &Row) -> Result<Self, StoreError> {
        let (content, document) = match row.opt_text("content")? {
            None => (None, String::new()),
            Some(id) => {
                let document = Document::<Facts>::read(row)?;
                let content = Content {
                    id,
                    size: bytes(row, "size")?,
                    etag: row.text("etag")?,
                    data_key: row.opt_blob("data_key")?,
                    facts: document.content,
                };
                (Some(content), document.text)
            }
        };
        if row.i64("format")? != FORMAT {
            return Err(unreadable("format", "it is of a newer Strongroom"));
        }
        let version = Version {
            bucket: row.text("bucket")?,
            key: row.text("object_key")?,
            number: row.i64("number")?,
            id: row.text("version_id")?,
            is_latest: row.flag("is_latest")?,
            modified_ms: row.i64("modified_ms")?,
            content,
        };
        Ok(Self { version, document })
    }
}

impl ObjectRow {
    fn of(version: &Version) -> Result<Self, StoreError> {
        let document = match &version.content {
            Some(content) => Document::new(content.facts.clone())?.text,
            None => String::new(),
        };
        Ok(Self { version: version.clone(), document })
    }
}

/// The version that the store answers, which must be one of that key that was asked for.
fn read(
    mac: &RowMac,
    bucket: &str,
    key: &str,
    row: Option<Row>,
    is_asked_for: impl FnOnce(&Version) -> bool,
) -> Result<Option<Version>, StoreError> {
    let version = row.map(|row| mac.load::<ObjectRow>(&row)).transpose()?.map(|row| row.version);
    match version {
        Some(version) if version.bucket != bucket || version.key != key || !is_asked_for(&version) => {
            Err(StoreError::Corrupt { table: ObjectRow::TABLE, key: format!("an object in {bucket}") })
        }
        version => Ok(version),
    }
}

/// The version of that id, or without one the latest, which may be a delete marker.
pub(crate) async fn find_version(
    db: &Db,
    mac: &RowMac,
    bucket: &str,
    key: &str,
    id: Option<&str>,
) -> Result<Option<Version>, StoreError> {
    if let Some(id) = id {
        let row = db.query_opt(BY_ID, &[bucket.into(), key.into(), id.into()]).await?;
        read(mac, bucket, key, row, |version| version.id == id)
    } else {
        let row = db.query_opt(LATEST, &[bucket.into(), key.into()]).await?;
        read(mac, bucket, key, row, |version| version.is_latest)
    }
}

/// The version of a key that holds that content, as a transaction sees it. That of another key is not meant.
pub(crate) async fn load_content(
    tx: &mut Tx<'_>,
    mac: &RowMac,
    (bucket, key): (&str, &str),
    content: &str,
) -> Result<Option<Version>, StoreError> {
    let Some(row) = tx.query_opt(BY_CONTENT, &[content.into()]).await? else { return Ok(None) };
    let version = mac.load::<ObjectRow>(&row)?.version;
    if version.content.as_ref().is_none_or(|there| there.id != content) {
        return Err(StoreError::Corrupt { table: ObjectRow::TABLE, key: format!("the content {content}") });
    }
    Ok((version.bucket == bucket && version.key == key).then_some(version))
}

/// The version of that id, as a transaction sees it.
pub(crate) async fn load_version(
    tx: &mut Tx<'_>,
    mac: &RowMac,
    bucket: &str,
    key: &str,
    id: &str,
) -> Result<Option<Version>, StoreError> {
    let row = tx.query_opt(BY_ID, &[bucket.into(), key.into(), id.into()]).await?;
    read(mac, bucket, key, row, |version| version.id == id)
}

/// The latest version, as a transaction sees it.
pub(crate) async fn latest(
    tx: &mut Tx<'_>,
    mac: &RowMac,
    bucket: &str,
    key: &str,
) -> Result<Option<Version>, StoreError> {
    let row = tx.query_opt(LATEST, &[bucket.into(), key.into()]).await?;
    read(mac, bucket, key, row, |version| version.is_latest)
}

/// The newest version of a key beside that of a number.
pub(crate) async fn newest_but(
    tx: &mut Tx<'_>,
    mac: &RowMac,
    bucket: &str,
    key: &str,
    number: i64,
) -> Result<Option<Version>, StoreError> {
    let row = tx.query_opt(NEWEST_BUT, &[bucket.into(), key.into(), number.into()]).await?;
    read(mac, bucket, key, row, |version| version.number != number)
}

/// The number that the next version of a key has.
pub(crate) async fn next_number(tx: &mut Tx<'_>, bucket: &str, key: &str) -> Result<i64, StoreError> {
    let last = tx.query_one(LAST_NUMBER, &[bucket.into(), key.into()]).await?.i64("number")?;
    last.checked_add(1).ok_or_else(|| unreadable("number", "there are no more numbers"))
}

/// The number of the version of that id.
pub(crate) async fn number_of(db: &Db, bucket: &str, key: &str, id: &str) -> Result<Option<i64>, StoreError> {
    let row = db.query_opt(NUMBER_OF, &[bucket.into(), key.into(), id.into()]).await?;
    row.map(|row| row.i64("number")).transpose()
}

/// Adds a version. Of two that add the first of a key at once, both with the same number, one tries again.
pub(crate) async fn insert_version(
    tx: &mut Tx<'_>,
    mac: &RowMac,
    version: &Version,
) -> Result<(), StoreError> {
    tx.compare_and_set(INSERT, &mac.values(&ObjectRow::of(version)?)).await
}

/// Writes a version that is there.
async fn update(tx: &mut Tx<'_>, mac: &RowMac, version: &Version) -> Result<(), StoreError> {
    tx.compare_and_set(UPDATE, &mac.values(&ObjectRow::of(version)?)).await
}

/// A version is the latest no more.
pub(crate) async fn demote_latest(tx: &mut Tx<'_>, mac: &RowMac, version: Version) -> Result<(), StoreError> {
    update(tx, mac, &Version { is_latest: false, ..version }).await
}

/// A version is the latest now.
pub(crate) async fn promote(tx: &mut Tx<'_>, mac: &RowMac, version: Version) -> Result<(), StoreError> {
    update(tx, mac, &Version { is_latest: true, ..version }).await
}

/// What is known of a version has changed.
pub(crate) async fn replace_facts(
    tx: &mut Tx<'_>,
    mac: &RowMac,
    version: &Version,
) -> Result<(), StoreError> {
    update(tx, mac, version).await
}

/// Removes a version.
pub(crate) async fn remove_version(tx: &mut Tx<'_>, version: &Version) -> Result<(), StoreError> {
    let Version { bucket, key, number, .. } = version;
    tx.execute(REMOVE, &[bucket.into(), key.into(), (*number).into()]).await.map(drop)
}

/// Whether there is anything in a bucket, and whether what was found is an older version or a delete marker's.
pub(crate) async fn has_versions(tx: &mut Tx<'_>, bucket: &str) -> Result<Option<bool>, StoreError> {
    let row = tx.query_opt(ANY, &[bucket.into()]).await?;
    row.map(|row| Ok(!row.flag("is_latest")? || row.text("version_id")? != "null")).transpose()
}

/// The next objects of a bucket, by key: latest versions that are no delete markers.
pub(crate) async fn list_latest(
    db: &Db,
    mac: &RowMac,
    bucket: &str,
    cursor: &Cursor,
    most: i64,
) -> Result<Vec<Version>, StoreError> {
    let (key, below) = cursor.bounds();
    let rows = db.query(LIST_LATEST, &[bucket.into(), key.into(), below.into(), most.into()]).await?;
    all(mac, bucket, &rows)
}

/// The next versions of a bucket, by key, the newest of each first.
pub(crate) async fn list_versions(
    db: &Db,
    mac: &RowMac,
    bucket: &str,
    cursor: &Cursor,
    most: i64,
) -> Result<Vec<Version>, StoreError> {
    let (key, below) = cursor.bounds();
    let rows = db.query(LIST_VERSIONS, &[bucket.into(), key.into(), below.into(), most.into()]).await?;
    all(mac, bucket, &rows)
}

fn all(mac: &RowMac, bucket: &str, rows: &[Row]) -> Result<Vec<Version>, StoreError> {
    rows.iter()
        .map(|row| {
            let version = mac.load::<ObjectRow>(row)?.version;
            if version.bucket != bucket {
                return Err(StoreError::Corrupt {
                    table: ObjectRow::TABLE,
                    key: format!("an object in {bucket}"),
                });
            }
            Ok(version)
        })
        .collect()
}

//! Rows of multipart uploads.

use serde::{Deserialize, Serialize};
use strongroom_store::{AuthorityRow, Db, Row, RowMac, Statement, StoreError, Tx, Value};

use super::{Document, FORMAT};
use crate::domain::checksum::OfUpload;
use crate::domain::object::Facts;

macro_rules! select {
    ($rest:literal) => {
        Statement::new(concat!(
            "SELECT bucket, object_key, upload_id, started_ms, data_key, format, document, mac FROM s3_uploads WHERE ",
            $rest
        ))
    };
}

const INSERT: Statement = Statement::new(
    "INSERT INTO s3_uploads (bucket, object_key, upload_id, started_ms, data_key, format, document, mac) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
);
const REMOVE: Statement =
    Statement::new("DELETE FROM s3_uploads WHERE bucket = $1 AND object_key = $2 AND upload_id = $3");
const FIND: Statement = select!("bucket = $1 AND object_key = $2 AND upload_id = $3");
const LIST: Statement = select!(
    "bucket = $1 AND object_key >= $2 AND (object_key > $2 OR upload_id > $3) ORDER BY object_key, upload_id LIMIT $4"
);

pub(super) const STATEMENTS: &[Statement] = &[INSERT, REMOVE, FIND, LIST];

/// Uploads removed at once with their bucket.
const PAGE: i64 = 1000;

/// An upload under way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Upload {
    pub(crate) bucket: String,
    pub(crate) key: String,
    /// The content's id, too.
    pub(crate) id: String,
    pub(crate) started_ms: i64,
    /// What KMS opens of its data key, if it is KMS that does.
    pub(crate) data_key: Option<Vec<u8>>,
    pub(crate) facts: UploadFacts,
}

/// What the object will be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct UploadFacts {
    pub(crate) object: Facts,
    pub(crate) checksum: Option<OfUpload>,
    /// Who began it: an ARN.
    pub(crate) initiator: String,
}

struct UploadRow {
    upload: Upload,
    document: String,
}

impl AuthorityRow for UploadRow {
    const TABLE: &'static str = "s3_uploads";

    fn columns(&self) -> Vec<(&'static str, Value)> {
        let Upload { bucket, key, id, started_ms, data_key, .. } = &self.upload;
        vec![
            ("bucket", Value::from(bucket)),
            ("object_key", Value::from(key)),
            ("upload_id", Value::from(id)),
            ("started_ms", Value::from(*started_ms)),
            ("data_key", data_key.clone().into()),
            ("format", FORMAT.into()),
            ("document", Value::from(&self.document)),
        ]
    }

    fn key(&self) -> String {
        self.upload.id.clone()
    }

    fn read(row: &Row) -> Result<Self, StoreError> {
        let document = Document::<UploadFacts>::read(row)?;
        let upload = Upload {
            bucket: row.text("bucket")?,
            key: row.text("object_key")?,
            id: row.text("upload_id")?,
            started_ms: row.i64("started_ms")?,
            data_key: row.opt_blob("data_key")?,
            facts: document.content,
        };
        Ok(Self { upload, document: document.text })
    }
}

fn read(mac: &RowMac, name: [&str; 3], row: Option<Row>) -> Result<Option<Upload>, StoreError> {
    match row.map(|row| mac.load::<UploadRow>(&row)).transpose()?.map(|row| row.upload) {
        Some(upload) if [&*upload.bucket, &upload.key, &upload.id] != name => {
            Err(StoreError::Corrupt { table: UploadRow::TABLE, key: upload.id })
        }
        upload => Ok(upload),
    }
}

/// An upload by its id.
pub(crate) async fn find_upload(
    db: &Db,
    mac: &RowMac,
    bucket: &str,
    key: &str,
    id: &str,
) -> Result<Option<Upload>, StoreError> {
    read(mac, [bucket, key, id], db.query_opt(FIND, &[bucket.into(), key.into(), id.into()]).await?)
}

/// The same as a transaction sees it.
pub(crate) async fn load_upload(
    tx: &mut Tx<'_>,
    mac: &RowMac,
    bucket: &str,
    key: &str,
    id: &str,
) -> Result<Option<Upload>, StoreError> {
    read(mac, [bucket, key, id], tx.query_opt(FIND, &[bucket.into(), key.into(), id.into()]).await?)
}

/// Adds an upload.
pub(crate) async fn insert_upload(tx: &mut Tx<'_>, mac: &RowMac, upload: &Upload) -> Result<(), StoreError> {
    let document = Document::new(upload.facts.clone())?.text;
    tx.execute(INSERT, &mac.values(&UploadRow { upload: upload.clone(), document })).await.map(drop)
}

/// Removes an upload; its parts stay.
pub(crate) async fn remove_upload(tx: &mut Tx<'_>, upload: &Upload) -> Result<(), StoreError> {
    let Upload { bucket, key, id, .. } = upload;
    tx.execute(REMOVE, &[bucket.into(), key.into(), id.into()]).await.map(drop)
}

/// The next uploads of a bucket, by key and id: behind those of `key` up to `id`.
pub(crate) async fn list_uploads(
    db: &Db,
    mac: &RowMac,
    bucket: &str,
    (key, id): (&str, &str),
    most: i64,
) -> Result<Vec<Upload>, StoreError> {
    let rows = db.query(LIST, &[bucket.into(), key.into(), id.into(), most.into()]).await?;
    rows.iter().map(|row| Ok(mac.load::<UploadRow>(row)?.upload)).collect()
}

/// Removes all uploads of a bucket, and drops their parts.
pub(crate) async fn remove_uploads_of(
    tx: &mut Tx<'_>,
    mac: &RowMac,
    bucket: &str,
    now_ms: i64,
) -> Result<(), StoreError> {
    loop {
        let rows = tx.query(LIST, &[bucket.into(), "".into(), "".into(), PAGE.into()]).await?;
        for row in &rows {
            let upload = mac.load::<UploadRow>(row)?.upload;
            super::drop_content(tx, mac, &upload.id, &[], now_ms).await?;
            remove_upload(tx, &upload).await?;
        }
        if (rows.len() as i64) < PAGE {
            return Ok(());
        }
    }
}

//! Rows of parts: the files that contents are in.

use serde::{Deserialize, Serialize};
use strongroom_store::{AuthorityRow, Db, Row, RowMac, Statement, StoreError, Tx, Value};

use super::{Document, FORMAT, bytes, drop_file};
use crate::domain::checksum::Stored;

macro_rules! select {
    ($rest:literal) => {
        Statement::new(concat!(
            "SELECT content, number, file, size, etag, modified_ms, sealed_key, wrapped_key, format, document, mac \
             FROM s3_parts WHERE ",
            $rest
        ))
    };
}

const INSERT: Statement = Statement::new(
    "INSERT INTO s3_parts (content, number, file, size, etag, modified_ms, sealed_key, wrapped_key, format, document, mac) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT DO NOTHING",
);
const REMOVE: Statement = Statement::new("DELETE FROM s3_parts WHERE content = $1 AND number = $2");
const ONE: Statement = select!("content = $1 AND number = $2");
const LIST: Statement = select!("content = $1 AND number > $2 ORDER BY number LIMIT $3");

pub(super) const STATEMENTS: &[Statement] = &[INSERT, REMOVE, ONE, LIST];

/// Parts read at once.
const PAGE: i64 = 1000;

/// A part of a content: a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) content: String,
    pub(crate) number: i64,
    pub(crate) file: String,
    pub(crate) size: u64,
    pub(crate) etag: String,
    pub(crate) modified_ms: i64,
    /// The file's key, sealed: of SSE-S3.
    pub(crate) sealed_key: Option<Vec<u8>>,
    /// The file's key under the content's data key: of SSE-KMS.
    pub(crate) wrapped_key: Option<Vec<u8>>,
    pub(crate) checksum: Option<Stored>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct PartFacts {
    checksum: Option<Stored>,
}

struct PartRow {
    part: Part,
    document: String,
}

impl AuthorityRow for PartRow {
    const TABLE: &'static str = "s3_parts";

    fn columns(&self) -> Vec<(&'static str, Value)> {
        let Part { content, number, file, size, etag, modified_ms, sealed_key, wrapped_key, .. } = &self.part;
        vec![
            ("content", Value::from(content)),
            ("number", Value::from(*number)),
            ("file", Value::from(file)),
            ("size", Value::from(*size as i64)),
            ("etag", Value::from(etag)),
            ("modified_ms", Value::from(*modified_ms)),
            ("sealed_key", sealed_key.clone().into()),
            ("wrapped_key", wrapped_key.clone().into()),
            ("format", FORMAT.into()),
            ("document", Value::from(&self.document)),
        ]
    }

    fn key(&self) -> String {
        format!("part {} of {}", self.part.number, self.part.content)
    }

    fn read(row: &Row) -> Result<Self, StoreError> {
        let document = Document::<PartFacts>::read(row)?;
        let part = Part {
            content: row.text("content")?,
            number: row.i64("number")?,
            file: row.text("file")?,
            size: bytes(row, "size")?,
            etag: row.text("etag")?,
            modified_ms: row.i64("modified_ms")?,
            sealed_key: row.opt_blob("sealed_key")?,
            wrapped_key: row.opt_blob("wrapped_key")?,
            checksum: document.content.checksum,
        };
        Ok(Self { part, document: document.text })
    }
}

/// Writes a part. One of that number that is there gives way, and its file is dropped. Of two that write one at once, one
/// tries again.
pub(crate) async fn put_part(
    tx: &mut Tx<'_>,
    mac: &RowMac,
    part: &Part,
    now_ms: i64,
) -> Result<(), StoreError> {
    let name = [Value::from(&part.content), part.number.into()];
    if let Some(row) = tx.query_opt(ONE, &name).await? {
        drop_file(tx, &mac.load::<PartRow>(&row)?.part.file, now_ms).await?;
        tx.execute(REMOVE, &name).await?;
    }
    let document = Document::new(PartFacts { checksum: part.checksum.clone() })?.text;
    tx.compare_and_set(INSERT, &mac.values(&PartRow { part: part.clone(), document })).await
}

fn all(mac: &RowMac, content: &str, rows: &[Row]) -> Result<Vec<Part>, StoreError> {
    rows.iter()
        .map(|row| {
            let part = mac.load::<PartRow>(row)?.part;
            if part.content != content {
                return Err(StoreError::Corrupt { table: PartRow::TABLE, key: content.to_owned() });
            }
            Ok(part)
        })
        .collect()
}

/// The next parts of a content, by number.
pub(crate) async fn list_parts(
    db: &Db,
    mac: &RowMac,
    content: &str,
    after: i64,
    most: i64,
) -> Result<Vec<Part>, StoreError> {
    all(mac, content, &db.query(LIST, &[content.into(), after.into(), most.into()]).await?)
}

/// All parts of a content.
pub(crate) async fn find_parts(db: &Db, mac: &RowMac, content: &str) -> Result<Vec<Part>, StoreError> {
    let mut parts: Vec<Part> = Vec::new();
    loop {
        let after = parts.last().map_or(0, |part| part.number);
        let page = list_parts(db, mac, content, after, PAGE).await?;
        let is_last = (page.len() as i64) < PAGE;
        parts.extend(page);
        if is_last {
            return Ok(parts);
        }
    }
}

/// All parts of a content, as a transaction sees them.
pub(crate) async fn load_parts(
    tx: &mut Tx<'_>,
    mac: &RowMac,
    content: &str,
) -> Result<Vec<Part>, StoreError> {
    let mut parts: Vec<Part> = Vec::new();
    loop {
        let after = parts.last().map_or(0, |part| part.number);
        let rows = tx.query(LIST, &[content.into(), after.into(), PAGE.into()]).await?;
        parts.extend(all(mac, content, &rows)?);
        if (rows.len() as i64) < PAGE {
            return Ok(parts);
        }
    }
}

/// Removes parts of a content, but those whose numbers are kept, and drops their files.
pub(crate) async fn drop_content(
    tx: &mut Tx<'_>,
    mac: &RowMac,
    content: &str,
    kept: &[i64],
    now_ms: i64,
) -> Result<(), StoreError> {
    for part in load_parts(tx, mac, content).await? {
        if kept.binary_search(&part.number).is_err() {
            drop_file(tx, &part.file, now_ms).await?;
            tx.execute(REMOVE, &[content.into(), part.number.into()]).await?;
        }
    }
    Ok(())
}

//! Rows that grant authority carry a MAC: who can write to the database still cannot grant himself anything.
//!
//! The MAC covers the table and every column, so that a row cannot be altered, nor taken for a row of
//! another table or key. It does not show that a row is the newest: an old row put back passes here.

use strongroom_crypto::hmac::HmacSha256;
use strongroom_secret::Key256;

use crate::{Row, StoreError, Value};

/// The format of the MACs made here, their first byte. In format 1 the key is the first epoch's; the format
/// that names its epoch comes with the rotation of that key.
const FORMAT: u8 = 1;
/// The column that holds the MAC.
const COLUMN: &str = "mac";

/// The key that rows are sealed with. Clones share it.
#[derive(Clone)]
pub struct RowMac {
    key: HmacSha256,
}

/// A row that grants authority: policies, grants, principals, access keys, aliases, key states.
///
/// Its table has a column `mac BYTEA NOT NULL` after all others. To write one, pass [`RowMac::values`] to a
/// statement whose parameters are the columns in the order of [`columns`](Self::columns), then `mac`; to
/// read one, pass the row to [`RowMac::load`].
///
/// A column that a later migration adds may be NULL; while it is, the MACs of older rows stay good.
pub trait AuthorityRow: Sized {
    /// The table.
    const TABLE: &'static str;

    /// Every column except `mac`, with its value. Their order is that of the writing statement's parameters;
    /// it does not enter the MAC.
    fn columns(&self) -> Vec<(&'static str, Value)>;

    /// What names the row in an error, never anything secret.
    fn key(&self) -> String;

    /// Reads every column except `mac`.
    fn read(row: &Row) -> Result<Self, StoreError>;
}

impl RowMac {
    /// Seals rows with `key`, which serves nothing else.
    #[must_use]
    pub fn new(key: &Key256) -> Self {
        Self { key: HmacSha256::new(key.expose()) }
    }

    /// The values to write: the columns' in their order, then the MAC.
    pub fn values<R: AuthorityRow>(&self, row: &R) -> Vec<Value> {
        let columns = row.columns();
        let mac = self.seal(R::TABLE, &borrowed(&columns));
        columns.into_iter().map(|(_, value)| value).chain([mac.into()]).collect()
    }

    /// Reads a row and checks its MAC: [`StoreError::Corrupt`] if it does not fit.
    pub fn load<R: AuthorityRow>(&self, row: &Row) -> Result<R, StoreError> {
        let mac = row.blob(COLUMN)?;
        let row = R::read(row)?;
        self.verify(R::TABLE, &row.key(), &borrowed(&row.columns()), &mac)?;
        Ok(row)
    }

    /// The MAC of a row of `table`: a format byte and an HMAC-SHA-256 over an unambiguous form of its
    /// columns. Their order does not matter, and one that is NULL counts as absent.
    #[must_use]
    pub fn seal(&self, table: &str, columns: &[(&str, &Value)]) -> Vec<u8> {
        let tag = self.key.sign(&[&canonical(table, columns)]);
        [&[FORMAT], tag.as_slice()].concat()
    }

    /// Checks a row's MAC in constant time: [`StoreError::Corrupt`], which names the row by `key`, if it
    /// does not fit.
    pub fn verify(
        &self,
        table: &'static str,
        key: &str,
        columns: &[(&str, &Value)],
        mac: &[u8],
    ) -> Result<(), StoreError> {
        let fits = match mac.split_first() {
            Some((&FORMAT, tag)) => self.key.verify(&[&canonical(table, columns)], tag).is_ok(),
            _ => false,
        };
        if fits { Ok(()) } else { Err(StoreError::Corrupt { table, key: key.to_owned() }) }
    }
}

fn borrowed<'c>(columns: &'c [(&'static str, Value)]) -> Vec<(&'static str, &'c Value)> {
    columns.iter().map(|(name, value)| (*name, value)).collect()
}

/// Format, table, number of columns; of each column, sorted by name: name, type, value. All numbers are
/// big-endian; table, names, text and bytes come after their length in 8 bytes.
fn canonical(table: &str, columns: &[(&str, &Value)]) -> Vec<u8> {
    let mut present: Vec<_> = columns.iter().filter(|(_, value)| !matches!(value, Value::Null(_))).collect();
    present.sort_by_key(|(name, _)| *name);

    let mut form = vec![FORMAT];
    put_bytes(&mut form, table.as_bytes());
    form.extend((present.len() as u64).to_be_bytes());
    for (name, value) in present {
        put_bytes(&mut form, name.as_bytes());
        match value {
            Value::Null(_) => {}
            Value::I64(number) => {
                form.push(1);
                form.extend(number.to_be_bytes());
            }
            Value::F64(number) => {
                form.push(2);
                form.extend(number.to_bits().to_be_bytes());
            }
            Value::Text(text) => {
                form.push(3);
                put_bytes(&mut form, text.as_bytes());
            }
            Value::Blob(bytes) => {
                form.push(4);
                put_bytes(&mut form, bytes);
            }
        }
    }
    form
}

fn put_bytes(form: &mut Vec<u8>, bytes: &[u8]) {
    form.extend((bytes.len() as u64).to_be_bytes());
    form.extend(bytes);
}

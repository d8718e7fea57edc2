//! Rows that grant authority carry a MAC: who can write to the database still cannot grant himself anything.
//!
//! The MAC covers the table and every column, so that a row cannot be altered, nor taken for a row of
//! another table or key. It does not show that a row is the newest: an old row put back passes here.

use std::sync::{Arc, PoisonError, RwLock};

use strongroom_crypto::hmac::HmacSha256;
use strongroom_seal::{Epoch, Purpose, Root};
use strongroom_secret::Key256;

use crate::{Row, StoreError, Value};

/// The first byte of a MAC whose key is the first epoch's: `1 || tag`.
const FIRST_EPOCHS: u8 = 1;
/// The first byte of a MAC that names its epoch: `2 || epoch (u32, big-endian) || tag`.
const NAMES_EPOCH: u8 = 2;
/// The number of the form in which a row enters its MAC.
const FORM: u8 = 1;
/// The column that holds the MAC.
const COLUMN: &str = "mac";

/// What rows are sealed with: new ones in the seal's current epoch, old ones in theirs. Clones share it.
#[derive(Clone)]
pub struct RowMac {
    root: Root,
    /// Keys prepared, by their epochs.
    prepared: Arc<RwLock<Vec<(Epoch, HmacSha256)>>>,
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
    /// Seals rows under `root`.
    #[must_use]
    pub fn new(root: &Root) -> Self {
        Self { root: root.clone(), prepared: Arc::default() }
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

    /// The same of the row that names itself `asked`. The MAC says that a row is ours, not that it is the one that was
    /// asked for: a database that answers with another sound row is not believed either.
    pub fn load_as<R: AuthorityRow>(&self, row: &Row, asked: &str) -> Result<R, StoreError> {
        let row: R = self.load(row)?;
        if row.key() == asked {
            Ok(row)
        } else {
            Err(StoreError::Corrupt { table: R::TABLE, key: asked.to_owned() })
        }
    }

    /// The MAC of a row of `table`: a head, which names the epoch, and an HMAC-SHA-256 over an unambiguous form of its
    /// columns. Their order does not matter, and one that is NULL counts as absent.
    #[must_use]
    pub fn seal(&self, table: &str, columns: &[(&str, &Value)]) -> Vec<u8> {
        let epoch = self.root.current_epoch();
        let mut mac = Self::head_of(epoch);
        if let Some(key) = self.key(epoch) {
            mac.extend(key.sign(&[&canonical(table, columns)]));
        } else {
            // The root has a key of its current epoch. A MAC without a tag is one that never fits.
            tracing::error!(table, "there is no key for the MAC of a row");
        }
        mac
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
        if self.fits(table, columns, mac) {
            Ok(())
        } else {
            Err(StoreError::Corrupt { table, key: key.to_owned() })
        }
    }

    /// Whether a row's MAC fits, for who has the table's name from the catalogue.
    #[must_use]
    pub fn fits(&self, table: &str, columns: &[(&str, &Value)], mac: &[u8]) -> bool {
        Self::split(mac).is_some_and(|(epoch, tag)| {
            self.key(epoch).is_some_and(|key| key.verify(&[&canonical(table, columns)], tag).is_ok())
        })
    }

    /// The first bytes of MACs that are made in `epoch`: what tells them from others without checking any.
    #[must_use]
    pub fn head_of(epoch: Epoch) -> Vec<u8> {
        // As long as nobody has rotated, versions from before the formats parted can read what is written.
        if epoch == Epoch::FIRST {
            vec![FIRST_EPOCHS]
        } else {
            [&[NAMES_EPOCH], epoch.number().to_be_bytes().as_slice()].concat()
        }
    }

    /// The epoch that a MAC names; `None` for one of an unknown format.
    #[must_use]
    pub fn epoch_of(mac: &[u8]) -> Option<Epoch> {
        Self::split(mac).map(|(epoch, _)| epoch)
    }

    /// The length of a MAC that begins with these bytes, for who keeps one before something else.
    #[must_use]
    pub fn length_of(head: &[u8]) -> Option<usize> {
        let (epoch, _) = Self::split(head)?;
        Some(Self::head_of(epoch).len() + 32)
    }

    fn split(mac: &[u8]) -> Option<(Epoch, &[u8])> {
        match mac.split_first()? {
            (&FIRST_EPOCHS, tag) => Some((Epoch::FIRST, tag)),
            (&NAMES_EPOCH, rest) => {
                let (epoch, tag) = rest.split_first_chunk()?;
                // One value, one form.
                Some((Epoch::new(u32::from_be_bytes(*epoch)), tag))
                    .filter(|(epoch, _)| *epoch != Epoch::FIRST)
            }
            _ => None,
        }
    }

    /// The key of an epoch, prepared; `None` if the root has none, or none any more.
    fn key(&self, epoch: Epoch) -> Option<HmacSha256> {
        let Ok(subkey) = self.root.subkey(Purpose::RowMac, epoch) else {
            self.prepared
                .write()
                .unwrap_or_else(PoisonError::into_inner)
                .retain(|(known, _)| *known != epoch);
            return None;
        };
        let prepared = self.prepared.read().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, key)) = prepared.iter().find(|(known, _)| *known == epoch) {
            return Some(key.clone());
        }
        drop(prepared);
        let key = HmacSha256::new(Key256::expose(&subkey));
        let mut prepared = self.prepared.write().unwrap_or_else(PoisonError::into_inner);
        // A root key that was never used gives way to another of its epoch; the epoch in use has one key for ever.
        if epoch <= self.root.current_epoch() {
            prepared.push((epoch, key.clone()));
        }
        Some(key)
    }
}

fn borrowed<'c>(columns: &'c [(&'static str, Value)]) -> Vec<(&'static str, &'c Value)> {
    columns.iter().map(|(name, value)| (*name, value)).collect()
}

/// The form's number, table, number of columns; of each column, sorted by name: name, type, value. All numbers are
/// big-endian; table, names, text and bytes come after their length in 8 bytes.
fn canonical(table: &str, columns: &[(&str, &Value)]) -> Vec<u8> {
    let mut present: Vec<_> = columns.iter().filter(|(_, value)| !matches!(value, Value::Null(_))).collect();
    present.sort_by_key(|(name, _)| *name);

    let mut form = vec![FORM];
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

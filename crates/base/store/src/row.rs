//! What comes out of a query.

use std::str::FromStr;

use sqlx::postgres::PgRow;
use sqlx::sqlite::SqliteRow;
use sqlx::{Decode, Postgres, Row as _, Sqlite};

use crate::{Source, StoreError};

/// One row of an answer. Its columns are read by name; a column that is missing, of another type or
/// unexpectedly NULL is a [`StoreError::Column`], never a panic.
pub struct Row(pub(crate) EngineRow);

pub(crate) enum EngineRow {
    Sqlite(SqliteRow),
    Postgres(PgRow),
}

impl Row {
    /// A `BIGINT`.
    pub fn i64(&self, column: &str) -> Result<i64, StoreError> {
        self.present(column)
    }

    /// A `BIGINT` that may be NULL.
    pub fn opt_i64(&self, column: &str) -> Result<Option<i64>, StoreError> {
        self.get(column)
    }

    /// A `DOUBLE PRECISION`.
    pub fn f64(&self, column: &str) -> Result<f64, StoreError> {
        self.present(column)
    }

    /// A `DOUBLE PRECISION` that may be NULL.
    pub fn opt_f64(&self, column: &str) -> Result<Option<f64>, StoreError> {
        self.get(column)
    }

    /// A `TEXT`.
    pub fn text(&self, column: &str) -> Result<String, StoreError> {
        self.present(column)
    }

    /// A `TEXT` that may be NULL.
    pub fn opt_text(&self, column: &str) -> Result<Option<String>, StoreError> {
        self.get(column)
    }

    /// A `BYTEA`.
    pub fn blob(&self, column: &str) -> Result<Vec<u8>, StoreError> {
        self.present(column)
    }

    /// A `BYTEA` that may be NULL.
    pub fn opt_blob(&self, column: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.get(column)
    }

    /// A `BYTEA` of exactly `N` bytes.
    pub fn array<const N: usize>(&self, column: &str) -> Result<[u8; N], StoreError> {
        self.blob(column)?
            .try_into()
            .map_err(|bytes: Vec<u8>| StoreError::column(column, format!("{} bytes, not {N}", bytes.len())))
    }

    /// A boolean: a `BIGINT` that is 0 or 1.
    pub fn flag(&self, column: &str) -> Result<bool, StoreError> {
        match self.i64(column)? {
            0 => Ok(false),
            1 => Ok(true),
            other => Err(StoreError::column(column, format!("{other} is no boolean"))),
        }
    }

    /// A `TEXT` that stands for a `T`.
    pub fn parse<T: FromStr<Err: Into<Source>>>(&self, column: &str) -> Result<T, StoreError> {
        self.text(column)?.parse().map_err(|error| StoreError::column(column, error))
    }

    fn present<T: Column>(&self, column: &str) -> Result<T, StoreError> {
        self.get(column)?.ok_or_else(|| StoreError::column(column, "it is NULL"))
    }

    fn get<T: Column>(&self, column: &str) -> Result<Option<T>, StoreError> {
        match &self.0 {
            EngineRow::Sqlite(row) => row.try_get(column),
            EngineRow::Postgres(row) => row.try_get(column),
        }
        .map_err(|error| StoreError::column(column, error))
    }
}

/// What both engines can read out of a column.
trait Column:
    for<'r> Decode<'r, Sqlite> + sqlx::Type<Sqlite> + for<'r> Decode<'r, Postgres> + sqlx::Type<Postgres>
{
}

impl Column for i64 {}
impl Column for f64 {}
impl Column for String {}
impl Column for Vec<u8> {}

//! All that a store holds, as it was at one moment, read while others go on writing.

use std::collections::BTreeMap;

use futures_util::TryStreamExt as _;
use futures_util::stream::BoxStream;
use sqlx::AssertSqlSafe;

use crate::connection::Connection;
use crate::{Db, Engine, Row, Statement, StoreError, Type, Value, migration};

/// On PostgreSQL a snapshot shows what a crash at that moment would have left, which is enough to go on from; a serializable
/// one would wait for every transaction of the whole server to end. It may last as long as its reader needs.
const BEGIN_POSTGRES: &str = "
BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
SET LOCAL statement_timeout = 0;
SET LOCAL idle_in_transaction_session_timeout = '10min'";
const BEGIN_SQLITE: &str = "BEGIN";

/// The columns of all tables, from the database's catalogue, in their order. What SQLite and PostgreSQL keep for themselves
/// is left out, and so are the record of migrations, which [`Snapshot::applied`] gives, and the feed of changes, whose positions
/// mean nothing elsewhere.
const COLUMNS_ON_SQLITE: Statement = Statement::new(
    "SELECT tables.name AS table_name, columns.name AS column_name, LOWER(columns.type) AS column_type \
     FROM sqlite_master AS tables, pragma_table_info(tables.name) AS columns \
     WHERE tables.type = 'table' AND tables.name NOT LIKE 'sqlite~_%' ESCAPE '~' \
     AND tables.name NOT IN ('schema_migrations', 'store_changes') ORDER BY tables.name, columns.cid",
);
const COLUMNS_ON_POSTGRES: Statement = Statement::new(
    "SELECT CAST(columns.table_name AS TEXT) AS table_name, CAST(columns.column_name AS TEXT) AS column_name, \
     CAST(columns.data_type AS TEXT) AS column_type \
     FROM information_schema.columns AS columns JOIN pg_tables AS tables \
     ON tables.schemaname = columns.table_schema AND tables.tablename = columns.table_name \
     WHERE columns.table_schema = current_schema() AND columns.table_name NOT IN ('schema_migrations', 'store_changes') \
     ORDER BY 1, columns.ordinal_position",
);

/// A table, and its columns in their order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// Its name.
    pub name: String,
    /// Name and type of each column.
    pub columns: Vec<(String, Type)>,
}

/// A step that the database's tables have been through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Applied {
    /// Whose tables.
    pub component: String,
    /// Which step, from 1.
    pub version: u32,
    /// What it does.
    pub name: String,
    /// The SHA-256 of its text.
    pub digest: Vec<u8>,
}

/// One state of the store: a transaction that only reads. Others are not kept waiting; on SQLite the log beside the file
/// grows until this is dropped.
pub struct Snapshot {
    connection: Connection,
    engine: Engine,
    applied: Vec<Applied>,
    tables: Vec<Table>,
}

impl Db {
    /// Takes a snapshot: whatever was committed before this returns is in it, whatever is committed after is not.
    pub async fn snapshot(&self) -> Result<Snapshot, StoreError> {
        let mut connection = self.reading().await?;
        // Whatever happens to this transaction, nobody else gets the connection.
        connection.discard();
        connection.run(self.pick(BEGIN_SQLITE, BEGIN_POSTGRES)).await?;
        // The first statement that reads is the moment.
        let applied = migration::applied_in(&mut connection).await?;
        let columns = connection.query(self.pick(COLUMNS_ON_SQLITE, COLUMNS_ON_POSTGRES), &[]).await?;
        let tables = tables(&columns)?;
        Ok(Snapshot { connection, engine: self.engine(), applied, tables })
    }

    /// The tables that there are now.
    pub(crate) async fn tables(&self) -> Result<Vec<Table>, StoreError> {
        tables(&self.query(self.pick(COLUMNS_ON_SQLITE, COLUMNS_ON_POSTGRES), &[]).await?)
    }
}

impl Snapshot {
    /// The engine that it is taken of.
    pub const fn engine(&self) -> Engine {
        self.engine
    }

    /// The steps that the tables have been through.
    pub fn applied(&self) -> &[Applied] {
        &self.applied
    }

    /// All tables but the record of those steps and the feed of changes.
    pub fn tables(&self) -> &[Table] {
        &self.tables
    }

    /// The rows of a table, in no particular order.
    pub fn rows(&mut self, table: &Table) -> Rows<'_> {
        let names: Vec<_> = table.columns.iter().map(|(name, _)| quoted(name)).collect();
        // The names are the catalogue's own, and quoted.
        let sql = AssertSqlSafe(format!("SELECT {} FROM {}", names.join(", "), quoted(&table.name)));
        Rows { stream: self.connection.stream(sql), columns: table.columns.clone() }
    }
}

/// Rows that are read one by one; no more of them are in memory than the engine hands over at once.
pub struct Rows<'s> {
    stream: BoxStream<'s, Result<Row, StoreError>>,
    columns: Vec<(String, Type)>,
}

impl Rows<'_> {
    /// The values of the next row, in the order of the table's columns.
    pub async fn next(&mut self) -> Result<Option<Vec<Value>>, StoreError> {
        let Some(row) = self.stream.try_next().await? else { return Ok(None) };
        self.columns.iter().map(|(name, kind)| value(&row, name, *kind)).collect::<Result<_, _>>().map(Some)
    }
}

pub(crate) fn value(row: &Row, name: &str, kind: Type) -> Result<Value, StoreError> {
    Ok(match kind {
        Type::I64 => row.opt_i64(name)?.map(Value::I64),
        Type::F64 => row.opt_f64(name)?.map(Value::F64),
        Type::Text => row.opt_text(name)?.map(Value::Text),
        Type::Blob => row.opt_blob(name)?.map(Value::Blob),
    }
    .unwrap_or(Value::Null(kind)))
}

fn tables(columns: &[Row]) -> Result<Vec<Table>, StoreError> {
    let mut tables: BTreeMap<String, Vec<(String, Type)>> = BTreeMap::new();
    for row in columns {
        let (table, name, kind) =
            (row.text("table_name")?, row.text("column_name")?, row.text("column_type")?);
        let kind = match kind.as_str() {
            "bigint" => Type::I64,
            "double precision" => Type::F64,
            "text" => Type::Text,
            "bytea" => Type::Blob,
            _ => {
                return Err(StoreError::Setup(format!(
                    "column {name} of table {table} is of the type {kind}, which is none of Strongroom's: the table does \
                     not belong into this database"
                )));
            }
        };
        tables.entry(table).or_default().push((name, kind));
    }
    Ok(tables.into_iter().map(|(name, columns)| Table { name, columns }).collect())
}

/// A name as SQL takes it, whatever is in it.
pub(crate) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

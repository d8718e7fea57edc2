//! Filling an empty store with rows that another one held, of either engine.

use std::fmt::Write as _;

use futures_util::TryStreamExt as _;
use sqlx::AssertSqlSafe;

use crate::snapshot::{Applied, Table, quoted};
use crate::transaction::Tx;
use crate::{Db, Engine, Migration, Statement, StoreError, Type, Value};

/// Parameters of one statement, at the most; SQLite takes 32,766 and PostgreSQL 65,535.
const PARAMETERS: usize = 16_384;

/// Loading may take longer than a statement, and rows come at the speed of whoever reads them.
const BEGIN_POSTGRES: &str = "
BEGIN ISOLATION LEVEL SERIALIZABLE;
SET LOCAL statement_timeout = 0;
SET LOCAL idle_in_transaction_session_timeout = '10min'";
/// Rules between tables are judged at the commit, so that rows may come in any order.
const BEGIN_SQLITE: &str = "BEGIN IMMEDIATE; PRAGMA defer_foreign_keys = ON";

/// The rules between tables, which PostgreSQL judges at once unless told otherwise.
const FOREIGN_KEYS: Statement = Statement::new(
    "SELECT CAST(tables.relname AS TEXT) AS table_name, CAST(rules.conname AS TEXT) AS rule \
     FROM pg_constraint AS rules JOIN pg_class AS tables ON tables.oid = rules.conrelid \
     JOIN pg_namespace AS spaces ON spaces.oid = tables.relnamespace \
     WHERE rules.contype = 'f' AND spaces.nspname = current_schema() ORDER BY 1, 2",
);

/// An empty store that is being filled: one transaction, which [`commit`](Load::commit) ends. Dropped before, nothing has
/// happened but that the tables are there.
pub struct Load {
    tx: Tx<'static>,
    engine: Engine,
    tables: Vec<Table>,
    /// Table and name of each rule that is put off.
    put_off: Vec<(String, String)>,
}

impl Db {
    /// Begins to fill the store. Its tables are brought to where those of the other store were (`applied`), which may be
    /// behind what the program knows (`sets`): the next [`migrate`](Db::migrate) brings them forward together with their
    /// rows. Steps that the program does not know, or knows otherwise, are [`SchemaError`](crate::SchemaError)s; a store
    /// that has rows already is [`StoreError::Setup`].
    pub async fn load(&self, sets: &[&[Migration]], applied: &[Applied]) -> Result<Load, StoreError> {
        for table in self.tables().await? {
            if !self.is_empty(&table).await? {
                return Err(StoreError::Setup(format!(
                    "the store has rows already, in table {}: only an empty store is filled",
                    table.name
                )));
            }
        }
        self.migrate_to(sets, applied).await?;
        let (engine, tables) = (self.engine(), self.tables().await?);
        let mut tx = Tx::begin(self, self.pick(BEGIN_SQLITE, BEGIN_POSTGRES)).await?;
        let mut put_off = Vec::new();
        if engine == Engine::Postgres {
            for row in tx.query(FOREIGN_KEYS, &[]).await? {
                put_off.push((row.text("table_name")?, row.text("rule")?));
            }
            alter_rules(&mut tx, &put_off, "DEFERRABLE INITIALLY DEFERRED").await?;
        }
        Ok(Load { tx, engine, tables, put_off })
    }

    async fn is_empty(&self, table: &Table) -> Result<bool, StoreError> {
        // The name is the catalogue's own, and quoted.
        let sql = AssertSqlSafe(format!("SELECT 1 AS found FROM {} LIMIT 1", quoted(&table.name)));
        Ok(self.reading().await?.stream(sql).try_next().await?.is_none())
    }
}

impl Load {
    /// Puts rows into a table, in the order of `table`'s columns; these have to be there, with their types. Columns that
    /// `table` does not name are NULL, or what the table says.
    pub async fn insert(&mut self, table: &Table, rows: &[Vec<Value>]) -> Result<(), StoreError> {
        self.check(table)?;
        let columns = table.columns.len();
        for rows in rows.chunks((PARAMETERS / columns.max(1)).max(1)) {
            for row in rows {
                admit(table, row)?;
            }
            let values: Vec<_> = rows.iter().flatten().cloned().collect();
            // The names are the catalogue's own, and quoted.
            self.tx.change(AssertSqlSafe(insertion(table, rows.len())), &values).await?;
        }
        Ok(())
    }

    /// Gives a named value of the installation, together with the rows; what rows say of that name goes.
    pub async fn meta_set(&mut self, name: &str, value: &[u8]) -> Result<(), StoreError> {
        self.tx.meta_put(name, Some(value)).await
    }

    /// Ends the transaction: rules between tables are judged, and all rows are there, or none.
    pub async fn commit(mut self) -> Result<(), StoreError> {
        if self.engine == Engine::Postgres {
            self.tx.run("SET CONSTRAINTS ALL IMMEDIATE").await?;
            alter_rules(&mut self.tx, &self.put_off, "NOT DEFERRABLE").await?;
        }
        self.tx.commit().await
    }

    fn check(&self, wanted: &Table) -> Result<(), StoreError> {
        let found = self.tables.iter().find(|table| table.name == wanted.name);
        let fits = |column: &(String, Type)| found.is_some_and(|table| table.columns.contains(column));
        match wanted.columns.iter().find(|column| !fits(column)) {
            None if !wanted.columns.is_empty() => Ok(()),
            missing => Err(StoreError::Setup(format!(
                "table {} is not as the rows to be loaded need it{}",
                wanted.name,
                missing.map(|(name, _)| format!(": it has no such column {name}")).unwrap_or_default()
            ))),
        }
    }
}

/// Whether the values are those of a row of the table, and such that both engines keep them.
fn admit(table: &Table, row: &[Value]) -> Result<(), StoreError> {
    let refuse = |what: &str| Err(StoreError::Setup(format!("a row of table {} {what}", table.name)));
    if row.len() != table.columns.len() {
        return refuse("has too few or too many values");
    }
    for (value, (name, kind)) in row.iter().zip(&table.columns) {
        let fits = match value {
            Value::Null(found) => found == kind,
            Value::I64(_) => *kind == Type::I64,
            Value::F64(number) => *kind == Type::F64 && !number.is_nan(),
            Value::Text(text) => *kind == Type::Text && !text.contains('\0'),
            Value::Blob(_) => *kind == Type::Blob,
        };
        if !fits {
            return refuse(&format!("has a value in column {name} that cannot be kept there"));
        }
    }
    Ok(())
}

fn insertion(table: &Table, rows: usize) -> String {
    let names: Vec<_> = table.columns.iter().map(|(name, _)| quoted(name)).collect();
    let mut sql = format!("INSERT INTO {} ({}) VALUES ", quoted(&table.name), names.join(", "));
    let mut parameter = 1;
    for row in 0..rows {
        sql.push_str(if row == 0 { "(" } else { ", (" });
        for column in 0..names.len() {
            // Writing into a `String` cannot fail.
            let _ = write!(sql, "{}${parameter}", if column == 0 { "" } else { ", " });
            parameter += 1;
        }
        sql.push(')');
    }
    sql
}

async fn alter_rules(tx: &mut Tx<'_>, rules: &[(String, String)], to: &str) -> Result<(), StoreError> {
    for (table, rule) in rules {
        let sql = format!("ALTER TABLE {} ALTER CONSTRAINT {} {to}", quoted(table), quoted(rule));
        // The names are the catalogue's own, and quoted.
        tx.run(AssertSqlSafe(sql)).await?;
    }
    Ok(())
}

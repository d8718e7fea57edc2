//! Emptying a store, for a development server that returns to its initial state.

use std::fmt::Write as _;

use sqlx::AssertSqlSafe;

use crate::snapshot::quoted;
use crate::{Db, Engine, Statement, StoreError};

/// The tables of the application, from the database's catalogue: what components have brought, and the outbox.
/// Kept are the record of migrations, because the tables stay, the installation's named values, and what servers have
/// told each other, whose numbers go on.
const TABLES_ON_SQLITE: Statement = Statement::new(
    "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite~_%' ESCAPE '~' \
     AND name NOT IN ('schema_migrations', 'meta', 'store_changes') ORDER BY name",
);
const TABLES_ON_POSTGRES: Statement = Statement::new(
    "SELECT CAST(tablename AS TEXT) AS name FROM pg_tables WHERE schemaname = current_schema() \
     AND tablename NOT IN ('schema_migrations', 'meta', 'store_changes') ORDER BY 1",
);

impl Db {
    /// Removes every row of every table of the application, the outbox's included, in one transaction. What
    /// stays are the tables themselves, the record of migrations, and the installation's named values, of
    /// which those in `meta` are given a value, or removed, in the same transaction.
    ///
    /// Foreign keys do not stand in the way, except `ON DELETE RESTRICT` on SQLite, which nothing can put off.
    /// On PostgreSQL it waits until nobody else uses the tables.
    pub async fn clear(&self, meta: &[(&str, Option<&[u8]>)]) -> Result<(), StoreError> {
        let engine = self.engine();
        let tables = self.pick(TABLES_ON_SQLITE, TABLES_ON_POSTGRES);
        self.transaction(|tx| {
            Box::pin(async move {
                let rows = tx.query(tables, &[]).await?;
                let names = rows.iter().map(|row| row.text("name")).collect::<Result<Vec<_>, _>>()?;
                // The names are the catalogue's own, and quoted.
                tx.run(AssertSqlSafe(emptying(engine, &names))).await?;
                tx.announce_everything().await?;
                for (name, value) in meta {
                    tx.meta_put(name, *value).await?;
                }
                Ok(())
            })
        })
        .await
    }
}

/// All tables of the schema that is ours.
const ALL_ON_POSTGRES: Statement = Statement::new(
    "SELECT CAST(tablename AS TEXT) AS name FROM pg_tables WHERE schemaname = current_schema() ORDER BY 1",
);

impl Db {
    /// Removes the tables themselves, the store's own included, in one transaction: for a database that was empty before
    /// something was begun in it that did not come to its end. The store has to be opened anew. PostgreSQL only: a store on
    /// SQLite is a file, which can be removed.
    pub async fn remove_tables(&self) -> Result<(), StoreError> {
        if self.engine() != Engine::Postgres {
            return Err(StoreError::Setup("tables are removed from PostgreSQL only".to_owned()));
        }
        self.transaction(|tx| {
            Box::pin(async move {
                let rows = tx.query(ALL_ON_POSTGRES, &[]).await?;
                for row in &rows {
                    // The names are the catalogue's own, and quoted.
                    let name = quoted(&row.text("name")?);
                    tx.run(AssertSqlSafe(format!("DROP TABLE {name} CASCADE"))).await?;
                }
                Ok(())
            })
        })
        .await
    }
}

/// SQL that empties the tables.
fn emptying(engine: Engine, tables: &[String]) -> String {
    let quoted: Vec<_> = tables.iter().map(|name| quoted(name)).collect();
    match engine {
        Engine::Sqlite => {
            // Rules between tables are judged at the commit, when all of them are empty.
            let mut sql = "PRAGMA defer_foreign_keys = ON".to_owned();
            for table in quoted {
                // Writing into a `String` cannot fail.
                let _ = write!(sql, "; DELETE FROM {table}");
            }
            sql
        }
        // An open store has at least the outbox, so that the list is never empty.
        Engine::Postgres => format!("TRUNCATE {}", quoted.join(", ")),
    }
}

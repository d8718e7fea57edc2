//! Shows statements to the engine without running them.

use sqlx::{Column, Either, Executor, SqlSafeStr, Statement as _, TypeInfo};

use crate::connection::Connection;
use crate::{Db, Statement, StoreError};

/// PostgreSQL's names for the dialect's types.
const POSTGRES_TYPES: [&str; 4] = ["INT8", "FLOAT8", "TEXT", "BYTEA"];

impl Db {
    /// Has the engine parse each statement against the tables as they are, and on PostgreSQL checks that
    /// parameters and columns have the dialect's types. The first that does not pass is a
    /// [`StoreError::Misuse`]. Every service has a test that runs its own on both engines.
    pub async fn check_statements(&self, statements: &[Statement]) -> Result<(), StoreError> {
        for statement in statements {
            self.check(*statement).await?;
        }
        Ok(())
    }

    async fn check(&self, statement: Statement) -> Result<(), StoreError> {
        let sql = statement.sql().into_sql_str();
        match &mut self.connection(statement).await? {
            Connection::Sqlite(connection) => {
                connection.prepare(sql).await.map_err(|error| statement.misused(error.to_string()))?;
            }
            Connection::Postgres(connection) => {
                let prepared =
                    connection.prepare(sql).await.map_err(|error| statement.misused(error.to_string()))?;
                let parameters = prepared.parameters().and_then(Either::left).unwrap_or(&[]);
                let columns = prepared.columns().iter().map(Column::type_info);
                for found in parameters.iter().chain(columns) {
                    if !POSTGRES_TYPES.contains(&found.name()) {
                        return Err(statement.misused(format!(
                            "{} is outside the dialect: use CAST(... AS BIGINT) or the like",
                            found.name()
                        )));
                    }
                }
            }
        }
        Ok(())
    }
}

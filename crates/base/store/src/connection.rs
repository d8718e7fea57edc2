//! One connection of either engine: where sqlx is spoken.

use futures_util::StreamExt as _;
use futures_util::stream::BoxStream;
use sqlx::pool::PoolConnection;
use sqlx::postgres::PgArguments;
use sqlx::sqlite::SqliteArguments;
use sqlx::{Arguments, Database, Postgres, SqlSafeStr, Sqlite};

use crate::row::EngineRow;
use crate::{Row, Statement, StoreError, Type, Value};

/// A connection out of a pool, which goes back there when dropped.
pub(crate) enum Connection {
    Sqlite(PoolConnection<Sqlite>),
    Postgres(PoolConnection<Postgres>),
}

impl Connection {
    /// All rows that `statement` answers.
    pub(crate) async fn query(
        &mut self,
        statement: Statement,
        values: &[Value],
    ) -> Result<Vec<Row>, StoreError> {
        statement.admit(values)?;
        Ok(match self {
            Self::Sqlite(connection) => {
                let arguments = bind::<Sqlite, SqliteArguments>(values)?;
                let query = sqlx::query_with(statement.sql(), arguments);
                let rows = query.fetch_all(&mut **connection).await?;
                rows.into_iter().map(|row| Row(EngineRow::Sqlite(row))).collect()
            }
            Self::Postgres(connection) => {
                let arguments = bind::<Postgres, PgArguments>(values)?;
                let query = sqlx::query_with(statement.sql(), arguments);
                let rows = query.fetch_all(&mut **connection).await?;
                rows.into_iter().map(|row| Row(EngineRow::Postgres(row))).collect()
            }
        })
    }

    /// How many rows `statement` changed.
    pub(crate) async fn execute(
        &mut self,
        statement: Statement,
        values: &[Value],
    ) -> Result<u64, StoreError> {
        statement.admit(values)?;
        if statement.reads() {
            return Err(statement.misused("it only reads, and nothing is done with its rows"));
        }
        Ok(match self {
            Self::Sqlite(connection) => {
                let arguments = bind::<Sqlite, SqliteArguments>(values)?;
                let query = sqlx::query_with(statement.sql(), arguments);
                query.execute(&mut **connection).await?.rows_affected()
            }
            Self::Postgres(connection) => {
                let arguments = bind::<Postgres, PgArguments>(values)?;
                let query = sqlx::query_with(statement.sql(), arguments);
                query.execute(&mut **connection).await?.rows_affected()
            }
        })
    }

    /// All rows that SQL with as many parameters as there are values answers.
    pub(crate) async fn select(
        &mut self,
        sql: impl SqlSafeStr + Send,
        values: &[Value],
    ) -> Result<Vec<Row>, StoreError> {
        Ok(match self {
            Self::Sqlite(connection) => {
                let query = sqlx::query_with(sql, bind::<Sqlite, SqliteArguments>(values)?);
                let rows = query.fetch_all(&mut **connection).await?;
                rows.into_iter().map(|row| Row(EngineRow::Sqlite(row))).collect()
            }
            Self::Postgres(connection) => {
                let query = sqlx::query_with(sql, bind::<Postgres, PgArguments>(values)?);
                let rows = query.fetch_all(&mut **connection).await?;
                rows.into_iter().map(|row| Row(EngineRow::Postgres(row))).collect()
            }
        })
    }

    /// Runs SQL of any kind and number of statements, outside the dialect if need be.
    pub(crate) async fn run(&mut self, sql: impl SqlSafeStr + Send) -> Result<(), StoreError> {
        let sql = sqlx::raw_sql(sql);
        match self {
            Self::Sqlite(connection) => sql.execute(&mut **connection).await.map(drop)?,
            Self::Postgres(connection) => sql.execute(&mut **connection).await.map(drop)?,
        }
        Ok(())
    }

    /// The rows that SQL answers, one by one.
    pub(crate) fn stream(
        &mut self,
        sql: impl SqlSafeStr + Send + 'static,
    ) -> BoxStream<'_, Result<Row, StoreError>> {
        match self {
            Self::Sqlite(connection) => {
                let rows = sqlx::query(sql).persistent(false).fetch(&mut **connection);
                rows.map(|row| Ok(Row(EngineRow::Sqlite(row?)))).boxed()
            }
            Self::Postgres(connection) => {
                let rows = sqlx::query(sql).persistent(false).fetch(&mut **connection);
                rows.map(|row| Ok(Row(EngineRow::Postgres(row?)))).boxed()
            }
        }
    }

    /// Changes rows by SQL with as many parameters as there are values. Answers how many rows were changed.
    pub(crate) async fn change(
        &mut self,
        sql: impl SqlSafeStr + Send,
        values: &[Value],
    ) -> Result<u64, StoreError> {
        Ok(match self {
            Self::Sqlite(connection) => {
                let query = sqlx::query_with(sql, bind::<Sqlite, SqliteArguments>(values)?);
                query.execute(&mut **connection).await?.rows_affected()
            }
            Self::Postgres(connection) => {
                let query = sqlx::query_with(sql, bind::<Postgres, PgArguments>(values)?);
                query.execute(&mut **connection).await?.rows_affected()
            }
        })
    }

    /// Marks the connection as one that is closed, not given to the next, when it is dropped.
    pub(crate) fn discard(&mut self) {
        match self {
            Self::Sqlite(connection) => connection.close_on_drop(),
            Self::Postgres(connection) => connection.close_on_drop(),
        }
    }
}

/// The values in an engine's own form, NULLs with their type.
fn bind<D, A>(values: &[Value]) -> Result<A, StoreError>
where
    D: Database,
    A: Arguments<Database = D> + Default,
    for<'v> Option<i64>: sqlx::Encode<'v, D> + sqlx::Type<D>,
    for<'v> Option<f64>: sqlx::Encode<'v, D> + sqlx::Type<D>,
    for<'v> Option<&'v str>: sqlx::Encode<'v, D> + sqlx::Type<D>,
    for<'v> Option<&'v [u8]>: sqlx::Encode<'v, D> + sqlx::Type<D>,
{
    let mut arguments = A::default();
    for value in values {
        match value {
            Value::Null(Type::I64) => arguments.add(None::<i64>),
            Value::Null(Type::F64) => arguments.add(None::<f64>),
            Value::Null(Type::Text) => arguments.add(None::<&str>),
            Value::Null(Type::Blob) => arguments.add(None::<&[u8]>),
            Value::I64(number) => arguments.add(Some(*number)),
            Value::F64(number) => arguments.add(Some(*number)),
            Value::Text(text) => arguments.add(Some(text.as_str())),
            Value::Blob(bytes) => arguments.add(Some(bytes.as_slice())),
        }
        .map_err(StoreError::Engine)?;
    }
    Ok(arguments)
}

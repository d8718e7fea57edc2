//! Why the store did not do it, in words that are the same for both engines.

use std::error::Error;

use sqlx::error::{DatabaseError, ErrorKind};
use sqlx::postgres::PgDatabaseError;

use crate::SchemaError;

/// The engine's own error, for logs.
pub type Source = Box<dyn Error + Send + Sync>;

/// Why the store did not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// A primary key or unique index of `table` holds such a row already. `constraint` is the engine's name
    /// for it and differs between engines: decide by the table.
    #[error("{table} has such a row already ({constraint})")]
    UniqueViolation {
        /// The table.
        table: String,
        /// PostgreSQL's constraint name, SQLite's list of columns.
        constraint: String,
    },
    /// A foreign key, NOT NULL or CHECK rule does not allow the row.
    #[error("a rule of the schema does not allow the row")]
    Constraint(#[source] Source),
    /// The change lost against others, also when it was tried again. Trying later may succeed.
    #[error("the change lost against others that were made at the same time")]
    Conflict,
    /// The database cannot be reached, is too busy or has no room. Whether a commit that ended like this
    /// took place is unknown.
    #[error("the database does not answer")]
    Unavailable(#[source] Source),
    /// The row is not as this installation wrote it: its MAC does not fit. It grants nothing.
    #[error("row {key} of {table} was not written by this installation or has been altered")]
    Corrupt {
        /// The table.
        table: &'static str,
        /// What names the row.
        key: String,
    },
    /// The tables are not those this program knows.
    #[error(transparent)]
    Schema(#[from] SchemaError),
    /// The database is not set up in a way the store can work with; the text says what to change.
    #[error("{0}")]
    Setup(String),
    /// Not as many rows as there have to be.
    #[error("one row was expected and {found} were found")]
    RowCount {
        /// How many there were.
        found: usize,
    },
    /// A column is missing, NULL, or does not hold what it should.
    #[error("column {column} cannot be read")]
    Column {
        /// The column.
        column: String,
        /// What is wrong with it.
        source: Source,
    },
    /// A mistake of the caller's that no input of a user can bring about.
    #[error("the statement is misused: {reason}: {sql}")]
    Misuse {
        /// The statement's text.
        sql: &'static str,
        /// What is wrong.
        reason: String,
    },
    /// Anything else that an engine may say.
    #[error("the database failed")]
    Engine(#[source] Source),
}

impl StoreError {
    /// The error of a column whose value does not mean anything to its reader.
    pub fn column(column: &str, source: impl Into<Source>) -> Self {
        Self::Column { column: column.to_owned(), source: source.into() }
    }

    /// The error of a change that rests on what is too old by now. It was not made.
    pub(crate) fn stale() -> Self {
        Self::Unavailable(
            "changes of other servers were not seen for too long while this one was made".into(),
        )
    }

    /// Whether it says that `table` holds such a row already.
    pub fn is_duplicate_in(&self, table: &str) -> bool {
        matches!(self, Self::UniqueViolation { table: violated, .. } if violated == table)
    }
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        match error {
            sqlx::Error::Database(error) => from_engine(error),
            sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed => Self::Unavailable(error.into()),
            other => Self::Engine(other.into()),
        }
    }
}

fn from_engine(error: Box<dyn DatabaseError>) -> StoreError {
    match error.kind() {
        ErrorKind::UniqueViolation => {
            let (table, constraint) = violated(&*error);
            StoreError::UniqueViolation { table, constraint }
        }
        ErrorKind::ForeignKeyViolation
        | ErrorKind::NotNullViolation
        | ErrorKind::CheckViolation
        | ErrorKind::ExclusionViolation => StoreError::Constraint(error.into()),
        _ => {
            let code = error.code().unwrap_or_default().into_owned();
            let fate = match error.try_downcast_ref::<PgDatabaseError>() {
                Some(_) => fate_on_postgres(&code),
                None => fate_on_sqlite(&code),
            };
            match fate {
                Fate::TryAgain => StoreError::Conflict,
                Fate::Away => StoreError::Unavailable(error.into()),
                Fate::Failed => StoreError::Engine(error.into()),
            }
        }
    }
}

/// Table and constraint of a unique violation. SQLite says them in its message only:
/// `UNIQUE constraint failed: table.column, table.column` or `...: index 'name'`.
fn violated(error: &dyn DatabaseError) -> (String, String) {
    if let Some(table) = error.table() {
        return (table.to_owned(), error.constraint().unwrap_or_default().to_owned());
    }
    let columns = error.message().rsplit(": ").next().unwrap_or_default();
    let table = columns.split_once('.').map_or("", |(table, _)| table);
    (table.to_owned(), columns.to_owned())
}

enum Fate {
    TryAgain,
    Away,
    Failed,
}

/// By SQLSTATE (PostgreSQL manual, appendix A).
fn fate_on_postgres(code: &str) -> Fate {
    match code {
        // serialization_failure, deadlock_detected.
        "40001" | "40P01" => Fate::TryAgain,
        // query_canceled by a timeout, lock_not_available, shutdowns, idle connections that were ended.
        "57014" | "55P03" | "57P01" | "57P02" | "57P03" | "57P05" | "25P03" => Fate::Away,
        // Classes: connection exception, insufficient resources, system error.
        _ if ["08", "53", "58"].iter().any(|class| code.starts_with(class)) => Fate::Away,
        _ => Fate::Failed,
    }
}

/// By extended result code (<https://www.sqlite.org/rescode.html>), whose low byte is the primary one.
fn fate_on_sqlite(code: &str) -> Fate {
    const BUSY: i32 = 5;
    const LOCKED: i32 = 6;
    const READONLY: i32 = 8;
    const IOERR: i32 = 10;
    const FULL: i32 = 13;
    const CANTOPEN: i32 = 14;
    match code.parse::<i32>().unwrap_or_default() & 0xff {
        BUSY | LOCKED => Fate::TryAgain,
        READONLY | IOERR | FULL | CANTOPEN => Fate::Away,
        _ => Fate::Failed,
    }
}

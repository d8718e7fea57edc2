//! The store: one facade over SQLite (embedded, the default) and PostgreSQL (many servers), and the only
//! user of sqlx.
//!
//! It refuses to know what the rows mean: each service brings its tables as [`Migration`]s and its
//! [`Statement`]s as constants. Start from [`Db`].
//!
//! # The dialect
//! One text serves both engines because it stays in what both do alike:
//!
//! * columns are `TEXT`, `BIGINT`, `DOUBLE PRECISION` and `BYTEA` only; booleans are `BIGINT` 0 or 1, times
//!   `BIGINT` milliseconds since 1970, documents `TEXT`;
//! * parameters are `$1` to `$n`, each used at least once;
//! * `INSERT ... ON CONFLICT ... DO UPDATE/NOTHING`, `RETURNING`, `LIMIT $n`, `COUNT(*)`,
//!   `IS NOT DISTINCT FROM` and `UPDATE ... WHERE version = $n` behave alike;
//! * `SUM` needs `CAST(SUM(x) AS BIGINT)`; `SELECT EXISTS`, JSON functions, `FOR UPDATE` and `SELECT *` are
//!   out;
//! * text sorts by the bytes of its UTF-8 (a PostgreSQL database that sorts otherwise is refused).
//!
//! A test of each service shows every statement to both engines with [`Db::check_statements`]. What cannot
//! be said alike goes through [`Db::pick`].

#![warn(missing_docs)]

mod check;
mod clear;
mod connection;
mod db;
mod error;
mod feed;
mod load;
mod mac;
mod meta;
mod migration;
mod open;
mod outbox;
mod resealing;
mod retry;
mod row;
mod snapshot;
mod statement;
mod transaction;
mod value;

pub use db::{Db, Engine};
pub use error::{Source, StoreError};
pub use feed::{Feed, FeedOptions, Following, News, Topic, Uptime};
pub use load::Load;
pub use mac::{AuthorityRow, RowMac};
pub use migration::{Migration, SchemaError};
pub use open::OpenOptions;
pub use outbox::{Claim, Posted};
pub use resealing::{Aim, Binding, Fields, Place, SealedColumn, SealedTable, Sealing, Step};
pub use row::Row;
pub use snapshot::{Applied, Rows, Snapshot, Table};
pub use statement::Statement;
pub use transaction::{Tx, Work};
pub use value::{Type, Typed, Value};

//! What stands in a backup, one entry after the other: messages, each after its length (u32, big-endian).
//!
//! ```text
//! Origin
//! Store   what the tables had been through
//!   Table Rows* TableEnd   for each table
//! File Bytes*              for each file
//! End     how much there was of everything
//! ```

use prost::{Message, Oneof};
use strongroom_store::{Applied, Table, Type};

use crate::BackupError;

/// The most that one entry takes, in bytes: a row with the largest value that anything of ours keeps.
pub(crate) const ENTRY_LIMIT: usize = 32 << 20;

/// What is readable without a key.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct OpenPart {
    /// The slots that wrap the root key: whoever has the key of one of them opens the backup.
    #[prost(bytes = "vec", tag = "1")]
    pub slots: Vec<u8>,
    /// By what the root key is known.
    #[prost(bytes = "vec", tag = "2")]
    pub check_value: Vec<u8>,
    /// Of which epoch of its purpose the backup's key is.
    #[prost(uint32, tag = "3")]
    pub epoch: u32,
    /// Names the backup: 16 random bytes.
    #[prost(bytes = "vec", tag = "4")]
    pub id: Vec<u8>,
    /// When it was begun, in milliseconds since 1970.
    #[prost(int64, tag = "5")]
    pub made_ms: i64,
    /// The version of the program that made it.
    #[prost(string, tag = "6")]
    pub version: String,
}

/// One entry.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Entry {
    #[prost(oneof = "Kind", tags = "1, 2, 3, 4, 5, 6, 7, 8")]
    pub(crate) kind: Option<Kind>,
}

#[derive(Clone, PartialEq, Oneof)]
pub(crate) enum Kind {
    #[prost(message, tag = "1")]
    Origin(Origin),
    #[prost(message, tag = "2")]
    Store(StoreStart),
    #[prost(message, tag = "3")]
    Table(TableStart),
    /// Rows as `rows.rs` writes them.
    #[prost(bytes, tag = "4")]
    Rows(Vec<u8>),
    /// How many rows the table had.
    #[prost(uint64, tag = "5")]
    TableEnd(u64),
    #[prost(message, tag = "6")]
    File(FileStart),
    #[prost(bytes, tag = "7")]
    Bytes(Vec<u8>),
    #[prost(message, tag = "8")]
    End(Totals),
}

/// Where a backup comes from.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct Origin {
    /// `sqlite` or `postgres`.
    #[prost(string, tag = "1")]
    pub engine: String,
    /// The stream of the journal that was being written, if there was a journal.
    #[prost(string, tag = "2")]
    pub stream: String,
    /// What of the server is not in the backup, for people.
    #[prost(string, repeated, tag = "3")]
    pub missing: Vec<String>,
}

/// How much a backup holds.
#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub struct Totals {
    /// Tables.
    #[prost(uint64, tag = "1")]
    pub tables: u64,
    /// Rows of all of them.
    #[prost(uint64, tag = "2")]
    pub rows: u64,
    /// Files.
    #[prost(uint64, tag = "3")]
    pub files: u64,
    /// Bytes of all of them.
    #[prost(uint64, tag = "4")]
    pub bytes: u64,
}

#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct StoreStart {
    #[prost(message, repeated, tag = "1")]
    applied: Vec<Step>,
}

#[derive(Clone, PartialEq, Eq, Message)]
struct Step {
    #[prost(string, tag = "1")]
    component: String,
    #[prost(uint32, tag = "2")]
    version: u32,
    #[prost(string, tag = "3")]
    name: String,
    #[prost(bytes = "vec", tag = "4")]
    digest: Vec<u8>,
}

#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct TableStart {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(message, repeated, tag = "2")]
    columns: Vec<Column>,
}

#[derive(Clone, PartialEq, Eq, Message)]
struct Column {
    #[prost(string, tag = "1")]
    name: String,
    /// 1 number, 2 floating point, 3 text, 4 bytes.
    #[prost(uint32, tag = "2")]
    kind: u32,
}

/// A file, by its path in the data folder.
#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct FileStart {
    #[prost(string, tag = "1")]
    pub(crate) path: String,
    #[prost(uint64, tag = "2")]
    pub(crate) length: u64,
}

impl StoreStart {
    pub(crate) fn new(applied: &[Applied]) -> Self {
        let step = |step: &Applied| Step {
            component: step.component.clone(),
            version: step.version,
            name: step.name.clone(),
            digest: step.digest.clone(),
        };
        Self { applied: applied.iter().map(step).collect() }
    }

    pub(crate) fn into_applied(self) -> Vec<Applied> {
        let applied =
            |Step { component, version, name, digest }| Applied { component, version, name, digest };
        self.applied.into_iter().map(applied).collect()
    }
}

impl TableStart {
    pub(crate) fn new(table: &Table) -> Self {
        let column = |(name, kind): &(String, Type)| Column {
            name: name.clone(),
            kind: match kind {
                Type::I64 => 1,
                Type::F64 => 2,
                Type::Text => 3,
                Type::Blob => 4,
            },
        };
        Self { name: table.name.clone(), columns: table.columns.iter().map(column).collect() }
    }

    pub(crate) fn into_table(self) -> Result<Table, BackupError> {
        let Self { name, columns } = self;
        let column = |column: Column| {
            let kind = match column.kind {
                1 => Type::I64,
                2 => Type::F64,
                3 => Type::Text,
                4 => Type::Blob,
                other => {
                    return Err(BackupError::content(format!("table {name} has a column of type {other}")));
                }
            };
            Ok((column.name, kind))
        };
        let columns = columns.into_iter().map(column).collect::<Result<_, _>>()?;
        Ok(Table { name, columns })
    }
}

//! Rows of S3. Those of buckets carry a MAC because policies are in them, those of objects because what they say of
//! themselves (tags, encryption) is what policies and keys go by.

mod buckets;
mod dropped;
mod holds;
mod objects;
mod parts;
mod uploads;

use serde::Serialize;
use serde::de::DeserializeOwned;
use strongroom_identity::RequestContext;
use strongroom_store::{Migration, Row, Source, Statement, StoreError, Tx};

pub(crate) use self::buckets::{
    Buckets, count_buckets, find_bucket, insert_bucket, load_bucket, remove_bucket, replace_bucket,
};
pub(crate) use self::dropped::{drop_file, dropped_files, forget_dropped, is_named};
pub(crate) use self::holds::{are_held, hold_until, release};
pub(crate) use self::objects::{
    Cursor, demote_latest, find_version, has_versions, insert_version, latest, list_latest, list_versions,
    load_content, load_version, newest_but, next_number, number_of, promote, remove_version, replace_facts,
};
pub(crate) use self::parts::{Part, drop_content, find_parts, list_parts, load_parts, put_part};
pub(crate) use self::uploads::{
    Upload, UploadFacts, find_upload, insert_upload, list_uploads, load_upload, remove_upload,
    remove_uploads_of,
};

/// The tables of S3, forward only.
pub const MIGRATIONS: &[Migration] = &[
    Migration {
        component: "s3",
        version: 1,
        name: "buckets and objects",
        sql: include_str!("repo/0001_buckets_and_objects.sql"),
    },
    Migration { component: "s3", version: 2, name: "holds", sql: include_str!("repo/0002_holds.sql") },
    Migration {
        component: "s3",
        version: 3,
        name: "objects by content",
        sql: include_str!("repo/0003_objects_by_content.sql"),
    },
];

/// Every statement, so that a test can show each to both engines.
pub const STATEMENTS: &[&[Statement]] = &[
    buckets::STATEMENTS,
    objects::STATEMENTS,
    uploads::STATEMENTS,
    parts::STATEMENTS,
    dropped::STATEMENTS,
    holds::STATEMENTS,
];

/// The form of documents that is written here.
const FORMAT: i64 = 1;

/// Commits the draft of a call's record together with the change that it speaks of.
pub(crate) async fn post(tx: &mut Tx<'_>, context: &RequestContext) -> Result<(), StoreError> {
    match context.draft() {
        Some(draft) => {
            tx.only_if_holds(context.mark());
            tx.post(&draft.event_id, &draft.bytes).await
        }
        None => Ok(()),
    }
}

/// A document as it was read or is to be written: the MAC is over its bytes, and a later version may write it otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Document<T> {
    pub(crate) text: String,
    pub(crate) content: T,
}

impl<T: Serialize + DeserializeOwned> Document<T> {
    pub(crate) fn new(content: T) -> Result<Self, StoreError> {
        let text = serde_json::to_string(&content).map_err(|error| unreadable("document", error))?;
        Ok(Self { text, content })
    }

    fn read(row: &Row) -> Result<Self, StoreError> {
        if row.i64("format")? != FORMAT {
            return Err(unreadable("format", "it is of a newer Strongroom"));
        }
        let text = row.text("document")?;
        let content = serde_json::from_str(&text).map_err(|error| unreadable("document", error))?;
        Ok(Self { text, content })
    }
}

fn unreadable(column: &str, why: impl Into<Source>) -> StoreError {
    StoreError::Column { column: column.to_owned(), source: why.into() }
}

/// A number of bytes, from its column.
fn bytes(row: &Row, column: &str) -> Result<u64, StoreError> {
    u64::try_from(row.i64(column)?).map_err(|error| unreadable(column, error))
}

//! S3: buckets, and objects in files.
//!
//! [`ObjectStorage`] answers the S3 API. A call goes through `api` (input rules, answers), `storage` (permission and the
//! transaction), `domain` (rules without a store), `repo` (rows) and `objects` (files). An object's bytes are in files of
//! a [`Folder`], each under a key of its own, and go in and out in pieces; its row is written once its files are durable.
//! [`ObjectStorage::sweep`] removes files that no row needs.
//!
//! The crate knows no HTTP: what a header or a query parameter is called is the schema's matter, and bodies come and go as
//! [streams](strongroom_schema::ByteStream).

#![warn(missing_docs)]

mod api;
mod domain;
mod error;
mod holding;
mod keys;
mod objects;
mod recording;
mod repo;
mod resealing;
mod storage;
mod sweeping;

pub use holding::{Hold, hold_files};
pub use objects::Folder;
pub use recording::{event_name, recorded_agent, touched_prefix};
pub use repo::{MIGRATIONS, STATEMENTS};
pub use resealing::SEALED;
pub use storage::{ObjectStorage, Parts};

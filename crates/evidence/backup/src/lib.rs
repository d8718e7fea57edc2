//! Backups: what a server keeps, in one sealed file.
//!
//! The crate refuses to know where root keys come from, what rows mean and how a server is started. Start from
//! [`Writing`], and from [`Backup`] to read.
//!
//! A backup is a [container] of sealed pieces that are read from the first to the last, so that it can be written to a
//! pipe, and holds no more in memory than some pieces whatever its size. In it stand the tables of a store, in a form that
//! both engines take, and files, as they were. Its head is open to everyone and holds what wraps the root key, so that it
//! opens with the key of a slot, or the passphrase, of its time.

#![warn(missing_docs)]

pub mod container;

mod entry;
mod error;
mod path;
mod reading;
mod rows;
mod writing;

pub use entry::{OpenPart, Origin, Totals};
pub use error::BackupError;
pub use reading::{Backup, Item, Reading};
pub use writing::{Kept, Progress, Sink, Writing, engine_name, kept_in};

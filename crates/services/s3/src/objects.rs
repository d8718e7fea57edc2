//! The files that objects' bytes are in: written once, whole, and never changed.
//!
//! [`Folder`] has them, `format` says how they are made, `writing` and `reading` stream into and out of them.

mod folder;
mod format;
mod reading;
mod writing;

pub(crate) use self::folder::FileId;
pub use self::folder::Folder;
pub(crate) use self::format::FileKey;
pub(crate) use self::reading::{Piece, stream};
pub(crate) use self::writing::{Expected, Written, write};

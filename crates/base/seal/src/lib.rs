//! The root of trust: a random 256-bit root key that lives outside the database, wrapped in *slots*, and what
//! is derived from it.
//!
//! The crate refuses to know what is sealed and where sealed values are kept; it knows one directory (two
//! small files) and a list of purposes. Start from [`Root::open_or_create`], compare
//! [`Root::check_value`] with what the database holds before anything is touched, make a [`Sealer`] per
//! purpose or take a [subkey](Root::subkey), and drop the root.
//!
//! ```text
//! slot-file.key   the key of the slot kind `file`: 32 random bytes, readable by their owner only
//! root.slots      the root key, wrapped once for each slot; one slot opens it
//!
//! root key -- check value (public)
//!    `------- key per purpose -- subkey per epoch -- key per sealed value
//! ```
//!
//! Whoever loses both files loses everything that was sealed; whoever copies both can open it. Back them up
//! apart from the database.

#![warn(missing_docs)]

mod directory;
mod error;
mod purpose;
mod root;
mod sealer;
mod slot_key;
mod slots;

pub use error::SealError;
pub use purpose::{Epoch, Purpose};
pub use root::{CheckValue, Root};
pub use sealer::Sealer;

//! The root of trust: a random 256-bit root key that lives outside the database, sealed to *slots*, and what
//! is derived from it.
//!
//! The crate refuses to know what is sealed and where sealed values are kept; it knows one directory (two
//! small files) and a list of purposes. Start from [`Root::open_or_create`], compare
//! [`Root::check_value`] with what the database holds before anything is touched, and make a [`Sealer`] per
//! purpose or take a [subkey](Root::subkey).
//!
//! ```text
//! slot-file.key   the key of the slot kind `file`: 32 random bytes, readable by their owner only
//! root.slots      the newest root key, sealed to the public key of each slot, whose private key is in it under the slot's
//!                 own key; one slot opens it. Older root keys under the newest
//!
//! root key of an epoch -- check value (public)
//!    `------------------- key per purpose -- subkey -- key per sealed value
//! ```
//!
//! A rotation makes a root key of the next [`Epoch`] ([`Root::prepare_next`], [`Root::select`]). What is sealed names
//! its epoch, so that old values open until somebody has sealed them afresh and lets the older root key go
//! ([`Root::retire_before`]).
//!
//! Whoever loses both files, or the one and the passphrase, loses everything that was sealed; whoever copies both can
//! open it. Back them up apart from the database.

#![warn(missing_docs)]

mod bringing_up;
mod directory;
mod error;
mod inventory;
mod purpose;
mod ring;
mod root;
mod rotation;
mod sealer;
mod slot;
mod slot_key;
mod slots;
mod unlock;
mod writing;

pub use error::SealError;
pub use inventory::{SlotInfo, slots_in};
pub use purpose::{Epoch, Purpose};
pub use root::{CheckValue, Root};
pub use sealer::Sealer;
pub use unlock::{SHORTEST_PASSPHRASE, Unlock};

//! The seal's rotation: a new root key comes into use on every server of a store, what older ones sealed is sealed afresh,
//! and the older ones go.
//!
//! The crate knows the store and the seal, and what services tell of their values ([`SealedColumn`] and [`Kept`]); it
//! refuses to know what the values mean. Start from [`Servers::join`] when a server opens its store, and from [`Resealing`]
//! while it runs.
//!
//! # The course of a rotation
//! 1. The next root key is made and stands in `root.slots` of the server that was asked.
//! 2. With several servers it stands in the store too, sealed under the root key before. Every server takes it over into
//!    its own `root.slots` and reports that it has it.
//! 3. The store says that it is in use (`seal.check`). New values are sealed under it from now on.
//! 4. All tables are gone through until nothing is left that an older root key sealed.
//! 5. The older root keys go, from the store, from every `root.slots` and from memory. Of those that something outside the
//!    store still needs (the journal's MACs, session tokens), the subkeys for that alone stay, for as long as it is needed.
//!
//! A crash at any point leaves a state from which the next start goes on.

#![warn(missing_docs)]

mod beside;
mod error;
mod following;
mod known;
mod resealing;
mod rotating;
mod servers;
mod walk;

pub use beside::Beside;
pub use error::ResealingError;
pub use known::settle;
pub use resealing::{GRACE, Parts, Resealing};
pub use rotating::Outcome;
pub use servers::Servers;
pub use strongroom_store::{Aim, Binding, Fields, SealedColumn};
pub use walk::{BoxError, Kept, KeptStep, Progress, Totals};

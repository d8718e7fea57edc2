//! The event history: finding records of the journal by what LookupEvents can ask for.
//!
//! [`History`] is the way in: [`History::lookup`] finds, and [`History::follow`] keeps the index. The crate knows the
//! journal and nothing of the API: accounts, Regions and times are the caller's to state.
//!
//! # How it finds
//!
//! Each closed segment of the journal has an index, a file of its own in a folder beside the journal: for each
//! attribute's value within an account and Region, the numbers of the records that have it. Of the segment that is
//! being written the index grows in memory, a second behind; what is newer is read as it is. So is a segment that has
//! no index yet. A lookup goes through segments, newest first, and reads the records that the index names.
//!
//! # What the index is not
//!
//! It is derived and may be deleted at any time: what is missing, torn, altered or of another key is made anew. It is
//! no evidence. Each file carries a MAC, and each record that it leads to is compared with the filter.

mod catalog;
mod continuation;
mod draft;
mod file;
mod filter;
mod follow;
mod history;
mod lookup;
mod postings;
mod tail;

pub use continuation::Continuation;
pub use filter::{Attribute, Filter};
pub use history::{History, HistoryError, Progress};
pub use lookup::Page;

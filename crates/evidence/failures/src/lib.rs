//! The security log: who failed to prove who he is.
//!
//! Nobody is known to have made such a call, so it is no record of any account and does not go into the journal; and
//! anybody who reaches the port can make as many as he likes. The log is bounded for that reason, whatever comes:
//!
//! - in memory: [`Options::groups`] groups of failures with the same source, access key id and code, and
//!   [`Options::groups_of_source`] of one source; what does not fit is counted together;
//! - in time: [`SecurityLog::write`], called every few seconds, writes one line for each group, however many failures it
//!   counts;
//! - on the disk: [`Options::files`] files of [`Options::file_bytes`], the oldest of which goes when a new one is begun.
//!
//! Lines are JSON objects, see [`Entry`]. They carry no MAC: what strangers cause is no evidence against them. What was
//! not yet written is lost when the process is killed.
//!
//! [`SecurityLog`] writes, [`read`] reads. The crate knows no protocol and reads no clock.

#![warn(missing_docs)]

mod entry;
mod files;
mod log;
mod reading;

pub use entry::{Entry, Failure};
pub use log::{Options, SecurityLog};
pub use reading::{Entries, read};

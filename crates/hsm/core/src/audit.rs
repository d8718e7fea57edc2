//! The HSM's audit log (CloudHSM User Guide, "audit log reference").
//!
//! Management commands leave a record each, done or refused; cryptography leaves none. Sequence numbers have no
//! gaps. Records wait, in bounded number, until the caller has stored them; when there is no room, commands that
//! must be recorded are refused.

mod log;
mod opcode;
mod record;

pub(crate) use log::{AuditLog, Companion, Slot};
pub(crate) use opcode::{Opcode, of_command, response};
pub(crate) use record::user_detail;
pub use record::{AuditDetail, AuditRecord, ServiceEvent};

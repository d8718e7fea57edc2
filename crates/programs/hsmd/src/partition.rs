//! The cluster's partition on this HSM: core and kernel joined, and the files that keep them.
//!
//! [`Ground`] makes, joins, restores or recovers it; [`Log`] is the one way in which it changes; [`View`] is what
//! everybody may know of its position without waiting.

mod audit_file;
mod begin;
mod csr;
mod ledger;
mod log;
mod machine;
mod upkeep;
mod view;
mod writer;

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use strongroom_hsm_core::Hsm;

use crate::state::Folder;

pub(crate) use audit_file::AuditFile;
pub(crate) use begin::{Begun, Ground};
pub(crate) use csr::{Signer, hardware_certificates};
pub(crate) use ledger::Ledger;
pub(crate) use log::{Log, LogError};
pub(crate) use machine::Core;
pub(crate) use upkeep::Care;
pub(crate) use view::View;
pub(crate) use writer::{Desk, Writer, failed, first_reply, outcome_of};

/// A partition that is there.
pub(crate) struct Partition {
    pub(crate) hsm: Arc<Hsm>,
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) view: Arc<View>,
    pub(crate) log: Log,
    pub(crate) writer: Writer,
    pub(crate) audit: AuditFile,
    pub(crate) folder: Arc<Folder>,
    /// Held while something local is written, so that nothing older comes after it.
    pub(crate) saving: Mutex<()>,
}

/// What this HSM alone must not forget.
const LOCAL: &str = "local";

impl Partition {
    /// Writes down what this HSM alone must not forget, as far as it has changed. To be called before an answer is
    /// sent.
    pub(crate) fn save(&self) -> io::Result<()> {
        let saving = self.saving.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(local) = self.hsm.unsaved_local() {
            tokio::task::block_in_place(|| self.folder.write_sealed(LOCAL, &local))
                .map_err(io::Error::other)?;
        }
        drop(saving);
        self.audit.save()
    }
}

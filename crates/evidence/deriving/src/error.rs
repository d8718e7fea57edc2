//! Why the journal was not read on.

use strongroom_journal::JournalError;
use strongroom_runtime::BoxError;
use strongroom_store::StoreError;

/// Why a follower has not come further. It has lost nothing: the next try begins where the last commit ended.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DerivingError {
    /// The journal cannot be read.
    #[error("the journal cannot be read")]
    Journal(#[from] JournalError),
    /// What was derived cannot be kept.
    #[error("what was derived from the journal cannot be kept")]
    Store(#[from] StoreError),
    /// The key that proves the next frames was not noted by this server's seal, or cannot be.
    #[error("what proves the journal's next frames is not as it was noted")]
    Proof,
    /// What is derived needs something else that is not there now.
    #[error("what is derived from the journal cannot be made now")]
    NotReady(#[source] BoxError),
    /// Another server on the store has had the same records.
    #[error("another server has had these records already")]
    Overtaken,
    /// The reading was given up: the program ends.
    #[error("reading the journal was interrupted")]
    Interrupted,
}

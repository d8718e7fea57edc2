//! Why the journal was not read on.

use strongroom_journal::{JournalError, StreamId};
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
    /// It cannot be told who wrote a stream: the heads of its segments are damaged, or name a key that this seal does not have, or
    /// what is to be read lies too far behind its beginning. Nothing of it is taken, and nothing passed over.
    #[error(
        "it cannot be told who wrote stream {stream} of the journal: its head is damaged or altered, or it is too long to be \
         proved from its beginning; `strongroom audit verify` tells more, and nothing of it is had until somebody has seen to it"
    )]
    Unprovable {
        /// The stream.
        stream: StreamId,
    },
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

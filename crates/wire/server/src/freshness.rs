//! The seam to whoever knows how old the authority is that callers have: several servers share a store, and each keeps
//! in memory who may do what.

use strongroom_schema::{Operation, ServiceSchema};
use strongroom_service::ApiError;

/// How old what is in memory is. Marks are numbers that mean something to who gives them.
///
/// A call is marked before anything in memory is looked at for it. Whether the mark still holds is asked when the call has
/// a place; then, of a call that only reads, when its answer is there, and of one that changes something by the store,
/// right before it commits: the mark goes with the [draft](strongroom_identity::RecordDraft) of its record.
pub trait Freshness: Send + Sync {
    /// The mark of this moment; `None` if what is in memory is too old to be acted on.
    fn mark(&self) -> Option<u64>;

    /// Whether what was in memory at the mark may still be acted on.
    fn holds(&self, mark: u64) -> bool;

    /// What a caller of that operation is told when it may not.
    fn refusal(&self, service: &'static ServiceSchema, operation: &'static Operation) -> ApiError;
}

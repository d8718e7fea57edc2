//! The seam to whoever knows how old the authority is that callers have: several servers share a store, and each keeps
//! in memory who may do what.

use strongroom_schema::ServiceSchema;
use strongroom_service::ApiError;

/// How old what is in memory is. Marks are numbers that mean something to who gives them.
///
/// A call is marked before anything in memory is looked at for it. A call that changes something is judged by the
/// store when it commits; one that only reads rests on what is in memory alone, so that its answer is given only if
/// its mark still holds then.
pub trait Freshness: Send + Sync {
    /// The mark of this moment; `None` if what is in memory is too old to be acted on.
    fn mark(&self) -> Option<u64>;

    /// Whether what was in memory at the mark may still be acted on.
    fn holds(&self, mark: u64) -> bool;

    /// What a caller of that service is told when it may not.
    fn refusal(&self, service: &'static ServiceSchema) -> ApiError;
}

//! What becomes due at moments of domain time: the rotation of a key, a deletion, an expiry.

use std::error::Error;

use async_trait::async_trait;

/// Why an agenda could not be read or an item not be done; for logs.
pub type BoxError = Box<dyn Error + Send + Sync>;

/// One piece of work and its moment. Items order by time, then by id.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Due {
    /// When it becomes due: domain time, milliseconds since 1970.
    pub at_ms: i64,
    /// Which item of its agenda. The same id at another moment is another item.
    pub id: String,
}

/// Work of one kind that waits for its moment. The [`Scheduler`](crate::Scheduler) asks what comes first and
/// does it; the agenda itself lives where its owner keeps it, usually in the store.
#[async_trait]
pub trait Agenda: Send + Sync {
    /// What the log calls it.
    fn name(&self) -> &'static str;

    /// The first `most` items in the order of [`Due`], whether due or not; fewer only when there are no more.
    async fn first(&self, most: u32) -> Result<Vec<Due>, BoxError>;

    /// Does an item that is due and takes it off the agenda. An item that stays there counts as failed.
    ///
    /// It must be safe to run twice, and to run when the item is not on the agenda any more: both then do
    /// nothing. It runs as a task of its own, to its end, whoever waits for it; a panic in it is a failure.
    async fn run(&self, item: &Due) -> Result<(), BoxError>;
}

//! Log streams.

use super::id::Id;

/// A log stream of a group.
#[derive(Clone, Debug)]
pub(crate) struct Stream {
    pub(crate) group: Id,
    pub(crate) name: String,
    pub(crate) id: Id,
    pub(crate) created_ms: i64,
}

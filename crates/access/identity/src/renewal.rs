//! What a caller may do, asked again by a call that has lasted long.

use std::fmt;

use async_trait::async_trait;

use crate::Permissions;

/// Whoever sends a body for minutes may have lost meanwhile what he had when it began.
#[async_trait]
pub trait Renewal: Send + Sync + fmt::Debug {
    /// What the caller's policies let it do now, if the credential by which it proved itself still counts.
    async fn renew(&self) -> Result<Renewed, NotRenewed>;
}

/// What a caller may do now.
#[derive(Clone, Debug)]
pub struct Renewed {
    /// What its policies let it do.
    pub permissions: Permissions,
    /// How old that may be, as the store marks it: see [`RecordDraft::mark`](crate::RecordDraft::mark).
    pub mark: Option<u64>,
}

/// Why there is nothing to go on with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotRenewed {
    /// The credential does not count any more.
    Gone,
    /// Nobody knows now.
    Unknown,
}

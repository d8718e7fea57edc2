//! The log: one at a time changes it or reads on in it.

use std::sync::Arc;

use strongroom_hsm_cluster::{ClusterError, Extent, Halt, Own, SealedEntry, Standing};
use strongroom_hsm_proto::fleet::{BlobKind, FailedCode};
use tokio::sync::{Mutex, MutexGuard};

use super::{Ledger, View};
use crate::faults::Faults;
use crate::fleet::{LinkError, Placed, Plane, PlaneError};

/// How often a race for the next place may be lost before it is given up.
const MOST_RACES: u32 = 64;
/// How many answers of the control plane are read before it is called nonsense that there are more and more.
const MOST_READS: u32 = 1_000_000;

/// Why the log does not go on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum LogError {
    /// The kernel refuses, or has halted.
    #[error(transparent)]
    Cluster(ClusterError),
    /// The control plane is away, or refuses.
    #[error(transparent)]
    Plane(#[from] PlaneError),
    /// The state folder cannot be written.
    #[error("the state folder cannot be read or written: {0}")]
    Disk(String),
    /// The log has it, and the state folder does not.
    #[error("what the log brought could not be written to the state folder: {0}")]
    Unsaved(String),
    /// The core refuses.
    #[error("the core refuses: {0}")]
    Core(String),
    /// Others were always first.
    #[error("other HSMs were first too often")]
    Raced,
    /// It is told not to follow the log.
    #[error("the HSM was told to stay behind, and does")]
    StaysBehind,
}

impl From<ClusterError> for LogError {
    fn from(error: ClusterError) -> Self {
        Self::Cluster(error)
    }
}

impl LogError {
    #[expect(clippy::needless_pass_by_value, reason = "it stands where errors are mapped")]
    pub(crate) fn disk(error: anyhow::Error) -> Self {
        Self::Disk(format!("{error:#}"))
    }

    pub(crate) fn damaged(file: &str) -> Self {
        Self::Disk(format!("the file \"{file}\" is damaged"))
    }

    /// Why the HSM stands still, if that is it.
    pub(crate) const fn halt(&self) -> Option<&Halt> {
        match self {
            Self::Cluster(ClusterError::Halted(halt)) => Some(halt),
            _ => None,
        }
    }

    /// Whether it is known that whatever was to be appended is not in the log. It is not where the store may have
    /// failed after it had written.
    pub(crate) fn is_certain(&self) -> bool {
        match self {
            Self::Plane(PlaneError::Link(LinkError::Lost) | PlaneError::Nonsense) | Self::Unsaved(_) => false,
            Self::Plane(PlaneError::Refused(failed)) => {
                !matches!(failed.code(), FailedCode::Unavailable | FailedCode::Internal)
            }
            _ => true,
        }
    }
}

/// The log of the cluster.
#[derive(Clone)]
pub(crate) struct Log(Arc<Inner>);

struct Inner {
    ledger: Arc<Ledger>,
    view: Arc<View>,
    plane: Plane,
    faults: Faults,
    turn: Mutex<()>,
}

/// While it is held, nobody else changes the log or reads on in it.
pub(crate) struct Turn<'a> {
    log: &'a Inner,
    _turn: MutexGuard<'a, ()>,
}

impl Log {
    pub(crate) fn new(ledger: Arc<Ledger>, view: Arc<View>, plane: Plane, faults: Faults) -> Self {
        Self(Arc::new(Inner { ledger, view, plane, faults, turn: Mutex::new(()) }))
    }

    pub(crate) async fn turn(&self) -> Turn<'_> {
        Turn { log: &self.0, _turn: self.0.turn.lock().await }
    }

    /// Reads on until the state is at least at this place.
    pub(crate) async fn reach(&self, sequence: u64) -> Result<(), LogError> {
        if self.0.view.head().sequence >= sequence {
            return Ok(());
        }
        let turn = self.turn().await;
        if self.0.view.head().sequence < sequence {
            turn.catch_up().await?;
        }
        Ok(())
    }

    /// Appends an entry of the kernel's own kinds. `propose` is asked again whenever another was first.
    pub(crate) async fn append<T>(
        &self,
        mut propose: impl FnMut(&Ledger) -> Result<(SealedEntry, T), LogError>,
    ) -> Result<T, LogError> {
        let turn = self.turn().await;
        for _ in 0..MOST_RACES {
            turn.catch_up().await?;
            let (entry, what) = propose(&self.0.ledger)?;
            if turn.place(entry).await? == Own::Landed {
                return Ok(what);
            }
        }
        Err(LogError::Raced)
    }
}

impl Turn<'_> {
    /// Reads everything that the log has and this HSM does not. Says what became of the entry under way, if that
    /// turned out.
    pub(crate) async fn catch_up(&self) -> Result<Option<Own>, LogError> {
        let Inner { ledger, view, plane, faults, .. } = self.log;
        if faults.stays_behind() {
            return Err(LogError::StaysBehind);
        }
        let mut own = None;
        for _ in 0..MOST_READS {
            let from = view.head().sequence + 1;
            let read = plane.read(from).await?;
            match ledger.observe(Extent { first: read.first, last: read.head }) {
                Ok(Standing::Level) => return Ok(own),
                Ok(Standing::Ahead { verify, entries }) => {
                    if verify > 0 {
                        let last = plane.read(verify).await?.entries;
                        let last: Vec<_> = last.into_iter().take(1).map(|entry| entry.entry).collect();
                        let _ = ledger.replay(verify, &last)?;
                    }
                    tracing::warn!(
                        entries = entries.len(),
                        "the store has lost entries of the log; they are given back"
                    );
                    for entry in entries {
                        if plane.append(entry.sequence, entry.bytes).await? == Placed::Occupied {
                            break;
                        }
                    }
                }
                Ok(Standing::Behind { from: needed }) => {
                    // Where the store may hold another past, the kernel asks for entries that it has.
                    let read = if needed == from { read } else { plane.read(needed).await? };
                    if read.entries.is_empty() {
                        return Err(PlaneError::Nonsense.into());
                    }
                    let entries: Vec<_> = read.entries.into_iter().map(|entry| entry.entry).collect();
                    let progress = tokio::task::block_in_place(|| ledger.replay(needed, &entries))?;
                    own = progress.own.or(own);
                }
                Err(LogError::Cluster(ClusterError::NeedsSnapshot { .. })) => {
                    let snapshot = plane.get(BlobKind::Snapshot, &read.snapshot.to_string()).await?;
                    tokio::task::block_in_place(|| ledger.catch_up(&snapshot))?;
                }
                Err(error) => return Err(error),
            }
        }
        Err(PlaneError::Nonsense.into())
    }

    /// Puts the entry under way into the log, and finds out what became of it.
    pub(crate) async fn place(&self, entry: SealedEntry) -> Result<Own, LogError> {
        let Inner { ledger, plane, .. } = self.log;
        match plane.append(entry.sequence, entry.bytes).await {
            Ok(Placed::Appended) => {
                let _ = tokio::task::block_in_place(|| ledger.appended())?;
                Ok(Own::Landed)
            }
            // It may be our own that is there, from an attempt whose answer was lost.
            Ok(Placed::Occupied) => Ok(self.catch_up().await?.unwrap_or(Own::Lost)),
            Err(error) => Err(error.into()),
        }
    }
}

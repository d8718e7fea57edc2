//! A server's part in rotations.

use std::sync::Arc;
use std::time::Duration;

use strongroom_runtime::Clocks;
use strongroom_seal::{Epoch, Purpose, Root};
use strongroom_store::{Aim, Db, SealedColumn, Sealing};
use tokio::sync::Mutex;

use crate::servers::Servers;
use crate::walk::{Ground, Kept, Progress, Totals};
use crate::{ResealingError, known};

/// How long a session token may count, and with it the key that opens it: what STS gives for at the most, 36 hours
/// (STS API Reference, "GetSessionToken").
const SESSIONS_MS: i64 = 36 * 3_600_000;

/// Longer than a change takes from sealing its values to its commit: waiting for a connection, every statement of a
/// transaction up to its limit, and all of its tries.
pub const GRACE: Duration = Duration::from_mins(10);

/// What rotations are made of.
pub struct Parts {
    /// The store.
    pub db: Db,
    /// The seal, settled.
    pub root: Root,
    /// The clocks; the real one counts.
    pub clocks: Clocks,
    /// The sealed columns of all services.
    pub columns: Vec<&'static [SealedColumn]>,
    /// What else services keep sealed.
    pub kept: Vec<Arc<dyn Kept>>,
    /// For how long every server must have sealed under a new root key before the older ones go: [`GRACE`], or nothing
    /// where no server can run, which is so only on SQLite.
    pub grace: Duration,
}

/// Rotations, and what they leave to do.
pub struct Resealing {
    pub(crate) db: Db,
    pub(crate) root: Root,
    pub(crate) clocks: Clocks,
    pub(crate) servers: Servers,
    sealing: Sealing,
    columns: Vec<&'static [SealedColumn]>,
    kept: Vec<Arc<dyn Kept>>,
    /// One walk at a time.
    pub(crate) turn: Mutex<()>,
    pub(crate) grace: Duration,
}

impl Resealing {
    /// Nothing happens by itself before somebody runs [`follow`](Self::follow). The others on the store learn of this server
    /// when it rotates or follows.
    pub fn new(parts: Parts) -> Result<Self, ResealingError> {
        let servers = Servers::new(parts.db.clone(), None)?;
        Ok(Self::of(parts, servers))
    }

    /// The same for a server that has [joined](Servers::join) the others.
    #[must_use]
    pub fn of(parts: Parts, servers: Servers) -> Self {
        let Parts { db, root, clocks, columns, kept, grace } = parts;
        let sealing = Sealing::new(&root);
        Self { db, root, clocks, servers, sealing, columns, kept, turn: Mutex::default(), grace }
    }

    /// Opens everything that is sealed, and checks the MACs of all rows. Nothing is changed.
    pub async fn check(&self, tell: &(dyn Fn(Progress) + Send + Sync)) -> Result<Totals, ResealingError> {
        self.ground().walk(Aim::Check, tell).await
    }

    pub(crate) fn ground(&self) -> Ground<'_> {
        Ground { db: &self.db, sealing: &self.sealing, columns: &self.columns, kept: &self.kept }
    }

    /// Whether root keys are there that are older than the one in use.
    pub(crate) fn has_older(&self) -> bool {
        self.root.epochs().first().is_some_and(|oldest| *oldest < self.root.current_epoch())
    }

    /// Lets the root keys before `epoch` go here, and subkeys that nobody needs any more.
    pub(crate) async fn let_go(&self, epoch: Epoch) -> Result<(), ResealingError> {
        let mut needed = Vec::new();
        for kept in &self.kept {
            let needs = kept.needs().await;
            needed.extend(needs.map_err(|source| ResealingError::Kept { of: kept.name(), source })?);
        }
        let mut sessions = Vec::new();
        let now_ms = self.clocks.real_now();
        let mut next = Epoch::FIRST;
        while next < epoch {
            let of = next;
            next = of.next().ok_or(ResealingError::UnknownForm)?;
            // Sealed under it last when the next one came into use.
            let ended_ms = known::since(&self.db, next).await?;
            if ended_ms.is_none_or(|ended_ms| now_ms.saturating_sub(ended_ms) <= SESSIONS_MS) {
                sessions.push(of);
            }
        }
        self.root.retire_before(epoch, |of, purpose| match purpose {
            // Copies of checkpoints lie where no server sees them, and their signatures are to be told from others for good.
            Purpose::JournalCheckpoints => true,
            Purpose::SessionTokens | Purpose::GrantTokens | Purpose::ImportTokens => sessions.contains(&of),
            _ => needed.contains(&(of, purpose)),
        })?;
        Ok(())
    }
}

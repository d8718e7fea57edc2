//! The journal's keeping: checkpoints while it is written and when it ends, compression of what is closed, retention.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result};
use strongroom_crypto::ed25519::{PrivateKey, PublicKey};
use strongroom_deriving::Followed;
use strongroom_iam::IdentityManagement;
use strongroom_journal::{
    CheckpointKey, Holds, Horizon, Journal, JournalError, Keeper, KeeperOptions, Position, Reader,
};
use strongroom_kms::KeyManagement;
use strongroom_runtime::{Clocks, Shutdown, uptime};
use strongroom_seal::{Epoch, Purpose, Root};

const HOUR_MS: i64 = 3_600_000;
/// How often it is said that records are kept for longer than they should be.
const TELL_EVERY: Duration = Duration::from_hours(1);
/// How often it is looked at what servers have left that are gone.
const OTHERS_EVERY: Duration = Duration::from_hours(1);
/// How long the end waits for copies of the last checkpoint. One that hangs gets it at the next start.
const COPIES_WAIT: Duration = Duration::from_secs(5);

/// How a journal is kept.
#[derive(Clone, Debug)]
pub(crate) struct KeepingChoices {
    /// How often it is signed how far the journal is, if it went on since.
    pub(crate) checkpoint_every: Duration,
    /// How long records are kept, in milliseconds of domain time.
    pub(crate) retention_ms: i64,
    /// Folders that have a copy of all checkpoints.
    pub(crate) copies: Vec<PathBuf>,
}

impl Default for KeepingChoices {
    /// Every minute, and 90 days as in CloudTrail's event history.
    fn default() -> Self {
        Self {
            checkpoint_every: Duration::from_mins(1),
            retention_ms: 90 * 24 * 3600 * 1000,
            copies: Vec::new(),
        }
    }
}

/// Keeps a journal that this process writes.
pub(crate) struct JournalKeeping {
    journal: Arc<Journal>,
    keeper: Mutex<Keeper>,
    horizon: Mutex<Held>,
    holds: Holds,
    root: Root,
    clocks: Clocks,
    choices: KeepingChoices,
}

/// How far retention may go.
struct Held {
    horizon: Horizon,
    /// When it was last said that it is held back, in uptime.
    told: Option<Duration>,
}

impl JournalKeeping {
    /// Takes it up where the last server left it.
    pub(crate) fn open(
        journal: &Arc<Journal>,
        root: &Root,
        clocks: &Clocks,
        choices: KeepingChoices,
    ) -> Result<Self> {
        let options = keeper_options(root, choices.copies.clone())?;
        let keeper =
            journal.keeper(options, clocks.domain_now()).context("reading the journal's checkpoints")?;
        if let Some(foreign) = keeper.foreign_checkpoint() {
            tracing::error!(
                checkpoint = foreign,
                last_of_ours = keeper.newest().map_or(0, |newest| newest.number),
                "THE JOURNAL HAS A CHECKPOINT THAT IT DID NOT SIGN: somebody else wrote it. Nothing that it says counts; \
                 `strongroom audit verify` tells more"
            );
        }
        if let Some(missing) = keeper.missing_end()? {
            tracing::error!(
                checkpoint = missing.checkpoint,
                stream = %missing.stream,
                frames = missing.frames,
                found = missing.found,
                "THE JOURNAL'S END IS MISSING: a signed checkpoint saw more of it than is there. It was cut off, or an \
                 older copy was put in place; `strongroom audit verify` tells more"
            );
        }
        let (root, clocks, holds) = (root.clone(), clocks.clone(), keeper.holds());
        let horizon = Mutex::new(Held { horizon: Horizon::new(choices.retention_ms), told: None });
        let journal = journal.clone();
        Ok(Self { journal, keeper: Mutex::new(keeper), horizon, holds, root, clocks, choices })
    }

    /// Keeps it until the shutdown begins. What the followers have not read yet is not removed.
    pub(crate) async fn run(self: Arc<Self>, followers: Followers, shutdown: Shutdown) {
        let begun = shutdown.begun();
        tokio::pin!(begun);
        // What recovery has found is signed at once.
        let mut due = uptime();
        let mut others_due = due + OTHERS_EVERY;
        loop {
            tokio::select! {
                () = begun.as_mut() => return,
                () = tokio::time::sleep(due.saturating_sub(uptime())) => {}
            }
            due = uptime() + self.choices.checkpoint_every;
            tokio::select! {
                () = begun.as_mut() => return,
                () = self.round(&followers, due) => {}
            }
            if uptime() >= others_due {
                others_due = uptime() + OTHERS_EVERY;
                self.retire_gone(&followers).await;
            }
        }
    }

    /// Drops what is old of the journals that servers left in the store which do not come back.
    async fn retire_gone(self: &Arc<Self>, followers: &Followers) {
        let all = self.journal.reader();
        let own = followers.journal.clone();
        let listed =
            tokio::task::spawn_blocking(move || Ok::<_, JournalError>((all.chains()?, own.chains()?)));
        let Ok(Ok((chains, own))) = listed.await else { return };
        for chain in chains.into_iter().filter(|chain| !own.contains(chain)) {
            match followers.read_to(&self.journal.reader().of_chain(&chain)).await {
                Ok(Some(read_to)) => {
                    let retire = move |this: &Self| this.retire_other(&chain, read_to);
                    self.step("old records of a server that is gone are not removed", retire).await;
                }
                Ok(None) => {}
                Err(error) => {
                    tracing::warn!(reason = %format_args!("{error:#}"), server = chain, "old records are not removed");
                }
            }
        }
    }

    fn retire_other(&self, chain: &str, read_to: Position) -> Result<bool> {
        let Some(older_than_ms) = self.old_before()? else { return Ok(false) };
        let (options, now_ms) = (keeper_options(&self.root, Vec::new())?, self.clocks.domain_now());
        let retired = self.journal.retire_gone(chain, options, now_ms, older_than_ms, Some(read_to))?;
        if let Some(retired) = &retired {
            let (segments, checkpoint) = (retired.segments, retired.checkpoint);
            tracing::info!(
                segments,
                checkpoint,
                server = chain,
                "old records of a server that is gone were removed"
            );
        }
        Ok(retired.is_some())
    }

    /// Signs, and does what else there is to do until the next signature is due.
    async fn round(self: &Arc<Self>, followers: &Followers, due: Duration) {
        self.step("the journal is not signed", Self::checkpoint).await;
        match followers.read_to(&followers.journal).await {
            Ok(Some(read_to)) => {
                self.step("old records are not removed", move |this| this.retire(read_to)).await;
            }
            // Some have read nothing yet.
            Ok(None) => {}
            Err(error) => {
                tracing::warn!(reason = %format_args!("{error:#}"), "old records are not removed");
            }
        }
        // Many segments may wait, after an upgrade for example: no signature is late because of them.
        while uptime() < due && self.step("the journal is not compressed", Self::compress).await {}
    }

    /// Does one step where it may block; tells whether there may be more to do.
    async fn step(
        self: &Arc<Self>,
        failed: &'static str,
        step: impl FnOnce(&Self) -> Result<bool> + Send + 'static,
    ) -> bool {
        let this = self.clone();
        match tokio::task::spawn_blocking(move || step(&this)).await {
            Ok(Ok(more)) => more,
            Ok(Err(error)) => {
                tracing::error!(reason = %format_args!("{error:#}"), "{failed}");
                false
            }
            Err(_) => false,
        }
    }

    fn checkpoint(&self) -> Result<bool> {
        let now_ms = self.clocks.domain_now();
        let mut keeper = self.keeper();
        let current = self.root.current_epoch();
        if keeper.key_epoch() != current.number() {
            keeper.change_key(signing_key(&self.root, current)?, now_ms)?;
        }
        Ok(keeper.checkpoint(now_ms)?.is_some())
    }

    fn compress(&self) -> Result<bool> {
        Ok(self.keeper().compress_next()?.is_some())
    }

    fn retire(&self, read_to: Position) -> Result<bool> {
        let now_ms = self.clocks.domain_now();
        let Some(older_than_ms) = self.old_before()? else { return Ok(false) };
        let retired = self.keeper().retire(now_ms, older_than_ms, Some(read_to))?;
        if let Some(retired) = &retired {
            tracing::info!(
                segments = retired.segments,
                checkpoint = retired.checkpoint,
                "old records were removed"
            );
        }
        Ok(retired.is_some())
    }

    /// Up to when records may go; none if nothing could.
    fn old_before(&self) -> Result<Option<i64>> {
        let moved_ms = self.clocks.offset_ms();
        // Not the latest that was seen: a clock that was ahead and is right again counts for nothing.
        let now_ms = self.clocks.real_now().saturating_add(moved_ms);
        if moved_ms != 0 {
            // Domain time was moved, in development mode: that is meant.
            return Ok(Some(now_ms.saturating_sub(self.choices.retention_ms)));
        }
        let mut held = self.horizon.lock().unwrap_or_else(PoisonError::into_inner);
        let now = uptime();
        let Some(old) = held.horizon.look(&self.keeper(), now_ms, now)? else { return Ok(None) };
        let is_told = held.told.is_some_and(|told| now.saturating_sub(told) < TELL_EVERY);
        if old.held_back_ms > HOUR_MS && !is_told {
            held.told = Some(now);
            tracing::warn!(
                hours = old.held_back_ms / HOUR_MS,
                "records are kept for longer than they should be, by so many hours: the clock is ahead of the time that \
                 was seen to pass. That is so for a while after the server stood still; if it did not, look at the \
                 machine's clock: while it is ahead, records go too early"
            );
        }
        Ok(Some(old.before_ms))
    }

    /// Signs how the journal ended. It is closed.
    pub(crate) fn finish(&self) -> Result<(), JournalError> {
        let mut keeper = self.keeper();
        keeper.checkpoint(self.clocks.domain_now())?;
        if !keeper.wait_for_copies(COPIES_WAIT) {
            tracing::warn!(
                "a folder for copies of checkpoints does not answer; it gets the last one at the next start"
            );
        }
        Ok(())
    }

    /// By which others keep the journal's files where they are for a while.
    pub(crate) fn holds(&self) -> Holds {
        self.holds.clone()
    }

    fn keeper(&self) -> std::sync::MutexGuard<'_, Keeper> {
        // What is written is whole or not there, whatever stopped the step before.
        self.keeper.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Who reads the journal on, and remembers how far.
pub(crate) struct Followers {
    pub(crate) kms: Arc<KeyManagement>,
    pub(crate) iam: Arc<IdentityManagement>,
    /// Those that derive something else.
    pub(crate) derived: Vec<Arc<dyn Followed>>,
    /// This server's own journal.
    pub(crate) journal: Reader,
}

impl Followers {
    /// What all of them have read of a server's journal up to; none if one has read nothing yet.
    async fn read_to(&self, journal: &Reader) -> Result<Option<Position>> {
        let journal = journal.clone();
        let listed = move || Ok::<_, JournalError>((journal.chains()?, journal.streams()?));
        let (chains, streams) = tokio::task::spawn_blocking(listed).await??;
        let Some(own) = chains.first() else { return Ok(None) };
        let keys = self.kms.usage_read_to(own).await?;
        let identities = self.iam.uses_read_to(own).await?;
        let mut read_to = keys.zip(identities).map(|(keys, identities)| keys.min(identities));
        for follower in &self.derived {
            let followed = follower.read_to(&streams).await?;
            read_to = read_to.zip(followed).map(|(others, followed)| others.min(followed));
        }
        Ok(read_to)
    }
}

/// What a journal's checkpoints are signed with, and where they are copied to.
fn keeper_options(root: &Root, copies: Vec<PathBuf>) -> Result<KeeperOptions> {
    let key = signing_key(root, root.current_epoch())?;
    let before = 1..key.epoch;
    let keys_before = before.filter_map(|epoch| signing_key(root, Epoch::new(epoch)).ok()).collect();
    Ok(KeeperOptions { key, keys_before, copies })
}

/// The key that signs checkpoints in an epoch of the seal.
fn signing_key(root: &Root, epoch: Epoch) -> Result<CheckpointKey> {
    let seed = root.subkey(Purpose::JournalCheckpoints, epoch)?;
    Ok(CheckpointKey { epoch: epoch.number(), key: PrivateKey::from_seed(seed.expose())? })
}

/// The public half of the key that signs checkpoints in an epoch of the seal.
pub(crate) fn verification_key(root: &Root, epoch: Epoch) -> Result<PublicKey> {
    Ok(*signing_key(root, epoch)?.key.public_key())
}

//! The journal's keeping: checkpoints while it is written and when it ends, compression of what is closed, retention.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result};
use strongroom_crypto::ed25519::{PrivateKey, PublicKey};
use strongroom_iam::IdentityManagement;
use strongroom_journal::{
    CheckpointKey, Holds, Journal, JournalError, Keeper, KeeperOptions, Position, newest_checkpoint,
};
use strongroom_kms::KeyManagement;
use strongroom_runtime::{Clocks, Shutdown};
use strongroom_seal::{Epoch, Purpose, Root};

use crate::data_dir::DataDir;

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
            checkpoint_every: Duration::from_secs(60),
            retention_ms: 90 * 24 * 3600 * 1000,
            copies: Vec::new(),
        }
    }
}

/// Keeps a journal that this process writes.
pub(crate) struct JournalKeeping {
    keeper: Mutex<Keeper>,
    holds: Holds,
    root: Root,
    clocks: Clocks,
    choices: KeepingChoices,
}

impl JournalKeeping {
    /// Takes it up where the last server left it.
    pub(crate) fn open(
        journal: &Journal,
        data: &DataDir,
        root: &Root,
        clocks: &Clocks,
        choices: KeepingChoices,
    ) -> Result<Self> {
        let key = signing_key(root, root.current_epoch())?;
        let before = newest_checkpoint(&data.journal()).context("reading the journal's checkpoints")?;
        let before = before.filter(|newest| newest.key_epoch != key.epoch);
        // Of an epoch that is gone the next checkpoints speak all the same: each names the one before it.
        let key_before = before.and_then(|newest| signing_key(root, Epoch::new(newest.key_epoch)).ok());
        let options = KeeperOptions { key, key_before, copies: choices.copies.clone() };
        let keeper =
            journal.keeper(options, clocks.domain_now()).context("reading the journal's checkpoints")?;
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
        Ok(Self { keeper: Mutex::new(keeper), holds, root, clocks, choices })
    }

    /// Keeps it until the shutdown begins. What the followers have not read yet is not removed.
    pub(crate) async fn run(self: Arc<Self>, followers: Followers, shutdown: Shutdown) {
        let begun = shutdown.begun();
        tokio::pin!(begun);
        loop {
            tokio::select! {
                () = begun.as_mut() => return,
                () = tokio::time::sleep(self.choices.checkpoint_every) => {}
            }
            let steps = async {
                self.step("the journal is not signed", Self::checkpoint).await;
                match followers.read_to().await {
                    Ok(Some(read_to)) => {
                        self.step("old records are not removed", move |this| this.retire(read_to)).await;
                    }
                    // Some have read nothing yet.
                    Ok(None) => {}
                    Err(error) => {
                        tracing::warn!(reason = %format_args!("{error:#}"), "old records are not removed");
                    }
                }
                while self.step("the journal is not compressed", Self::compress).await {}
            };
            tokio::select! {
                () = begun.as_mut() => return,
                () = steps => {}
            }
        }
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
        let older_than_ms = now_ms.saturating_sub(self.choices.retention_ms);
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

    /// Signs how the journal ended. It is closed.
    pub(crate) fn finish(&self) -> Result<(), JournalError> {
        self.keeper().checkpoint(self.clocks.domain_now()).map(|_| ())
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
}

impl Followers {
    /// What all of them have read up to; none if one has read nothing yet.
    async fn read_to(&self) -> Result<Option<Position>> {
        let keys = self.kms.usage_read_to().await?;
        let identities = self.iam.uses_read_to().await?;
        Ok(keys.zip(identities).map(|(keys, identities)| keys.min(identities)))
    }
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

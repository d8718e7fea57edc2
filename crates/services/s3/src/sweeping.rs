//! Files that nothing needs, removed.
//!
//! A file is dropped by the transaction that ends the need for it, and removed a while later, so that whoever has just read
//! its row still finds it. While somebody [holds](crate::hold_files) the files, none goes. What a crash left between a
//! file and its row is found by its age, and by no row naming it.

use std::sync::Arc;
use std::time::Duration;

use strongroom_runtime::Shutdown;
use strongroom_store::StoreError;
use tokio::task::spawn_blocking;

use crate::repo;
use crate::storage::ObjectStorage;

/// How long a dropped file stays, in milliseconds: longer than anybody needs from its row to the opened file.
const GRACE_MS: i64 = 60_000;

/// How old a file is that no row names, in milliseconds, before it is taken for a leftover: longer than a row takes to
/// follow its file, and an upload to send its next piece.
const LEFTOVER_MS: i64 = 3_600_000;

/// How often dropped files are removed.
const EVERY: Duration = Duration::from_secs(30);

/// How many of these rounds pass between two searches for leftovers.
const ROUNDS_BETWEEN_SEARCHES: u32 = 120;

/// Files removed in one go.
const BATCH: i64 = 256;

/// Why files cannot be swept.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SweepError {
    /// The rows cannot be read.
    #[error("the rows of objects' files cannot be read")]
    Store(#[from] StoreError),
    /// The files cannot be removed.
    #[error("files of objects cannot be removed")]
    Files(#[from] std::io::Error),
}

impl ObjectStorage {
    /// Removes files that nothing needs until the shutdown begins.
    pub async fn sweep(self: Arc<Self>, shutdown: Shutdown) {
        let mut round = 0;
        loop {
            let now_ms = self.clocks.real_now();
            let swept = self.remove_dropped(now_ms.saturating_sub(GRACE_MS)).await;
            let searched = if round % ROUNDS_BETWEEN_SEARCHES == 0 {
                self.remove_leftovers(now_ms.saturating_sub(LEFTOVER_MS)).await
            } else {
                Ok(0)
            };
            for outcome in [swept, searched] {
                match outcome {
                    Ok(0) => {}
                    Ok(files) => tracing::debug!(files, "files of objects were removed"),
                    Err(error) => tracing::warn!(%error, "files of objects that nothing needs stay for now"),
                }
            }
            round = round.wrapping_add(1);
            tokio::select! {
                () = shutdown.begun() => return,
                () = tokio::time::sleep(EVERY) => {}
            }
        }
    }

    /// Removes files that were dropped until that moment of real time, and answers how many.
    pub async fn remove_dropped(&self, until_ms: i64) -> Result<usize, SweepError> {
        let (mut removed, mut last) = (0, None);
        loop {
            let files = repo::dropped_files(&self.db, until_ms, BATCH).await?;
            for file in &files {
                if repo::are_held(&self.db, self.clocks.real_now()).await? {
                    return Ok(removed);
                }
                if let Ok(id) = file.parse() {
                    // Somebody reads it: another time.
                    if self.folder.is_read(id) {
                        continue;
                    }
                    let folder = self.folder.clone();
                    spawn_blocking(move || folder.remove(id)).await.map_err(std::io::Error::other)??;
                }
                repo::forget_dropped(&self.db, file).await?;
                removed += 1;
            }
            if (files.len() as i64) < BATCH || files.last() == last.as_ref() {
                return Ok(removed);
            }
            last = files.last().cloned();
        }
    }

    /// Removes files that no row names and nobody has written to since that moment of real time, and answers how many.
    pub async fn remove_leftovers(&self, until_ms: i64) -> Result<usize, SweepError> {
        let folder = self.folder.clone();
        let old = spawn_blocking(move || folder.untouched_since(until_ms))
            .await
            .map_err(std::io::Error::other)??;
        let mut removed = 0;
        for id in old {
            if repo::are_held(&self.db, self.clocks.real_now()).await? {
                break;
            }
            if repo::is_named(&self.db, &id.to_string()).await? {
                continue;
            }
            let folder = self.folder.clone();
            spawn_blocking(move || folder.remove(id)).await.map_err(std::io::Error::other)??;
            removed += 1;
        }
        Ok(removed)
    }

    /// Removes all files, after the store has been emptied.
    pub fn start_over(&self) {
        if let Err(error) = self.folder.clear() {
            tracing::warn!(%error, "files of objects of before the reset stay until they are swept");
        }
    }
}

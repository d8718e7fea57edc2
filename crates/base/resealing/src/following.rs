//! What goes on by itself: root keys of other servers taken over, rotations that were cut off finished.

use std::sync::Arc;
use std::time::Duration;

use strongroom_runtime::{Shutdown, Stopwatch};
use strongroom_store::Engine;

use crate::{Resealing, ResealingError, known};

/// How often the store is looked at for what other servers have begun.
const LOOK: Duration = Duration::from_secs(1);
/// How often this server says that it runs.
const REPORT: Duration = Duration::from_secs(10);
/// How often a rotation that could not be finished is tried again, and subkeys that nobody needs any more are let go.
const AGAIN: Duration = Duration::from_mins(1);

impl Resealing {
    /// Does its part in rotations until the shutdown begins.
    pub async fn follow(self: Arc<Self>, shutdown: Shutdown) {
        let begun = shutdown.begun();
        tokio::pin!(begun);
        let mut worked: Option<Stopwatch> = None;
        let mut reported: Option<Stopwatch> = None;
        loop {
            tokio::select! {
                () = begun.as_mut() => break,
                () = self.look(&mut worked, &mut reported) => {}
            }
            tokio::select! {
                () = begun.as_mut() => break,
                () = tokio::time::sleep(LOOK) => {}
            }
        }
        if let Err(error) = self.servers.leave().await {
            tracing::debug!(%error, "this server's name stays in the store for an hour");
        }
    }

    async fn look(&self, worked: &mut Option<Stopwatch>, reported: &mut Option<Stopwatch>) {
        if self.db.engine() == Engine::Postgres
            && let Err(error) = self.keep_up(reported).await
        {
            tracing::warn!(%error, "rotations of the seal on other servers cannot be followed");
        }
        if worked.as_ref().is_none_or(|worked| worked.elapsed() >= AGAIN) {
            *worked = Some(Stopwatch::start());
            if let Err(error) = self.work().await {
                tracing::warn!(%error, "sealing afresh stopped; it is tried again in a minute");
            }
        }
    }

    /// Takes over what other servers have begun, and reports.
    async fn keep_up(&self, reported: &mut Option<Stopwatch>) -> Result<(), ResealingError> {
        let before = (self.root.newest_epoch(), self.root.current_epoch());
        known::settle(&self.db, &self.root).await?;
        if let Some(next) = self.root.current_epoch().next()
            && self.root.newest_epoch() < next
            && let Some(handed) = known::handover(&self.db, next).await?
        {
            self.root.take_over(next, &handed)?;
        }
        let oldest = known::oldest(&self.db).await?;
        if self.root.epochs().first().is_some_and(|here| *here < oldest) {
            self.let_go(oldest).await?;
        }
        if before != (self.root.newest_epoch(), self.root.current_epoch())
            || reported.as_ref().is_none_or(|reported| reported.elapsed() >= REPORT)
        {
            self.servers.report(&self.root, self.clocks.real_now()).await?;
            *reported = Some(Stopwatch::start());
        }
        Ok(())
    }

    /// Finishes a rotation that was cut off, and lets go what was kept for a time.
    async fn work(&self) -> Result<(), ResealingError> {
        let oldest = known::oldest(&self.db).await?;
        if oldest <= self.root.current_epoch() && oldest > strongroom_seal::Epoch::FIRST {
            self.let_go(oldest).await?;
        }
        // One that a call is at needs no second one.
        if self.has_older() && self.turn.try_lock().is_ok() {
            let outcome = self.finish(&|_| {}).await?;
            if !outcome.finished {
                tracing::info!(
                    resealed = outcome.totals.resealed,
                    "something is still sealed under an older root key, or a server may still use it"
                );
            }
        }
        Ok(())
    }
}

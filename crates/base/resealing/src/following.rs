//! What goes on by itself: root keys of other servers taken over, rotations that were cut off finished.

use std::sync::Arc;
use std::time::Duration;

use strongroom_runtime::{Shutdown, Stopwatch};
use strongroom_store::Engine;

use crate::{Outcome, Resealing, ResealingError, known};

/// How often the store is looked at for what other servers have begun.
const LOOK: Duration = Duration::from_secs(1);
/// How often this server says that it runs.
const REPORT: Duration = Duration::from_secs(10);
/// How often a rotation that could not be finished is tried again, and subkeys that nobody needs any more are let go.
const AGAIN: Duration = Duration::from_mins(1);
/// How often at the most, where nothing changes: each time all tables are read.
const SELDOM: Duration = Duration::from_hours(1);

/// What was done when.
#[derive(Default)]
struct Done {
    reported: Option<Stopwatch>,
    worked: Option<Stopwatch>,
    /// What is left of a rotation, as it was told last, and how often it has been the same.
    left: Option<Left>,
    tries: u32,
    /// For how long the next try is put off.
    pause: Duration,
}

/// What tells whether anything has changed between two tries.
#[derive(PartialEq, Eq)]
struct Left {
    epoch: u32,
    resealed: u64,
    refused: u64,
    names: Vec<String>,
    is_settled: bool,
}

impl Resealing {
    /// Does its part in rotations until the shutdown begins. The server's name stays in the store until it has
    /// [left](crate::Servers::leave): requests that are under way still seal.
    pub async fn follow(self: Arc<Self>, shutdown: Shutdown) {
        let begun = shutdown.begun();
        tokio::pin!(begun);
        let mut done = Done::default();
        loop {
            tokio::select! {
                () = begun.as_mut() => break,
                () = self.look(&mut done) => {}
            }
            tokio::select! {
                () = begun.as_mut() => break,
                () = tokio::time::sleep(LOOK) => {}
            }
        }
    }

    async fn look(&self, done: &mut Done) {
        self.servers.sealing_for(&self.root);
        if self.db.engine() == Engine::Postgres
            && let Err(error) = self.keep_up(&mut done.reported).await
        {
            tracing::warn!(%error, "rotations of the seal on other servers cannot be followed");
        }
        if done.worked.as_ref().is_none_or(|worked| worked.elapsed() >= done.pause) {
            done.pause = AGAIN;
            if let Err(error) = self.work(done).await {
                tracing::warn!(%error, "sealing afresh stopped; it is tried again in a minute");
            }
            done.worked = Some(Stopwatch::start());
        }
    }

    /// Takes over what other servers have begun, and reports.
    async fn keep_up(&self, reported: &mut Option<Stopwatch>) -> Result<(), ResealingError> {
        let newest = |root: &strongroom_seal::Root| {
            (root.check_value_of(root.newest_epoch()), root.newest_epoch(), root.current_epoch())
        };
        let before = newest(&self.root);
        self.servers.keep_up(&self.root).await?;
        let oldest = known::oldest(&self.db).await?;
        if self.root.epochs().first().is_some_and(|here| *here < oldest) {
            self.let_go(oldest).await?;
        }
        if before != newest(&self.root)
            || reported.as_ref().is_none_or(|reported| reported.elapsed() >= REPORT)
        {
            self.servers.report(&self.root).await?;
            self.servers.look().await?;
            *reported = Some(Stopwatch::start());
        }
        Ok(())
    }

    /// Finishes a rotation that was cut off, and lets go what was kept for a time.
    async fn work(&self, done: &mut Done) -> Result<(), ResealingError> {
        // A rotation may have been cut off between the store's knowing of it and ours.
        known::settle(&self.db, &self.root).await?;
        let oldest = known::oldest(&self.db).await?;
        if oldest <= self.root.current_epoch() && oldest > strongroom_seal::Epoch::FIRST {
            self.let_go(oldest).await?;
        }
        // One that a call is at needs no second one.
        if self.has_older() && self.turn.try_lock().is_ok() {
            let outcome = self.finish(&|_| {}).await?;
            done.pause = self.pause_after(&outcome, done).await?;
        } else {
            done.left = None;
        }
        Ok(())
    }

    /// How long the next try is put off: longer each time while nothing changes.
    async fn pause_after(&self, outcome: &Outcome, done: &mut Done) -> Result<Duration, ResealingError> {
        if outcome.finished {
            done.left = None;
            return Ok(AGAIN);
        }
        let is_settled = self.is_settled(outcome.epoch).await?;
        let left = Left {
            epoch: outcome.epoch.number(),
            resealed: outcome.totals.resealed,
            refused: outcome.totals.refused,
            names: outcome.totals.names.clone(),
            is_settled,
        };
        // What the last try saw as not settled yet may have become so only at its end.
        let was_settled = done.left.as_ref().is_some_and(|before| before.is_settled);
        let is_stuck = left.is_settled && done.left.as_ref() == Some(&left);
        if !is_stuck {
            tracing::info!(
                resealed = left.resealed,
                rows_that_do_not_open = left.refused,
                names = ?left.names,
                "older root keys stay for now: something is still sealed under them, or a server may still use them"
            );
        }
        done.left = Some(left);
        done.tries = if is_stuck { done.tries.saturating_add(1) } else { 0 };
        let usual = if is_settled && was_settled { AGAIN } else { AGAIN.min(self.grace.max(LOOK)) };
        Ok(usual.saturating_mul(1 << done.tries.min(6)).min(SELDOM))
    }
}

//! A rotation from its beginning to its end.

use std::time::Duration;

use strongroom_runtime::Stopwatch;
use strongroom_seal::Epoch;
use strongroom_store::Engine;

use crate::known::{self, InUse};
use crate::walk::{Progress, Totals};
use crate::{Resealing, ResealingError};

/// How long servers that run are waited for: longer than one that was killed seems to run.
const PATIENCE: Duration = Duration::from_secs(90);
/// Between two looks at them.
const LOOK: Duration = Duration::from_millis(500);
/// Rotations cut off that are left to be finished together with the next.
const MOST_UNFINISHED: usize = 8;
/// Walks of one call. What is left then is done in the background.
const MOST_WALKS: u32 = 20;

/// What has become of a rotation.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The epoch in use.
    pub epoch: Epoch,
    /// What was sealed afresh.
    pub totals: Totals,
    /// Whether the older root keys are gone. If not, a server that runs goes on with it by itself; while rows are refused,
    /// they stay.
    pub finished: bool,
}

impl Resealing {
    /// Brings a new root key into use and seals everything afresh under it. When this fails after the beginning, servers go
    /// on by themselves.
    pub async fn rotate(&self, tell: &(dyn Fn(Progress) + Send + Sync)) -> Result<Outcome, ResealingError> {
        // Rotations that were cut off are finished first where there are many: a seal holds a bounded number of root keys.
        if self.root.epochs().len() > MOST_UNFINISHED {
            self.finish(tell).await?;
        }
        self.begin().await?;
        self.finish(tell).await
    }

    /// Brings a new root key into use.
    pub async fn begin(&self) -> Result<Epoch, ResealingError> {
        let _turn = self.turn.lock().await;
        known::settle(&self.db, &self.root).await?;
        let next = self.root.prepare_next()?;
        if self.db.engine() == Engine::Postgres {
            self.offer(next).await?;
        }
        let check = self.root.check_value_of(next).ok_or(ResealingError::Overtaken)?;
        self.wait_for_servers(next, check.as_bytes()).await?;
        let new = InUse { epoch: next, check: check.as_bytes().to_vec() };
        let (before, now_ms) = (self.root.current_epoch(), self.clocks.real_now());
        self.db
            .transaction(|tx| {
                let new = new.clone();
                Box::pin(async move {
                    if InUse::load(tx).await?.epoch != before {
                        return Err(ResealingError::Overtaken);
                    }
                    new.write(tx, now_ms).await?;
                    Ok(())
                })
            })
            .await?;
        self.root.select(next)?;
        self.servers.report(&self.root).await?;
        tracing::info!(epoch = next.number(), "a new root key is in use");
        Ok(next)
    }

    /// Puts the new root key into the store for the others. If another server has put its own there, that is the new one.
    async fn offer(&self, next: Epoch) -> Result<(), ResealingError> {
        let handed = self.root.hand_over(next)?;
        let there = self
            .db
            .transaction(|tx| {
                let handed = handed.clone();
                Box::pin(async move {
                    let there = tx.meta_get(&known::handover_name(next)).await?;
                    if there.is_none() {
                        known::put_handover(tx, next, Some(&handed)).await?;
                    }
                    Ok::<_, ResealingError>(there)
                })
            })
            .await?;
        if let Some(there) = there {
            self.root.take_over(next, &there)?;
        }
        self.servers.report(&self.root).await
    }

    async fn wait_for_servers(&self, next: Epoch, check: &[u8]) -> Result<(), ResealingError> {
        let waited = Stopwatch::start();
        loop {
            let missing = self.servers.without(next, check).await?;
            if missing == 0 {
                return Ok(());
            }
            if waited.elapsed() > PATIENCE {
                return Err(ResealingError::NotEverywhere { servers: missing, seconds: PATIENCE.as_secs() });
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Seals afresh what older root keys sealed, until nothing is left, and lets these go if nobody can use them any more.
    pub async fn finish(&self, tell: &(dyn Fn(Progress) + Send + Sync)) -> Result<Outcome, ResealingError> {
        let _turn = self.turn.lock().await;
        let epoch = self.root.current_epoch();
        let mut totals = Totals::default();
        for walk in 0..MOST_WALKS {
            if walk > 0 {
                tokio::time::sleep(LOOK).await;
            }
            // What was being written when the new root key came into use is committed by then, or never: only a walk that
            // begins after that has seen all of it.
            let settled = self.is_settled(epoch).await?;
            let walked = self.ground().walk(strongroom_store::Aim::Reseal, tell).await?;
            totals.looked += walked.looked;
            totals.resealed += walked.resealed;
            (totals.refused, totals.names) = (walked.refused, walked.names);
            totals.overtaken = walked.overtaken;
            // A walk that had nothing to do has seen everything.
            if walked.resealed == 0 && walked.overtaken == 0 {
                // Once nothing is under way any more, what the store still counts is what no walk can seal afresh.
                let is_complete = totals.refused > 0 || !settled;
                let unseen = if is_complete { Vec::new() } else { self.ground().of_older().await? };
                totals.refused += unseen.iter().map(|(_, rows)| rows).sum::<u64>();
                totals.names.extend(unseen.into_iter().map(|(table, rows)| format!("{table}: {rows} rows")));
                if totals.refused > 0 {
                    // Nobody knows whether they were altered or are in order and a mistake of ours keeps them shut: what
                    // could open them stays.
                    tracing::error!(rows = ?totals.names, "rows do not open: older root keys stay until they are seen to");
                    return Ok(Outcome { epoch, totals, finished: false });
                }
                let finished = settled && self.retire(epoch).await?;
                return Ok(Outcome { epoch, totals, finished });
            }
        }
        Ok(Outcome { epoch, totals, finished: false })
    }

    /// Whether nobody can commit anything any more that an older root key than that of `epoch` sealed: every server has sealed
    /// under it, or a newer one, for all of the grace.
    pub(crate) async fn is_settled(&self, epoch: Epoch) -> Result<bool, ResealingError> {
        Ok(self.servers.sealing_for(&self.root) >= self.grace
            && self.servers.may_be_before(epoch, self.grace).await? == 0)
    }

    /// Lets the root keys before `epoch` go, in the store first: what a crash leaves here goes at the next start.
    async fn retire(&self, epoch: Epoch) -> Result<bool, ResealingError> {
        // Whoever came meanwhile came with the root key in use; whoever was paused meanwhile is waited for.
        if !self.is_settled(epoch).await? {
            return Ok(false);
        }
        let gone = self.root.epochs();
        let epoch = epoch.max(known::oldest(&self.db).await?);
        self.db
            .transaction(|tx| {
                let gone = gone.clone();
                Box::pin(async move {
                    known::put_oldest(tx, epoch).await?;
                    // Who has the oldest of those that go could open all that followed.
                    for older in gone.into_iter().chain([epoch]).filter(|older| *older <= epoch) {
                        known::put_handover(tx, older, None).await?;
                    }
                    Ok::<_, ResealingError>(())
                })
            })
            .await?;
        self.let_go(epoch).await?;
        tracing::info!(epoch = epoch.number(), "older root keys are gone");
        Ok(true)
    }
}

//! Looking at the alarms, every minute of domain time.
//!
//! A jump of the clock goes through the minutes after it one by one, as long as an alarm may still see what was before it,
//! and then to the present. Two servers on one store both look; a change of state commits against the alarm's version, so
//! that it happens once.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use strongroom_runtime::{Agenda, BoxError, Due};

use crate::CloudWatch;
use crate::directory::All;
use crate::domain::evaluation::{Window, every_ms};
use crate::domain::series::{DAY_MS, HOUR_MS, MINUTE_MS, floor};

/// The items of the agenda.
const LOOK: &str = "look";
const TIDY: &str = "tidy";

/// How long a look waits for the journal to be counted.
const PATIENCE: Duration = Duration::from_secs(5);

/// Minutes that are gone through one by one after a jump, at the most: an alarm looks back no further than a day, but for
/// those that are looked at every hour.
const LONGEST_WAY_MS: i64 = DAY_MS + HOUR_MS;

/// A step of the clock that is no jump.
const JUMP_MS: i64 = 3 * MINUTE_MS;

/// How far time has been gone through.
pub(crate) struct Ticks(Mutex<Reached>);

#[derive(Clone, Copy)]
struct Reached {
    looked_ms: i64,
    tidied_ms: i64,
    /// When tidying goes on: so much is done at once that alarms need not wait for it.
    tidying: Option<i64>,
    /// Up to when every tick counts: after a jump.
    through_ms: i64,
}

impl Ticks {
    pub(crate) fn beginning_at(now_ms: i64) -> Self {
        Self(Mutex::new(Reached::at(now_ms)))
    }

    /// Goes on from a moment: nothing before it was there.
    pub(crate) fn begin_at(&self, now_ms: i64) {
        *self.lock() = Reached::at(now_ms);
    }

    /// When the alarms are looked at next. `back_ms` is how far they look back at the most.
    fn next(&self, now_ms: i64, step_ms: i64, back_ms: i64) -> i64 {
        let mut reached = self.lock();
        let next = floor(reached.looked_ms, step_ms).saturating_add(step_ms);
        if now_ms.saturating_sub(next) < JUMP_MS {
            return next;
        }
        // Who is behind goes through what alarms may still see of the time before, and then to the present.
        if reached.through_ms < reached.looked_ms {
            reached.through_ms = reached.looked_ms.saturating_add(back_ms.min(LONGEST_WAY_MS));
        }
        if next <= reached.through_ms { next } else { floor(now_ms, step_ms).max(next) }
    }

    fn lock(&self) -> MutexGuard<'_, Reached> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Reached {
    fn at(now_ms: i64) -> Self {
        let looked_ms = floor(now_ms, MINUTE_MS);
        Self { looked_ms, tidied_ms: now_ms, tidying: None, through_ms: i64::MIN }
    }
}

#[async_trait]
impl Agenda for CloudWatch {
    fn name(&self) -> &'static str {
        "alarms"
    }

    async fn first(&self, most: u32) -> Result<Vec<Due>, BoxError> {
        let all = self.directory.all().await?;
        let Pace { step_ms, back_ms } = Pace::of(&all);
        let now_ms = self.clocks.domain_now();
        let look = Due { at_ms: self.ticks.next(now_ms, step_ms, back_ms), id: LOOK.to_owned() };
        let Reached { tidied_ms, tidying, .. } = *self.ticks.lock();
        let tidy_ms = match tidying {
            Some(then_ms) => then_ms,
            // What was missed is tidied up at once.
            None => tidied_ms.saturating_add(HOUR_MS).max(floor(now_ms, HOUR_MS)),
        };
        let tidy = Due { at_ms: tidy_ms, id: TIDY.to_owned() };
        let mut due = vec![look, tidy];
        due.sort();
        due.truncate(most as usize);
        Ok(due)
    }

    async fn run(&self, item: &Due) -> Result<(), BoxError> {
        if item.id == TIDY {
            let is_more = self.tidy(item.at_ms).await.map_err(crate::error::Refusal::into_cause)?;
            let mut reached = self.ticks.lock();
            reached.tidying = is_more.then(|| item.at_ms.saturating_add(MINUTE_MS));
            reached.tidied_ms = reached.tidied_ms.max(item.at_ms);
            return Ok(());
        }
        if item.at_ms <= self.ticks.lock().looked_ms {
            return Ok(());
        }
        self.look_at(item.at_ms).await;
        let mut reached = self.ticks.lock();
        reached.looked_ms = reached.looked_ms.max(item.at_ms);
        Ok(())
    }
}

impl CloudWatch {
    /// Counts what was done up to now, measures what is measured, and looks at every alarm whose turn it is. What goes
    /// wrong with one alarm is told, and the others are looked at all the same.
    pub async fn look_at(&self, at_ms: i64) {
        // What went wrong with it is told by whoever counts.
        if tokio::time::timeout(PATIENCE, self.counting.catch_up()).await.is_err() {
            tracing::warn!(
                "counting the journal for metrics lags behind; alarms are judged by what was counted"
            );
        }
        if let Some(feeder) = self.feeder.get()
            && tokio::time::timeout(PATIENCE, feeder.hand_over()).await.is_err()
        {
            tracing::warn!("what others hand over lags behind; alarms are judged by what is there");
        }
        if at_ms % MINUTE_MS == 0 {
            self.read_gauges(at_ms).await;
        }
        match self.directory.all().await {
            Ok(all) => self.look_at_metrics(&all, at_ms).await,
            Err(error) => tracing::error!(%error, "the alarms cannot be read"),
        }
        self.look_at_composites(None, at_ms).await;
        self.deliver(at_ms).await;
    }

    async fn look_at_metrics(&self, all: &All, at_ms: i64) {
        for alarm in all.values().flat_map(|alarms| alarms.values()) {
            let Some(watch) = alarm.watch() else { continue };
            if at_ms % every_ms(watch) != 0 {
                continue;
            }
            let changed = match self.judge(&alarm.home, watch, &alarm.body.state, at_ms).await {
                Ok(Some(state)) => self.transition(alarm, state, Vec::new()).await.map(drop),
                Ok(None) => Ok(()),
                Err(refusal) => Err(refusal),
            };
            if let Err(refusal) = changed {
                tracing::warn!(alarm = alarm.arn(), error = ?refusal, "an alarm was not looked at");
            }
        }
    }
}

/// How often there is something to look at, and how far back.
struct Pace {
    step_ms: i64,
    back_ms: i64,
}

impl Pace {
    fn of(all: &All) -> Self {
        let mut pace = Self { step_ms: MINUTE_MS, back_ms: 0 };
        for watch in all.values().flat_map(|alarms| alarms.values()).filter_map(|alarm| alarm.watch()) {
            pace.step_ms = pace.step_ms.min(every_ms(watch));
            let window = Window::of(watch, 0);
            pace.back_ms = pace.back_ms.max(window.start_ms().saturating_neg());
        }
        pace
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_jump_goes_through_what_alarms_may_see_and_then_to_the_present() {
        let ticks = Ticks::beginning_at(30_000);
        let back_ms = 3 * MINUTE_MS;
        assert_eq!(ticks.next(30_000, MINUTE_MS, back_ms), MINUTE_MS);
        let mut seen = Vec::new();
        let now_ms = HOUR_MS + 1;
        loop {
            let next = ticks.next(now_ms, MINUTE_MS, back_ms);
            if next > now_ms {
                break;
            }
            seen.push(next / MINUTE_MS);
            ticks.lock().looked_ms = next;
        }
        assert_eq!(seen, [1, 2, 3, 60]);
        assert_eq!(ticks.next(now_ms, 10_000, back_ms), HOUR_MS + 10_000);
    }
}

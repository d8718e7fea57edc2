//! Events that are kept no longer: older than their group keeps them, or of what was deleted. They are gone for readers at
//! once; here they go from the disk, every hour of domain time.

use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use strongroom_runtime::{Agenda, BoxError, Due};

use crate::Logs;
use crate::domain::group::GroupName;
use crate::error::Refusal;
use crate::repo::events::{self, Portion};
use crate::repo::leavings::{self, Leaving};
use crate::repo::{data_keys, filter_minutes, groups, stored, streams};

const SECOND_MS: i64 = 1_000;
const HOUR_MS: i64 = 3_600 * SECOND_MS;

/// How long after the start the first sweep is: where servers do not stay for an hour, what is due goes all the same.
const SOON_MS: i64 = 10 * SECOND_MS;

/// Events that one transaction removes, streams likewise, and transactions in one go: what is sent elsewhere
/// waits meanwhile.
const AT_ONCE: Portion = Portion { events: 1_000, bytes: 16 << 20 };
const STREAMS: usize = 1_000;
const MOST_TRANSACTIONS: usize = 200;

/// Groups, or deleted things, that are read at once.
const PAGE: usize = 100;

/// How long the minutes are remembered of which filters have said something, from the events' time on. Of older ones a default
/// may be said again.
const MINUTES_KEPT_MS: i64 = 48 * HOUR_MS;

/// How long what was deleted is gone through again: whoever had found it before writes into it no later.
const REMEMBERED_MS: i64 = HOUR_MS;

/// When it was swept last, and where it goes on.
pub(crate) struct Sweeps(Mutex<State>);

#[derive(Clone)]
struct State {
    swept_ms: i64,
    /// When it goes on and where, if there was more than is done at once.
    rest: Option<(i64, Place)>,
}

/// Where a sweep is: first through what was deleted, then through the minutes of filters, then through groups.
#[derive(Clone, Default)]
struct Place {
    leaving: Option<Leaving>,
    is_past_leavings: bool,
    is_past_minutes: bool,
    group: Option<GroupName>,
}

impl State {
    /// The first sweep begins soon.
    fn beginning_at(now_ms: i64) -> Self {
        Self { swept_ms: now_ms, rest: Some((now_ms.saturating_add(SOON_MS), Place::default())) }
    }
}

impl Sweeps {
    pub(crate) fn beginning_at(now_ms: i64) -> Self {
        Self(Mutex::new(State::beginning_at(now_ms)))
    }

    /// Begins anew.
    pub(crate) fn begin_at(&self, now_ms: i64) {
        *self.lock() = State::beginning_at(now_ms);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Agenda for Logs {
    fn name(&self) -> &'static str {
        "log events"
    }

    async fn first(&self, most: u32) -> Result<Vec<Due>, BoxError> {
        let now_ms = self.clocks.domain_now();
        let state = self.sweeps.lock().clone();
        let at_ms = match state.rest {
            Some((then_ms, _)) => then_ms,
            // What was missed is swept at once.
            None => state.swept_ms.saturating_add(HOUR_MS).max(hour_of(now_ms)),
        };
        let due = Due { at_ms, id: "sweep".to_owned() };
        Ok(vec![due].into_iter().take(most as usize).collect())
    }

    async fn run(&self, item: &Due) -> Result<(), BoxError> {
        let place = self.sweeps.lock().rest.take().map(|(_, place)| place).unwrap_or_default();
        let rest = self.sweep(item.at_ms, place).await.map_err(Refusal::into_cause)?;
        let mut state = self.sweeps.lock();
        state.swept_ms = state.swept_ms.max(item.at_ms);
        state.rest = rest.map(|place| (item.at_ms.saturating_add(SECOND_MS), place));
        Ok(())
    }
}

impl Logs {
    /// Removes what is not kept at a moment, from a place on. Answers where to go on, if that is more than is done at once.
    async fn sweep(&self, now_ms: i64, mut place: Place) -> Result<Option<Place>, Refusal> {
        let mut transactions = 0;
        while !place.is_past_leavings {
            let page = leavings::list(&self.db, place.leaving, PAGE).await?;
            for (leaving, deleted_ms) in &page {
                if !self.remove(*leaving, i64::MAX, &mut transactions).await? {
                    return Ok(Some(place));
                }
                if !self.forget(*leaving, &mut transactions).await? {
                    return Ok(Some(place));
                }
                if now_ms >= deleted_ms.saturating_add(REMEMBERED_MS) {
                    leavings::delete(&self.db, *leaving).await?;
                }
                place.leaving = Some(*leaving);
            }
            place.is_past_leavings = page.len() < PAGE;
        }
        if !place.is_past_minutes {
            let before_ms = now_ms.saturating_sub(MINUTES_KEPT_MS);
            if !self.forget_minutes(before_ms, &mut transactions).await? {
                return Ok(Some(place));
            }
            place.is_past_minutes = true;
        }
        loop {
            let page = groups::list_retaining(&self.db, &self.mac, place.group.as_ref(), PAGE).await?;
            for group in &page {
                let before_ms = group.keeps_from(now_ms);
                if !self.remove(Leaving::Group(group.id), before_ms, &mut transactions).await? {
                    return Ok(Some(place));
                }
                place.group = Some(group.name.clone());
            }
            if page.len() < PAGE {
                return Ok(None);
            }
        }
    }

    /// Removes events of a group or stream from before a moment; tells whether that were all of them.
    async fn remove(
        &self,
        leaving: Leaving,
        before_ms: i64,
        transactions: &mut usize,
    ) -> Result<bool, Refusal> {
        loop {
            if *transactions >= MOST_TRANSACTIONS {
                return Ok(false);
            }
            *transactions += 1;
            let removed = self.events.transaction(|tx| {
                Box::pin(async move {
                    let (bytes, is_more) = events::remove_before(tx, leaving, before_ms, AT_ONCE).await?;
                    for (stream, bytes) in bytes {
                        stored::shrink(tx, stream, bytes).await?;
                    }
                    Ok::<_, Refusal>(is_more)
                })
            });
            if !removed.await? {
                return Ok(true);
            }
        }
    }

    /// Forgets the minutes of filters from before a moment; tells whether that were all of them.
    async fn forget_minutes(&self, before_ms: i64, transactions: &mut usize) -> Result<bool, Refusal> {
        loop {
            if *transactions >= MOST_TRANSACTIONS {
                return Ok(false);
            }
            *transactions += 1;
            // Those of old events may be noted again meanwhile: they go with the next sweep.
            if !filter_minutes::delete_before(&self.events, before_ms).await? {
                return Ok(true);
            }
        }
    }

    /// Forgets what was there of something that was deleted; tells whether that was all.
    async fn forget(&self, leaving: Leaving, transactions: &mut usize) -> Result<bool, Refusal> {
        let group = match leaving {
            Leaving::Group(group) => group,
            Leaving::Stream { stream, .. } => {
                stored::delete(&self.events, stream).await?;
                return Ok(true);
            }
        };
        // Whoever had found the group may have made one since.
        data_keys::delete_of(&self.db, group).await?;
        loop {
            if *transactions >= MOST_TRANSACTIONS {
                return Ok(false);
            }
            *transactions += 1;
            let forgotten = stored::delete_some(&self.events, group, STREAMS).await?;
            let removed = streams::delete_some(&self.db, group, STREAMS).await?;
            if forgotten == 0 && removed == 0 {
                return Ok(true);
            }
        }
    }
}

fn hour_of(at_ms: i64) -> i64 {
    at_ms.saturating_sub(at_ms.rem_euclid(HOUR_MS))
}

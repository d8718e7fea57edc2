//! Events that are kept no longer: older than their group keeps them, or of what was deleted. They are gone for readers at
//! once; here they go from the disk, every hour of domain time.

use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use strongroom_runtime::{Agenda, BoxError, Due};

use crate::Logs;
use crate::domain::group::GroupName;
use crate::error::Refusal;
use crate::repo::leavings::{self, Leaving};
use crate::repo::{events, groups, stored};

const SECOND_MS: i64 = 1_000;
const HOUR_MS: i64 = 3_600 * SECOND_MS;

/// Events that one transaction removes, and transactions in one go: what is sent elsewhere waits meanwhile.
const EVENTS: usize = 1_000;
const MOST_TRANSACTIONS: usize = 200;

/// Groups, or deleted things, that are read at once.
const PAGE: usize = 100;

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

/// Where a sweep is: first through what was deleted, then through groups.
#[derive(Clone, Default)]
struct Place {
    leaving: Option<Leaving>,
    is_past_leavings: bool,
    group: Option<GroupName>,
}

impl Sweeps {
    pub(crate) fn beginning_at(now_ms: i64) -> Self {
        Self(Mutex::new(State { swept_ms: now_ms, rest: None }))
    }

    /// Begins anew: nothing before a moment was there.
    pub(crate) fn begin_at(&self, now_ms: i64) {
        *self.lock() = State { swept_ms: now_ms, rest: None };
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
                self.forget(*leaving).await?;
                if now_ms >= deleted_ms.saturating_add(REMEMBERED_MS) {
                    leavings::delete(&self.db, *leaving).await?;
                }
                place.leaving = Some(*leaving);
            }
            place.is_past_leavings = page.len() < PAGE;
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
                    let (bytes, is_more) = events::remove_before(tx, leaving, before_ms, EVENTS).await?;
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

    /// Forgets what was there of something that was deleted.
    async fn forget(&self, leaving: Leaving) -> Result<(), Refusal> {
        let forgotten = self.events.transaction(|tx| {
            Box::pin(async move {
                match leaving {
                    Leaving::Group(group) => stored::delete_of_group(tx, group).await?,
                    Leaving::Stream { stream, .. } => stored::delete(tx, stream).await?,
                }
                Ok::<_, Refusal>(())
            })
        });
        forgotten.await
    }
}

fn hour_of(at_ms: i64) -> i64 {
    at_ms.saturating_sub(at_ms.rem_euclid(HOUR_MS))
}

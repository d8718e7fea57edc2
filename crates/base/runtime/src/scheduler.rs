//! Does what becomes due, in the order of time.

mod backoff;
mod watched;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Mutex, Notify, OwnedMutexGuard};

use crate::agenda::{Agenda, Due};
use crate::{Clocks, Shutdown};
use watched::Watched;

/// The longest sleep: another server may have changed an agenda that this one shares.
const LONGEST_SLEEP: Duration = Duration::from_secs(10);
/// The shortest sleep. When the machine's clock was set back, domain time stands, and a moment that is near
/// stays near for long.
const SHORTEST_SLEEP: Duration = Duration::from_millis(10);

/// Does the work of several [`Agenda`]s at its moments of domain time. Clones are the same scheduler.
///
/// One item at a time, always the earliest there is, so that a jump of time goes through everything that lies
/// in between in its order: what an item puts on an agenda (a rotation: the next one) comes before whatever is
/// later. Items of one moment go in the order of the agendas, then of their ids.
///
/// An item that fails is put off, first for a second, then for longer and longer up to a minute of real time,
/// and the others go on.
#[derive(Clone)]
pub struct Scheduler {
    clocks: Clocks,
    /// Held by whoever does an item.
    turn: Arc<Mutex<Vec<Watched>>>,
    changed: Arc<Notify>,
}

/// Tells a [`Scheduler`] to look again. Clones wake the same one.
#[derive(Clone)]
pub struct Waker(Arc<Notify>);

/// While it is held, a [`Scheduler`] does nothing. Dropped, it makes the scheduler look at everything anew.
#[must_use = "the scheduler goes on as soon as this is dropped"]
pub struct Pause {
    _turn: OwnedMutexGuard<Vec<Watched>>,
    changed: Waker,
}

/// What came of looking for something to do.
enum Step {
    /// One item was tried.
    Tried,
    /// Nothing is to be done now.
    Idle(Outlook),
}

/// What is to be expected.
struct Outlook {
    /// When the next item becomes due.
    next_ms: Option<i64>,
    /// When something that was put off may be tried again.
    retry_in: Option<Duration>,
    /// Whether something that is due is put off.
    behind: bool,
}

impl Scheduler {
    /// A scheduler of these agendas. It does nothing until it is [run](Self::run) or asked to
    /// [settle](Self::settle).
    pub fn new(clocks: Clocks, agendas: Vec<Arc<dyn Agenda>>) -> Self {
        let watched = agendas.into_iter().map(Watched::new).collect();
        Self { clocks, turn: Arc::new(Mutex::new(watched)), changed: Arc::new(Notify::new()) }
    }

    /// Does what becomes due until the shutdown begins; an item that is being done then is finished. To be
    /// given to [`Shutdown::spawn`], once.
    pub fn run(&self, shutdown: Shutdown) -> impl Future<Output = ()> + Send + use<> {
        let scheduler = self.clone();
        async move {
            loop {
                let mut watched = tokio::select! {
                    biased;
                    () = shutdown.begun() => break,
                    watched = scheduler.turn.lock() => watched,
                };
                let step = step(&mut watched, scheduler.clocks.domain_now()).await;
                drop(watched);
                if let Step::Idle(outlook) = step {
                    tokio::select! {
                        biased;
                        () = shutdown.begun() => break,
                        () = scheduler.changed.notified() => {}
                        () = tokio::time::sleep(outlook.sleep(scheduler.clocks.domain_now())) => {}
                    }
                }
            }
            // An item that somebody settles with may still be at work.
            drop(scheduler.turn.lock().await);
        }
    }

    /// What tells this scheduler that an agenda, or domain time, has changed. Without it the change is seen
    /// within ten seconds.
    pub fn waker(&self) -> Waker {
        Waker(self.changed.clone())
    }

    /// Does everything that is due now, and answers whether all of it is done: not if it takes longer than
    /// `patience`, or if something fails. What was put off before is tried once more at once.
    ///
    /// The item at which patience ends is finished all the same. Whoever holds a [`Pause`] waits here for
    /// nothing.
    pub async fn settle(&self, patience: Duration) -> bool {
        let (now_ms, deadline) = (self.clocks.domain_now(), backoff::now() + patience);
        let mut lifted = false;
        while backoff::now() < deadline {
            // The turn is given up between items, so that others get theirs.
            let turn = tokio::time::timeout_at(deadline, self.turn.clone().lock_owned());
            let Ok(mut watched) = turn.await else { return false };
            if !lifted {
                watched.iter_mut().for_each(Watched::lift);
                lifted = true;
            }
            // A task of its own keeps the turn until the item is finished, also when nobody waits any more.
            #[expect(
                clippy::disallowed_methods,
                reason = "whoever shuts down waits for the turn, and it for this"
            )]
            let step = tokio::spawn(async move { step(&mut watched, now_ms).await });
            match tokio::time::timeout_at(deadline, step).await {
                Ok(Ok(Step::Tried)) => {}
                Ok(Ok(Step::Idle(outlook))) => return !outlook.behind,
                Ok(Err(_)) | Err(_) => return false,
            }
        }
        false
    }

    /// Waits for the item that is being done, and keeps the next ones from being begun while the guard is
    /// held.
    pub async fn pause(&self) -> Pause {
        Pause { _turn: self.turn.clone().lock_owned().await, changed: self.waker() }
    }
}

/// Tries the earliest of what is due.
async fn step(agendas: &mut [Watched], now_ms: i64) -> Step {
    let mut outlook = Outlook { next_ms: None, retry_in: None, behind: false };
    let mut earliest: Option<(&mut Watched, Due)> = None;
    for watched in agendas {
        let sight = watched.look(now_ms).await;
        outlook.behind |= sight.behind;
        outlook.retry_in = outlook.retry_in.into_iter().chain(sight.retry_in).min();
        if let Some(item) = sight.next
            && earliest.as_ref().is_none_or(|(_, earliest)| item.at_ms < earliest.at_ms)
        {
            earliest = Some((watched, item));
        }
    }
    match earliest {
        Some((watched, item)) if item.at_ms <= now_ms => {
            watched.run(item).await;
            Step::Tried
        }
        later => Step::Idle(Outlook { next_ms: later.map(|(_, item)| item.at_ms), ..outlook }),
    }
}

impl Outlook {
    /// How long to sleep. Domain time passes as real time does.
    fn sleep(&self, now_ms: i64) -> Duration {
        let next_in = self
            .next_ms
            .map(|at_ms| Duration::from_millis(at_ms.saturating_sub(now_ms).try_into().unwrap_or_default()));
        let wanted = next_in.into_iter().chain(self.retry_in).min();
        wanted.unwrap_or(LONGEST_SLEEP).clamp(SHORTEST_SLEEP, LONGEST_SLEEP)
    }
}

impl Waker {
    /// Makes the scheduler look at its agendas now. Costs next to nothing, and is not lost while it works.
    pub fn wake(&self) {
        self.0.notify_one();
    }
}

impl Drop for Pause {
    fn drop(&mut self) {
        self.changed.wake();
    }
}

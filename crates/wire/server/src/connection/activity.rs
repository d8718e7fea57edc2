//! Whether anything goes on on a connection, and whether it is to end.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use strongroom_runtime::Stopwatch;
use tokio::sync::watch;

/// How long the callers of requests may be unknown, on a connection that could make room, before it does so rather than
/// one that has been used and is idle: bodies of callers who mean well come faster.
pub(super) const PATIENCE: Duration = Duration::from_secs(1);

/// The connection is to end: no request is taken up any more. The highest bit of the state.
const LEAVING: u64 = 1 << 63;

/// One request that is open: its head has come, and its answer is not there yet.
const OPEN: u64 = 1 << 32;

/// One request whose caller is known, until its answer is written. Of these and of the open ones there are no more than
/// the connection has streams.
const AT_WORK: u64 = 1;

/// What of the state counts those at work.
const ALL_AT_WORK: u64 = OPEN - 1;

/// Counts the requests of one connection.
#[derive(Debug)]
pub(crate) struct Activity {
    /// [`LEAVING`], the open requests, and those at work, in one number: a connection is asked to end only while nothing
    /// is at work, and nothing gets to work once it has been asked.
    state: AtomicU64,
    /// Requests that ever were.
    begun: AtomicU64,
    /// Pieces of answers that have been given away to be written.
    moved: AtomicU64,
    joined: Stopwatch,
    /// When the connection had been there for so many milliseconds, requests were open and none at work.
    waiting_since: AtomicU64,
    leaving: watch::Sender<bool>,
}

/// An open request, until it is dropped or answered.
pub(crate) struct Turn {
    activity: Arc<Activity>,
    work: Option<Work>,
}

/// A request at work, until it is dropped: where all of its answer has been written.
pub(crate) struct Work(Arc<Activity>);

/// What a connection does for others who want its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Use {
    /// There never was a request.
    Unused,
    /// Nobody is known who calls, and has not been for some time.
    Waiting,
    /// There were requests, and there may be more.
    Idle,
    /// It keeps its place.
    AtWork,
}

impl Activity {
    pub(super) fn new() -> Self {
        Self {
            state: AtomicU64::new(0),
            begun: AtomicU64::new(0),
            moved: AtomicU64::new(0),
            joined: Stopwatch::start(),
            waiting_since: AtomicU64::new(0),
            leaving: watch::Sender::default(),
        }
    }

    /// Notes that a request is open; `None` if it comes too late.
    pub(super) fn begin(self: &Arc<Self>) -> Option<Turn> {
        let before = self.add(OPEN)?;
        self.begun.fetch_add(1, Ordering::Relaxed);
        if before == 0 {
            self.waits_from_now();
        }
        Some(Turn { activity: self.clone(), work: None })
    }

    /// Resolves when no request has been open for `time`, or up to twice as long: looking is rare so that requests pay
    /// nothing for it. An answer that is there and of which nothing is taken in that time is not waited for.
    pub(super) async fn pause(&self, time: Duration) {
        let so_far = || (self.begun.load(Ordering::Relaxed), self.moved.load(Ordering::Relaxed));
        let mut before = so_far();
        loop {
            tokio::time::sleep(time).await;
            let now = so_far();
            if now == before && !self.is_open() {
                return;
            }
            before = now;
        }
    }

    /// Whether a request is open.
    pub(super) fn is_open(&self) -> bool {
        self.state.load(Ordering::Relaxed) & !LEAVING >= OPEN
    }

    /// Whether there never was a request.
    pub(super) fn is_unused(&self) -> bool {
        self.begun.load(Ordering::Relaxed) == 0
    }

    /// What it does at this moment.
    pub(super) fn what(&self, patience: Duration) -> Use {
        let state = self.state.load(Ordering::Relaxed);
        if state & ALL_AT_WORK > 0 {
            return Use::AtWork;
        }
        if state < OPEN {
            return if self.is_unused() { Use::Unused } else { Use::Idle };
        }
        let waiting = self.age().saturating_sub(self.waiting_since.load(Ordering::Relaxed));
        if u128::from(waiting) >= patience.as_millis() { Use::Waiting } else { Use::AtWork }
    }

    /// Asks the connection to end, in favour of others; `false` if something is at work.
    pub(super) fn ask_to_leave(&self) -> bool {
        let asked = self.state.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |state| {
            (state & ALL_AT_WORK == 0).then_some(state | LEAVING)
        });
        if asked.is_ok() {
            self.leaving.send_replace(true);
        }
        asked.is_ok()
    }

    #[cfg(test)]
    pub(super) fn is_asked_to_leave(&self) -> bool {
        *self.leaving.borrow()
    }

    /// Resolves when the connection is asked to end, at once if it has been.
    pub(crate) async fn asked_to_leave(&self) {
        // The sender lives in `self`, so waiting cannot fail.
        let _ = self.leaving.subscribe().wait_for(|leaving| *leaving).await;
    }

    /// Adds to the state, and answers what it was; `None` if the connection is to end.
    fn add(&self, what: u64) -> Option<u64> {
        let add = |state| (state & LEAVING == 0).then_some(state + what);
        self.state.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add).ok()
    }

    fn take(&self, what: u64) {
        let left = self.state.fetch_sub(what, Ordering::Relaxed) - what;
        if left & ALL_AT_WORK == 0 && left & !LEAVING >= OPEN {
            // Others on the same connection are still to say who they are.
            self.waits_from_now();
        }
    }

    fn waits_from_now(&self) {
        self.waiting_since.store(self.age(), Ordering::Relaxed);
    }

    /// Milliseconds since the connection came.
    fn age(&self) -> u64 {
        u64::try_from(self.joined.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

impl Turn {
    /// Notes that it is known who calls, so that the request keeps the connection's place; `false` if it comes too late.
    /// Then nothing is to be done for it.
    pub(crate) fn work(&mut self) -> bool {
        if self.work.is_none() && self.activity.add(AT_WORK).is_some() {
            self.work = Some(Work(self.activity.clone()));
        }
        self.work.is_some()
    }

    /// Ends the turn; the work goes on until its answer is written.
    pub(super) fn answered(mut self) -> Option<Work> {
        self.work.take()
    }
}

impl Work {
    /// Notes that a piece of the answer has been given away to be written.
    pub(super) fn has_moved(&self) {
        self.0.moved.fetch_add(1, Ordering::Relaxed);
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.activity.take(OPEN);
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        self.0.take(AT_WORK);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_begun_to_work_is_not_asked_to_end_and_nothing_begins_once_it_was() {
        let activity = Arc::new(Activity::new());
        let mut turn = activity.begin().unwrap();
        assert!(turn.work());
        assert!(!activity.ask_to_leave());
        let work = turn.answered();
        assert!(work.is_some() && !activity.is_open());
        assert!(!activity.ask_to_leave(), "the answer is not written");
        drop(work);
        let mut late = activity.begin().unwrap();
        assert!(activity.ask_to_leave());
        assert!(!late.work());
        assert!(activity.begin().is_none());
        assert!(activity.is_open());
        drop(late);
        assert!(!activity.is_open());
    }

    #[test]
    fn how_a_connection_is_used() {
        let activity = Arc::new(Activity::new());
        let soon = || activity.what(Duration::from_mins(1));
        let late = || activity.what(Duration::ZERO);
        assert_eq!((soon(), late()), (Use::Unused, Use::Unused));
        let mut turn = activity.begin().unwrap();
        assert_eq!((soon(), late()), (Use::AtWork, Use::Waiting));
        assert!(turn.work());
        assert_eq!((soon(), late()), (Use::AtWork, Use::AtWork));
        let work = turn.answered();
        assert_eq!((soon(), late()), (Use::AtWork, Use::AtWork));
        drop(work);
        assert_eq!((soon(), late()), (Use::Idle, Use::Idle));
    }
}

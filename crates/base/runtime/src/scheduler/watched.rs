//! One agenda as the scheduler sees it: what of it is next, and what of it has failed.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::backoff::{self, Backoff};
use crate::agenda::{Agenda, BoxError, Due};

/// How many items of one agenda may be put off. When even more fail, the agenda as a whole rests, and what
/// works of it waits with the others.
const MOST_PUT_OFF: usize = 1_000;

/// An agenda, and what of it is not to be tried for a while.
pub(crate) struct Watched {
    agenda: Arc<dyn Agenda>,
    put_off: HashMap<Due, Backoff>,
    /// What was done last, until the agenda is seen without it.
    done: Option<Due>,
    /// Set when the agenda could not be read, or more of its items fail than may be put off.
    resting: Option<Backoff>,
}

/// What a look at an agenda shows.
pub(crate) struct Sight {
    /// The first item that may be tried, due or not.
    pub(crate) next: Option<Due>,
    /// When the first of what was put off may be tried again.
    pub(crate) retry_in: Option<Duration>,
    /// Whether something that is due is put off, or nobody knows because the agenda rests.
    pub(crate) behind: bool,
}

impl Watched {
    pub(crate) fn new(agenda: Arc<dyn Agenda>) -> Self {
        Self { agenda, put_off: HashMap::new(), done: None, resting: None }
    }

    /// Reads the agenda as far as its first item that is not put off.
    pub(crate) async fn look(&mut self, now_ms: i64) -> Sight {
        let now = backoff::now();
        let items = self.read(now).await;
        let resting = self.resting.as_ref().and_then(|resting| resting.left(now));
        let waits = |item: &Due| self.put_off.get(item).and_then(|backoff| backoff.left(now));
        Sight {
            retry_in: self.put_off.keys().filter_map(waits).chain(resting).min(),
            behind: resting.is_some()
                || self.put_off.keys().any(|item| item.at_ms <= now_ms && waits(item).is_some()),
            next: items.into_iter().find(|item| waits(item).is_none()),
        }
    }

    /// Does an item. If it fails it is put off.
    pub(crate) async fn run(&mut self, item: Due) {
        let (agenda, due) = (self.agenda.clone(), item.clone());
        // A task of its own: a panic ends no more than the item.
        #[expect(
            clippy::disallowed_methods,
            reason = "whoever shuts down waits for the turn, and it for this"
        )]
        let run = tokio::spawn(async move { agenda.run(&due).await });
        match run.await.unwrap_or_else(|broken| Err(broken.into())) {
            Ok(()) => self.done = Some(item),
            Err(error) => self.fail(item, &error),
        }
    }

    /// Lets everything that was put off be tried once more at once.
    pub(crate) fn lift(&mut self) {
        self.put_off.values_mut().chain(&mut self.resting).for_each(Backoff::lift);
    }

    /// The agenda's first items; none while it rests.
    async fn read(&mut self, now: Instant) -> Vec<Due> {
        if self.resting.as_ref().is_some_and(|resting| resting.left(now).is_some()) {
            return Vec::new();
        }
        // One more than there may be in its way.
        let most = self.put_off.len() + usize::from(self.done.is_some()) + 1;
        let mut items = match self.agenda.first(u32::try_from(most).unwrap_or(u32::MAX)).await {
            Ok(items) => items,
            Err(error) => {
                tracing::warn!(agenda = self.agenda.name(), error = &*error, "what is due cannot be read");
                self.rest();
                return Vec::new();
            }
        };
        self.resting = None;
        items.sort_unstable();
        // What stands behind the last item that was asked for is not known to be gone.
        let last = if items.len() < most { None } else { items.last() };
        let is_listed = |item: &Due| items.binary_search(item).is_ok();
        self.put_off.retain(|item, _| is_listed(item) || last.is_some_and(|last| item > last));
        if let Some(done) = self.done.take_if(|done| is_listed(done)) {
            self.fail(done, &"it is still on the agenda after it was done".into());
        }
        self.done = None;
        items
    }

    fn fail(&mut self, item: Due, error: &BoxError) {
        tracing::warn!(
            agenda = self.agenda.name(),
            id = item.id,
            error = &**error,
            "what is due was not done"
        );
        if let Some(backoff) = self.put_off.get_mut(&item) {
            backoff.again();
        } else if self.put_off.len() < MOST_PUT_OFF {
            self.put_off.insert(item, Backoff::first());
        } else {
            self.rest();
        }
    }

    fn rest(&mut self) {
        match &mut self.resting {
            Some(resting) => resting.again(),
            None => self.resting = Some(Backoff::first()),
        }
    }
}

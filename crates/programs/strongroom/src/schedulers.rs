//! The schedulers of a node: one for what changes what the services keep, one for what looks at it, and one for what is
//! sent elsewhere, which may take its time and must not keep the others waiting.

use std::sync::Arc;
use std::time::Duration;

use strongroom_runtime::{Agenda, Clocks, Pause, Scheduler, Shutdown};

/// What does what becomes due.
#[derive(Clone)]
pub(crate) struct Schedulers {
    /// Rotations, deletions, expiries.
    pub(crate) changes: Scheduler,
    /// Alarms.
    pub(crate) watching: Scheduler,
    /// Files of trails.
    pub(crate) deliveries: Scheduler,
}

impl Schedulers {
    pub(crate) fn new(
        clocks: &Clocks,
        changes: Vec<Arc<dyn Agenda>>,
        watching: Vec<Arc<dyn Agenda>>,
        deliveries: Vec<Arc<dyn Agenda>>,
    ) -> Self {
        let of = |agendas| Scheduler::new(clocks.clone(), agendas);
        Self { changes: of(changes), watching: of(watching), deliveries: of(deliveries) }
    }

    /// Runs them until the shutdown begins.
    pub(crate) fn run(&self, shutdown: &Shutdown) {
        shutdown.spawn(self.changes.run(shutdown.clone()));
        shutdown.spawn(self.watching.run(shutdown.clone()));
        shutdown.spawn(self.deliveries.run(shutdown.clone()));
    }

    /// Does everything that is due now: what changes something first, so that what tells of it goes out too. Answers
    /// whether all of it is done; each of them takes `patience` at the most.
    pub(crate) async fn settle(&self, patience: Duration) -> bool {
        let changed = self.changes.settle(patience).await;
        let watched = self.watching.settle(patience).await;
        self.deliveries.settle(patience).await && changed && watched
    }

    /// Has them look at their agendas now.
    pub(crate) fn wake(&self) {
        self.changes.waker().wake();
        self.watching.waker().wake();
        self.deliveries.waker().wake();
    }

    /// Waits for the items that are being done, and keeps the next ones from being begun while the guards are held.
    pub(crate) async fn pause(&self) -> [Pause; 3] {
        [self.changes.pause().await, self.watching.pause().await, self.deliveries.pause().await]
    }
}

//! Whether anything goes on on a connection, and whether it is to end.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::watch;

/// Counts the requests of one connection.
#[derive(Debug, Default)]
pub(crate) struct Activity {
    begun: AtomicU64,
    ended: AtomicU64,
    leaving: watch::Sender<bool>,
}

/// A request at work, until it is dropped.
pub(super) struct Turn(Arc<Activity>);

impl Activity {
    /// Notes that a request is at work.
    pub(super) fn begin(self: &Arc<Self>) -> Turn {
        self.begun.fetch_add(1, Ordering::Relaxed);
        Turn(self.clone())
    }

    /// Resolves when no request has been at work for `time`, or up to twice as long: looking is rare so that
    /// requests pay nothing for it.
    pub(super) async fn pause(&self, time: Duration) {
        let mut before = self.counts();
        loop {
            tokio::time::sleep(time).await;
            let now = self.counts();
            if now == before && now.0 == now.1 {
                return;
            }
            before = now;
        }
    }

    /// Whether there never was a request.
    pub(super) fn is_unused(&self) -> bool {
        self.counts().0 == 0
    }

    /// Whether no request is at work.
    pub(super) fn is_idle(&self) -> bool {
        let (begun, ended) = self.counts();
        begun == ended
    }

    /// Asks the connection to end, in favour of others.
    pub(super) fn ask_to_leave(&self) {
        self.leaving.send_replace(true);
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

    fn counts(&self) -> (u64, u64) {
        (self.begun.load(Ordering::Relaxed), self.ended.load(Ordering::Relaxed))
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.0.ended.fetch_add(1, Ordering::Relaxed);
    }
}

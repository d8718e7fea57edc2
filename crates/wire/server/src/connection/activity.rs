//! Whether anything goes on on a connection.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Counts the requests of one connection.
#[derive(Debug, Default)]
pub(super) struct Activity {
    begun: AtomicU64,
    ended: AtomicU64,
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

    fn counts(&self) -> (u64, u64) {
        (self.begun.load(Ordering::Relaxed), self.ended.load(Ordering::Relaxed))
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.0.ended.fetch_add(1, Ordering::Relaxed);
    }
}

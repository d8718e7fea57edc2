//! Two clocks, never mixed.
//!
//! *Real* time is the machine's: signatures, TLS, leases and sessions are judged by it. *Domain* time is
//! what keys, rotations, deletions and records live in; in dev mode it can be moved forward, so that a
//! ninety-day rotation is a test of a second. See `docs/adr/0002-clocks.md`.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

/// Where real time comes from.
pub trait TimeSource: Send + Sync {
    /// Milliseconds since 1970.
    fn now_ms(&self) -> i64;
}

/// The machine's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemTime;

impl TimeSource for SystemTime {
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the system's clock")]
    fn now_ms(&self) -> i64 {
        // A machine set to before 1970 reads as 1970: every signature is then refused as not yet current.
        std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .map_or(0, |elapsed| i64::try_from(elapsed.as_millis()).unwrap_or(i64::MAX))
    }
}

/// A clock that stands until it is set; for tests.
#[derive(Debug, Default)]
pub struct ManualTime(AtomicI64);

impl ManualTime {
    /// A clock that stands at `ms` milliseconds since 1970.
    pub fn at(ms: i64) -> Self {
        Self(AtomicI64::new(ms))
    }

    /// Sets the clock, also backwards: machines' clocks do that.
    pub fn set(&self, ms: i64) {
        self.0.store(ms, Ordering::SeqCst);
    }
}

impl TimeSource for ManualTime {
    fn now_ms(&self) -> i64 {
        self.0.load(Ordering::SeqCst)
    }
}

/// Both clocks. Clones share the same time.
#[derive(Clone)]
pub struct Clocks {
    source: Arc<dyn TimeSource>,
    domain: Arc<Domain>,
}

struct Domain {
    offset_ms: AtomicI64,
    latest_ms: AtomicI64,
}

impl Clocks {
    /// The machine's clock, domain time not moved.
    pub fn system() -> Self {
        Self::new(Arc::new(SystemTime), 0)
    }

    /// Clocks on `source`, with domain time `offset_ms` milliseconds ahead of it.
    pub fn new(source: Arc<dyn TimeSource>, offset_ms: i64) -> Self {
        let domain = Domain { offset_ms: AtomicI64::new(offset_ms), latest_ms: AtomicI64::new(i64::MIN) };
        Self { source, domain: Arc::new(domain) }
    }

    /// Real time, milliseconds since 1970. May step back when the machine's clock is set.
    pub fn real_now(&self) -> i64 {
        self.source.now_ms()
    }

    /// Domain time, milliseconds since 1970. Never steps back while the program runs: when the machine's
    /// clock is set back, domain time stands until it is caught up.
    pub fn domain_now(&self) -> i64 {
        let now = self.source.now_ms().saturating_add(self.domain.offset_ms.load(Ordering::SeqCst));
        self.domain.latest_ms.fetch_max(now, Ordering::SeqCst).max(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn domain_time_is_ahead_by_the_offset_and_stands_while_the_machine_is_set_back() {
        let source = Arc::new(ManualTime::at(1_000));
        let clocks = Clocks::new(source.clone(), 500);
        assert_eq!((clocks.real_now(), clocks.domain_now()), (1_000, 1_500));

        source.set(400);
        assert_eq!((clocks.real_now(), clocks.domain_now()), (400, 1_500));

        source.set(2_000);
        assert_eq!((clocks.real_now(), clocks.clone().domain_now()), (2_000, 2_500));
    }
}

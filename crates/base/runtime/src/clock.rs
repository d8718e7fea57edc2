//! Two clocks, never mixed.
//!
//! *Real* time is the machine's: signatures, TLS, leases and sessions are judged by it. *Domain* time is
//! what keys, rotations, deletions and records live in; in dev mode it can be moved forward, so that a
//! ninety-day rotation is a test of a second. See `docs/adr/0002-clocks.md`.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

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
    // One lock over both: between two atomics, a reading made with an old offset could be remembered as the
    // latest after a fresh start.
    domain: Arc<Mutex<Domain>>,
}

struct Domain {
    offset_ms: i64,
    latest_ms: i64,
}

impl Clocks {
    /// The machine's clock, domain time not moved.
    pub fn system() -> Self {
        Self::new(Arc::new(SystemTime), 0)
    }

    /// Clocks on `source`, with domain time `offset_ms` milliseconds ahead of it.
    pub fn new(source: Arc<dyn TimeSource>, offset_ms: i64) -> Self {
        Self { source, domain: Arc::new(Mutex::new(Domain { offset_ms, latest_ms: i64::MIN })) }
    }

    /// Real time, milliseconds since 1970. May step back when the machine's clock is set.
    pub fn real_now(&self) -> i64 {
        self.source.now_ms()
    }

    /// Domain time, milliseconds since 1970. Never steps back while the program runs, except by
    /// [`start_over`](Self::start_over): when the machine's clock is set back, domain time stands until it is
    /// caught up.
    pub fn domain_now(&self) -> i64 {
        let mut domain = self.domain();
        let now = self.source.now_ms().saturating_add(domain.offset_ms);
        domain.latest_ms = domain.latest_ms.max(now);
        domain.latest_ms
    }

    /// How far domain time is ahead of real time, in milliseconds.
    pub fn offset_ms(&self) -> i64 {
        self.domain().offset_ms
    }

    /// Moves domain time `ms` milliseconds forward, to the end of time at the most, and answers the new
    /// offset. Whoever waits for a moment of domain time has to be told: see
    /// [`Scheduler::waker`](crate::Scheduler::waker).
    pub fn advance(&self, ms: u64) -> i64 {
        let mut domain = self.domain();
        domain.offset_ms = domain.offset_ms.saturating_add_unsigned(ms);
        domain.offset_ms
    }

    /// Sets how far domain time is ahead of real time and forgets how late it has been, so that **domain time
    /// may step back**. Only for a development server that returns to its initial state, when nothing is left
    /// that was written at a later time.
    pub fn start_over(&self, offset_ms: i64) {
        *self.domain() = Domain { offset_ms, latest_ms: i64::MIN };
    }

    fn domain(&self) -> MutexGuard<'_, Domain> {
        // Two numbers are whole whenever the lock is free, also after a panic.
        self.domain.lock().unwrap_or_else(PoisonError::into_inner)
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

    #[test]
    fn domain_time_moves_forward_for_all_clones_and_stops_at_the_end_of_time() {
        let source = Arc::new(ManualTime::at(1_000));
        let clocks = Clocks::new(source.clone(), 0);
        assert_eq!((clocks.offset_ms(), clocks.clone().advance(500)), (0, 500));
        assert_eq!((clocks.real_now(), clocks.domain_now()), (1_000, 1_500));
        assert_eq!((clocks.advance(1), clocks.offset_ms()), (501, 501));

        assert_eq!(clocks.advance(u64::MAX), i64::MAX);
        assert_eq!(clocks.domain_now(), i64::MAX);
    }

    #[test]
    fn starting_over_is_the_one_way_back() {
        let source = Arc::new(ManualTime::at(1_000));
        let clocks = Clocks::new(source.clone(), 0);
        clocks.advance(9_000);
        assert_eq!(clocks.domain_now(), 10_000);

        clocks.start_over(7);
        assert_eq!((clocks.offset_ms(), clocks.domain_now()), (7, 1_007));
        source.set(900);
        assert_eq!(clocks.domain_now(), 1_007, "from here on it does not step back again");
    }

    #[test]
    fn no_thread_sees_domain_time_step_back() {
        let clocks = Clocks::new(Arc::new(ManualTime::at(0)), 0);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    let mut before = clocks.domain_now();
                    for _ in 0..1_000 {
                        clocks.advance(1);
                        let now = clocks.domain_now();
                        assert!(now > before);
                        before = now;
                    }
                });
            }
        });
        assert_eq!(clocks.domain_now(), 4_000);
    }
}

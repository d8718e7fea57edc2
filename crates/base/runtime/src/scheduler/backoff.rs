//! How long to leave alone what has failed.

use std::time::Duration;

use tokio::time::Instant;

const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_mins(1);

/// Something that failed, and when to try it again: after a second, then after twice as long each time, up to
/// a minute. In real time, by the clock that nobody sets.
pub(crate) struct Backoff {
    pause: Duration,
    until: Instant,
}

impl Backoff {
    /// After the first failure.
    pub(crate) fn first() -> Self {
        Self { pause: FIRST_PAUSE, until: now() + FIRST_PAUSE }
    }

    /// After one more failure.
    pub(crate) fn again(&mut self) {
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
        self.until = now() + self.pause;
    }

    /// Lets the next attempt be made at once. If it fails as well, the pause is longer all the same.
    pub(crate) fn lift(&mut self) {
        self.until = now();
    }

    /// How long it still has to wait; nothing when it may be tried again.
    pub(crate) fn left(&self, now: Instant) -> Option<Duration> {
        Some(self.until.saturating_duration_since(now)).filter(|left| !left.is_zero())
    }
}

/// This moment of the clock that nobody sets.
#[expect(clippy::disallowed_methods, reason = "a pause is measured by a clock that never steps")]
pub(crate) fn now() -> Instant {
    Instant::now()
}

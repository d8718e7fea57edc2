//! How often a change that lost is tried again.

use std::time::Duration;

/// Attempts in all. PostgreSQL lets one of the colliding transactions through each time, so this outlasts a
/// pool's worth of writers on one row.
const ATTEMPTS: u32 = 20;
/// The first pause; each one after it is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(1);
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_millis(64);

/// The attempts at one change.
pub(crate) struct Retry {
    made: u32,
}

impl Retry {
    pub(crate) const fn new() -> Self {
        Self { made: 0 }
    }

    /// After a lost attempt: waits and says that there is another, or says that there is none.
    pub(crate) async fn again(&mut self) -> bool {
        self.made += 1;
        if self.made >= ATTEMPTS {
            tracing::warn!(attempts = ATTEMPTS, "a change lost against others and is given up");
            return false;
        }
        let pause = FIRST_PAUSE * 2_u32.pow((self.made - 1).min(10));
        tokio::time::sleep(pause.min(LONGEST_PAUSE)).await;
        true
    }
}

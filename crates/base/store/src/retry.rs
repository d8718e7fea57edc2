//! How often a change that lost is tried again.

use std::time::Duration;

use strongroom_crypto::random;
use tokio::sync::{Mutex, MutexGuard};
use tokio::time::{sleep, timeout};

/// Attempts in all.
const ATTEMPTS: u32 = 20;
/// The first pause; each one after it is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(1);
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_millis(64);
/// Losses after which a change goes on alone.
const LOSSES: u32 = 4;
/// How long it waits for that, once: less than it takes until what a server has in memory is too old to act on.
const LONGEST_WAIT: Duration = Duration::from_secs(4);

/// Where changes wait that have lost a few times: one goes on while the others wait, and none of them has a connection
/// meanwhile. PostgreSQL lets but one of those that collide through each time, so among many some would use up their
/// attempts. The one that goes on meets newcomers alone, and those of other servers.
#[derive(Default)]
pub(crate) struct Line(Mutex<()>);

/// The attempts at one change.
pub(crate) struct Retry<'l> {
    made: u32,
    line: &'l Line,
    /// Held until the change is made or given up.
    turn: Option<MutexGuard<'l, ()>>,
}

impl<'l> Retry<'l> {
    pub(crate) const fn new(line: &'l Line) -> Self {
        Self { made: 0, line, turn: None }
    }

    /// After a lost attempt: waits and says that there is another, or says that there is none. The attempt's connection has
    /// been given back by then: whoever goes on needs one.
    pub(crate) async fn again(&mut self) -> bool {
        self.made += 1;
        if self.made >= ATTEMPTS {
            tracing::warn!(attempts = ATTEMPTS, "a change lost against others and is given up");
            return false;
        }
        if self.made == LOSSES {
            // Whose turn does not come tries on beside the others.
            self.turn = timeout(LONGEST_WAIT, self.line.0.lock()).await.ok();
        }
        // Newcomers come back soon, so whoever has the turn does too; those of other servers have turns of their own, so the
        // pauses grow again.
        let losses = if self.turn.is_some() { self.made - LOSSES + 1 } else { self.made };
        sleep(pause(losses)).await;
        true
    }
}

/// The pause after that many losses: between half of it and all, so that those who lost to one do not meet again.
fn pause(losses: u32) -> Duration {
    let whole = (FIRST_PAUSE * 2_u32.pow((losses - 1).min(10))).min(LONGEST_PAUSE);
    let [share] = random::bytes().unwrap_or([u8::MAX]);
    whole / 2 + whole * u32::from(share) / 512
}

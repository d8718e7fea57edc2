//! What time it is for the HSM.

use std::sync::Arc;

use rustix::time::{ClockId, clock_gettime};
use strongroom_hsm_core::Now;
use strongroom_runtime::{Clocks, SystemTime};

/// The HSM's clocks: domain time, which a development server moves, and one that only goes on.
#[derive(Clone)]
pub(crate) struct Clock {
    clocks: Clocks,
    is_movable: bool,
}

impl Clock {
    pub(crate) fn new(is_movable: bool) -> Self {
        Self { clocks: Clocks::new(Arc::new(SystemTime), 0), is_movable }
    }

    pub(crate) fn now(&self) -> Now {
        Now { domain_ms: self.clocks.domain_now(), monotonic_ms: monotonic_ms() }
    }

    /// Real time, in seconds since 1970.
    pub(crate) fn real_seconds(&self) -> u64 {
        u64::try_from(self.clocks.real_now() / 1_000).unwrap_or(0)
    }

    /// Sets how far domain time is ahead. It never steps back, and moves only in development.
    pub(crate) fn set_offset(&self, offset_ms: i64) {
        let further = offset_ms.saturating_sub(self.clocks.offset_ms());
        if self.is_movable
            && let Ok(further) = u64::try_from(further)
        {
            self.clocks.advance(further);
        }
    }
}

/// Milliseconds of a clock that only goes on, through the machine's sleep too: what expires while a machine
/// sleeps has expired.
fn monotonic_ms() -> u64 {
    let now = clock_gettime(ClockId::Boottime);
    (now.tv_sec as u64).saturating_mul(1_000).saturating_add(now.tv_nsec as u64 / 1_000_000)
}

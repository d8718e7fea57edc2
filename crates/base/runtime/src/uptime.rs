//! How long the machine has been up.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// Time since the machine was started, its sleep included: what was paused together with the whole machine is as much
/// older then as everything outside. Nobody sets this clock, and it never steps back (`CLOCK_BOOTTIME`).
#[must_use]
pub fn uptime() -> Duration {
    let now = clock_gettime(ClockId::Boottime);
    let (seconds, nanoseconds) = (u64::try_from(now.tv_sec), u32::try_from(now.tv_nsec));
    Duration::new(seconds.unwrap_or_default(), nanoseconds.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_does_not_step_back() {
        let first = uptime();
        assert!(first > Duration::ZERO && uptime() >= first);
    }
}

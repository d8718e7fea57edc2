//! Time, in milliseconds.

use std::time::Duration;

use strongroom_runtime::Clocks;

/// Milliseconds of real time. It may step when the machine's clock is set; then a deadline moves with it, and the
/// time-outs of sockets still hold.
pub(crate) fn now_ms(clocks: &Clocks) -> u64 {
    u64::try_from(clocks.real_now()).unwrap_or(0)
}

pub(crate) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

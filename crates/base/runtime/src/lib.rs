//! What every long-running program of ours needs from its surroundings: the two clocks, logging, and a
//! shutdown that waits for those who are still at work.
//!
//! The crate knows no protocol and no service. It is the only place that reads the system's clock
//! ([`Clocks`]) and the only one that starts tasks which outlive a request ([`Shutdown::spawn`]).

#![warn(missing_docs)]

mod clock;
mod logging;
mod shutdown;

pub use clock::{Clocks, ManualTime, SystemTime, TimeSource};
pub use logging::{LogFormat, init_logging};
pub use shutdown::{Shutdown, ShutdownOwner, termination};

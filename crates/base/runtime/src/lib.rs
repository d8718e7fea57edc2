//! What every long-running program of ours needs from its surroundings: the two clocks, logging, a
//! shutdown that waits for those who are still at work, and a scheduler for what becomes due.
//!
//! The crate knows no protocol and no service. It is the only place that reads the system's clock
//! ([`Clocks`]) and the only one that starts tasks which outlive a request ([`Shutdown::spawn`]).
//! What is to happen at a moment of domain time is an [`Agenda`] of the [`Scheduler`].

#![warn(missing_docs)]

mod agenda;
mod clock;
mod logging;
mod scheduler;
mod shutdown;
mod stopwatch;
mod uptime;

pub use agenda::{Agenda, BoxError, Due};
pub use clock::{Clocks, ManualTime, SystemTime, TimeSource};
pub use logging::{LogFormat, init_logging};
pub use scheduler::{Pause, Scheduler, Waker};
pub use shutdown::{Shutdown, ShutdownOwner, termination};
pub use stopwatch::Stopwatch;
pub use uptime::uptime;

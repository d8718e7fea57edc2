//! What developers may do to a server that is theirs alone: move its clock, have things go wrong, and begin anew.
//!
//! The seam is [`DevTools`]. Without it, as in production, the paths do not exist. With it they answer nobody
//! but this machine, and no page in a browser but its own; see `guard`.

mod endpoints;
pub(crate) mod faults;
mod guard;

use std::error::Error;

use async_trait::async_trait;
use serde_json::{Map, Value};

pub(crate) use self::endpoints::{advance, clock, reset};
pub(crate) use self::guard::{HEADER, ORIGINS, guard};

/// What dev mode can do to everything behind the front door.
#[async_trait]
pub trait DevTools: Send + Sync {
    /// Domain time now, and how far it is ahead of real time.
    fn clock(&self) -> DevClock;

    /// Moves domain time forward by `seconds`, and answers when all that became due is done, or after a while
    /// if it is not. Operations go on meanwhile. `seconds` is whatever was asked for, also what is too far.
    async fn advance(&self, seconds: u64) -> Result<Advanced, DevError>;

    /// Returns to the initial state. Called while no operation is under way or being recorded. Those that come
    /// meanwhile wait; one that waits longer than [`crate::Limits::operation_time`] is refused, and that is
    /// recorded at once.
    async fn reset(&self) -> Result<(), DevError>;

    /// The faults that there are. Each says its `id` and whatever it was set with.
    async fn faults(&self) -> Vec<Map<String, Value>>;

    /// Sets a fault, as whoever asked describes it: `fault` is its name, and it has members of its own. One with the
    /// same id is replaced.
    async fn set_fault(&self, asked: Map<String, Value>) -> Result<(), DevError>;

    /// Clears the fault of that id, or all. Answers whether there was any.
    async fn clear_faults(&self, id: Option<&str>) -> Result<bool, DevError>;
}

/// Domain time, and what it is measured against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DevClock {
    /// Domain time, milliseconds since 1970.
    pub now_ms: i64,
    /// How far that is ahead of real time, milliseconds.
    pub offset_ms: i64,
}

/// What came of moving the clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Advanced {
    /// The clock after it was moved.
    pub clock: DevClock,
    /// Whether all that became due is done.
    pub settled: bool,
}

/// Why a wish of a developer was not fulfilled.
#[derive(Debug, thiserror::Error)]
pub enum DevError {
    /// It cannot be; the text says what to do instead, and is answered as it is.
    #[error("{0}")]
    Refused(String),
    /// Something broke. What it was goes to the log.
    #[error("dev mode failed")]
    Failed(#[source] Box<dyn Error + Send + Sync>),
}

//! How much a decision may compare. Policies and requests are of different people: neither may keep the server busy
//! by what the other has to be compared with.

use std::cell::Cell;

/// The steps of one decision: characters that are compared or filled in, about a nanosecond or two each. What people
/// write takes some thousands; the largest policies over the largest requests, some millions.
const MOST: usize = 8_000_000;

/// What is left to a decision. Once it is spent, nothing else is compared: an Allow does not apply then, and a Deny
/// does.
#[derive(Debug)]
pub(crate) struct Effort(Cell<usize>);

impl Effort {
    /// That of a new decision.
    pub(crate) fn new() -> Self {
        Self(Cell::new(MOST))
    }

    /// For comparisons outside decisions, which nobody but their caller waits for.
    pub(crate) fn boundless() -> Self {
        Self(Cell::new(usize::MAX))
    }

    /// Takes so many steps off, and answers whether there were as many.
    pub(crate) fn spend(&self, steps: usize) -> bool {
        let left = self.0.get().saturating_sub(steps);
        self.0.set(left);
        left > 0
    }

    /// Whether there are none left.
    pub(crate) fn is_spent(&self) -> bool {
        self.0.get() == 0
    }
}

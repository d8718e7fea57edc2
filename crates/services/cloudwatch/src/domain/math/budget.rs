//! How much computing one request, or one look at an alarm, may cost.

use std::cell::Cell;

use super::MathError;

/// Points that may be made or gone through. What an expression costs cannot be told from its length: arrays make one part
/// cost what many do, so it is counted while it is computed, before each step.
const MOST_WORK: usize = 1_000_000;

/// What is left of it.
#[derive(Debug)]
pub(crate) struct Budget(Cell<usize>);

impl Default for Budget {
    fn default() -> Self {
        Self(Cell::new(MOST_WORK))
    }
}

impl Budget {
    /// Takes what a step costs.
    ///
    /// # Errors
    ///
    /// [`MathError::TooMuch`] where so much is not left; then nothing is left.
    pub(crate) fn spend(&self, work: usize) -> Result<(), MathError> {
        let left = self.0.get().checked_sub(work);
        self.0.set(left.unwrap_or_default());
        left.map(drop).ok_or(MathError::TooMuch)
    }
}

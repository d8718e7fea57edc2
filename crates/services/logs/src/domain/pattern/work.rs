//! How much work patterns may have with events: a pattern of a thousand characters and an event of a million can keep a
//! processor for a long while.

/// The work that is left. A unit is about what comparing one character takes.
#[derive(Debug)]
pub(crate) struct Work {
    of: u64,
    left: u64,
}

/// There was more to do than work was left: whether an event fits is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Spent;

impl Work {
    pub(crate) fn of(units: u64) -> Self {
        Self { of: units, left: units }
    }

    /// Whether nothing was done.
    pub(crate) fn is_whole(&self) -> bool {
        self.left == self.of
    }

    /// Whether there was more to do than was left.
    pub(crate) fn is_spent(&self) -> bool {
        self.left == 0
    }

    /// Takes what `times` times `units` are. What is more than is left leaves nothing.
    pub(super) fn spend(&mut self, times: usize, units: u64) -> Result<(), Spent> {
        let wanted = u64::try_from(times).unwrap_or(u64::MAX).saturating_mul(units);
        self.left = self.left.saturating_sub(wanted);
        if self.left == 0 { Err(Spent) } else { Ok(()) }
    }
}

/// Whether something holds of any of these.
pub(super) fn any<T>(of: &[T], mut holds: impl FnMut(&T) -> Result<bool, Spent>) -> Result<bool, Spent> {
    for one in of {
        if holds(one)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether something holds of all of these.
pub(super) fn all<T>(of: &[T], mut holds: impl FnMut(&T) -> Result<bool, Spent>) -> Result<bool, Spent> {
    Ok(!any(of, |one| Ok(!holds(one)?))?)
}

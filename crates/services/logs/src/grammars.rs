//! What is read of callers' texts, for tests that try any text: no part of what the crate offers.

use crate::domain::pattern::{Event, Pattern, Work};

/// What is looked at a text for.
const MOST_WORK: u64 = 1 << 28;

/// Whether an event fits a filter pattern, and what would be taken out of it; `None` if it is no pattern, or too much work.
pub fn fit_pattern(pattern: &str, message: &str) -> Option<(bool, Vec<(String, String)>)> {
    let pattern = Pattern::parse(pattern).ok()?;
    let (event, mut work) = (Event::new(message), Work::of(MOST_WORK));
    Some((pattern.fits(&event, &mut work).ok()?, pattern.extract(&event, &mut work).ok()?))
}

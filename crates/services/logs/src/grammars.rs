//! What is read of callers' texts, for tests that try any text: no part of what the crate offers.

use crate::domain::pattern::{Event, Pattern};

/// Whether an event fits a filter pattern, and what would be taken out of it; `None` if it is no pattern.
pub fn fit_pattern(pattern: &str, message: &str) -> Option<(bool, Vec<(String, String)>)> {
    let pattern = Pattern::parse(pattern).ok()?;
    let event = Event::new(message);
    Some((pattern.fits(&event), pattern.extract(&event)))
}

//! Attempts at what only its owner knows, counted: of a device's million codes three are right, and who has a user's
//! access key could try them all in minutes; who has his session could try passwords.
//!
//! An attempt counts from its beginning, and no longer once it was right. Were it counted when it had failed, as many
//! could be under way at once as the server takes calls.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// Attempts, wrong or under way, after which none is made for a while. With these, a day of guessing finds a right code
/// with a probability of less than one in a hundred. AWS does not say what it allows.
const MOST: u32 = 10;

/// How long they count, and how long none is made then, in milliseconds of real time.
const WHILE_MS: i64 = 300_000;

/// Those who are kept in mind. Beyond it those are forgotten whose while is over; if there are none, all.
const MOST_KEPT: usize = 10_000;

/// The devices, or the users, of which attempts were made lately.
#[derive(Default)]
pub(crate) struct Attempts(Mutex<HashMap<String, Made>>);

/// The attempts at one of them.
#[derive(Clone, Copy)]
struct Made {
    since_ms: i64,
    count: u32,
}

impl Made {
    fn is_over(self, now_ms: i64) -> bool {
        // A clock that was set back must not lock anybody out for long.
        !(self.since_ms..self.since_ms.saturating_add(WHILE_MS)).contains(&now_ms)
    }
}

impl Attempts {
    /// Begins an attempt at what `whose` has, and counts it. Answers whether it may be made.
    #[must_use]
    pub(crate) fn begin(&self, whose: &str, now_ms: i64) -> bool {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= MOST_KEPT && !kept.contains_key(whose) {
            kept.retain(|_, made| !made.is_over(now_ms));
            if kept.len() >= MOST_KEPT {
                kept.clear();
            }
        }
        let fresh = Made { since_ms: now_ms, count: 0 };
        let made = kept.entry(whose.to_owned()).or_insert(fresh);
        if made.is_over(now_ms) {
            *made = fresh;
        }
        let may = made.count < MOST;
        if may {
            made.count += 1;
        }
        may
    }

    /// An attempt that was begun was not a wrong one: it does not count.
    pub(crate) fn was_right(&self, whose: &str) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(made) = kept.get_mut(whose) {
            made.count = made.count.saturating_sub(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_700_000_000_000;

    #[test]
    fn ten_are_all_for_a_while() {
        let attempts = Attempts::default();
        for at in 0..i64::from(MOST) {
            assert!(attempts.begin("a", NOW + at));
        }
        assert!(!attempts.begin("a", NOW + WHILE_MS - 1));
        assert!(attempts.begin("b", NOW));
        assert!(attempts.begin("a", NOW + WHILE_MS));
        assert!(attempts.begin("a", NOW + WHILE_MS));
        assert!(attempts.begin("a", NOW - 1));
    }

    #[test]
    fn right_ones_do_not_count() {
        let attempts = Attempts::default();
        for _ in 0..3 * MOST {
            assert!(attempts.begin("a", NOW));
            attempts.was_right("a");
        }
        for _ in 0..MOST {
            assert!(attempts.begin("a", NOW));
        }
        assert!(!attempts.begin("a", NOW));
        // Those that are refused were never begun.
        attempts.was_right("a");
        assert!(attempts.begin("a", NOW));
        assert!(!attempts.begin("a", NOW));
    }

    #[test]
    fn memory_has_a_bound() {
        let attempts = Attempts::default();
        for device in 0..=MOST_KEPT {
            assert!(attempts.begin(&device.to_string(), NOW));
        }
        assert_eq!(attempts.0.lock().unwrap().len(), 1);
    }
}

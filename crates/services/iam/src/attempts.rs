//! Wrong codes of a device are counted: there are a million, three of which are right, and who has a user's access key
//! could try them all in minutes.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// Wrong codes of a device after which none is taken for a while. With these, a day of guessing finds a right one with
/// a probability of less than one in a hundred. AWS does not say what it allows.
const MOST_WRONG: u32 = 10;

/// How long they count, and how long none is taken then, in milliseconds of real time.
const WHILE_MS: i64 = 300_000;

/// Devices that are kept in mind. Beyond it those are forgotten whose while is over; if there are none, all.
const MOST_DEVICES: usize = 10_000;

/// The devices of which wrong codes came lately.
#[derive(Default)]
pub(crate) struct Attempts(Mutex<HashMap<String, Wrong>>);

/// The wrong codes of one device.
#[derive(Clone, Copy)]
struct Wrong {
    since_ms: i64,
    count: u32,
}

impl Wrong {
    fn is_over(self, now_ms: i64) -> bool {
        // A clock that was set back must not lock anybody out for long.
        !(self.since_ms..self.since_ms.saturating_add(WHILE_MS)).contains(&now_ms)
    }
}

impl Attempts {
    /// Whether a code of that device may be tried now.
    pub(crate) fn may_try(&self, device: &str, now_ms: i64) -> bool {
        let wrong = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(device).copied();
        wrong.is_none_or(|wrong| wrong.is_over(now_ms) || wrong.count < MOST_WRONG)
    }

    /// Counts a wrong code.
    pub(crate) fn wrong(&self, device: &str, now_ms: i64) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= MOST_DEVICES && !kept.contains_key(device) {
            kept.retain(|_, wrong| !wrong.is_over(now_ms));
            if kept.len() >= MOST_DEVICES {
                kept.clear();
            }
        }
        let fresh = Wrong { since_ms: now_ms, count: 0 };
        let wrong = kept.entry(device.to_owned()).or_insert(fresh);
        if wrong.is_over(now_ms) {
            *wrong = fresh;
        }
        wrong.count = wrong.count.saturating_add(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_700_000_000_000;

    #[test]
    fn ten_wrong_codes_are_all_for_a_while() {
        let attempts = Attempts::default();
        for at in 0..i64::from(MOST_WRONG) {
            assert!(attempts.may_try("a", NOW + at));
            attempts.wrong("a", NOW + at);
        }
        assert!(!attempts.may_try("a", NOW + WHILE_MS - 1));
        assert!(attempts.may_try("b", NOW));
        assert!(attempts.may_try("a", NOW + WHILE_MS));
        attempts.wrong("a", NOW + WHILE_MS);
        assert!(attempts.may_try("a", NOW + WHILE_MS));
        assert!(attempts.may_try("a", NOW - 1));
    }

    #[test]
    fn memory_has_a_bound() {
        let attempts = Attempts::default();
        for device in 0..=MOST_DEVICES {
            attempts.wrong(&device.to_string(), NOW);
        }
        assert_eq!(attempts.0.lock().unwrap().len(), 1);
    }
}

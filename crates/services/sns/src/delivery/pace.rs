//! How many messages a second an endpoint is sent (`maxReceivesPerSecond` of delivery policies).

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// Milliseconds of a second.
const SECOND_MS: i64 = 1000;

/// Subscriptions that are remembered.
const MOST_KEPT: usize = 10_000;

/// What was sent to each subscription in the second that runs.
#[derive(Default)]
pub(super) struct Pace(Mutex<HashMap<String, (i64, u32)>>);

impl Pace {
    /// Whether one more may be sent; if not, after how many milliseconds.
    pub(super) fn admit(&self, subscription_id: &str, most: u32, now_ms: i64) -> Result<(), i64> {
        let mut sent = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if sent.len() >= MOST_KEPT && !sent.contains_key(subscription_id) {
            sent.clear();
        }
        let (began_ms, number) = sent.entry(subscription_id.to_owned()).or_insert((now_ms, 0));
        if !(0..SECOND_MS).contains(&now_ms.saturating_sub(*began_ms)) {
            (*began_ms, *number) = (now_ms, 0);
        }
        if *number >= most {
            return Err(SECOND_MS - (now_ms - *began_ms));
        }
        *number += 1;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_has_an_end() {
        let pace = Pace::default();
        assert_eq!(pace.admit("a", 2, 100), Ok(()));
        assert_eq!(pace.admit("a", 2, 400), Ok(()));
        assert_eq!(pace.admit("a", 2, 600), Err(500));
        assert_eq!(pace.admit("b", 2, 600), Ok(()));
        assert_eq!(pace.admit("a", 2, 1_100), Ok(()));
        assert_eq!(pace.admit("a", 2, 50), Ok(()), "the clock went back");
    }
}

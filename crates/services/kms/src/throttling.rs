//! Requests refused because there are too many of them in a second.
//!
//! AWS's quotas are token buckets: an account that has been quiet has a second's worth of requests at once, and after
//! that as many as come back in time. They are off unless somebody turns them on; what is counted is in memory alone,
//! and each server counts what it serves itself.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use strongroom_identity::{AccountId, RequestContext};
use strongroom_schema::Structure;

use crate::domain::quotas::{self, Cost, Group};
use crate::error::Refusal;

/// Quotas that are counted at once: one for each account, Region and group in use, and for each key store.
const MOST_BUCKETS: usize = 10_000;

/// A request, in the unit in which buckets are counted: what one millionth of a request a second brings in a
/// millisecond.
const REQUEST: u64 = 1_000_000_000;

/// The parts of a quota that are given, in millionths. All of it.
const WHOLE: u32 = 1_000_000;

/// Which part of AWS's quotas is given: for tests that would have to make 100,000 requests a second otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QuotaFactor(u32);

impl QuotaFactor {
    /// AWS's quotas as they are published.
    pub const PUBLISHED: Self = Self(WHOLE);

    /// From a number of 0.000001 to 1. `None` for any other.
    #[must_use]
    pub fn new(factor: f64) -> Option<Self> {
        // What is no number is in no range.
        (1e-6..=1.0).contains(&factor).then(|| Self((factor * f64::from(WHOLE)).round() as u32))
    }

    /// The number.
    #[must_use]
    pub fn value(self) -> f64 {
        f64::from(self.0) / f64::from(WHOLE)
    }
}

/// What is counted together.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Counted {
    /// Requests of an account in a Region.
    Account(AccountId, &'static str, Group),
    /// Cryptography in a key store.
    KeyStore(String),
}

/// What is left of a quota.
#[derive(Clone, Copy, Debug)]
struct Bucket {
    /// In units of which [`REQUEST`] make a request.
    left: u64,
    /// What comes back in a millisecond: the quota in millionths of a request a second.
    rate: u64,
    /// As of when, in milliseconds since 1970.
    at_ms: i64,
}

impl Bucket {
    /// A full one.
    fn new(rate: u64, now_ms: i64) -> Self {
        Self { left: Self::size(rate), rate, at_ms: now_ms }
    }

    /// A second's worth, but one request in any case.
    fn size(rate: u64) -> u64 {
        rate.saturating_mul(1_000).max(REQUEST)
    }

    fn refill(&mut self, now_ms: i64) {
        // A clock that was set back brings nothing.
        let ms = now_ms.saturating_sub(self.at_ms).max(0).unsigned_abs();
        self.left = self.left.saturating_add(self.rate.saturating_mul(ms)).min(Self::size(self.rate));
        self.at_ms = now_ms;
    }

    /// Whether so many requests can be taken out. A full one gives all that it can ever have.
    fn has(&mut self, requests: u64, now_ms: i64) -> bool {
        self.refill(now_ms);
        self.left >= self.worth(requests)
    }

    /// Takes so many requests out, which there are.
    fn take(&mut self, requests: u64) {
        self.left = self.left.saturating_sub(self.worth(requests));
    }

    fn worth(&self, requests: u64) -> u64 {
        requests.saturating_mul(REQUEST).min(Self::size(self.rate))
    }

    fn is_full(&mut self, now_ms: i64) -> bool {
        self.refill(now_ms);
        self.left == Self::size(self.rate)
    }
}

/// The quotas of one server.
#[derive(Default)]
pub(crate) struct Throttling {
    /// In millionths; 0 while quotas are off.
    factor: AtomicU32,
    buckets: Mutex<HashMap<Counted, Bucket>>,
}

impl Throttling {
    /// Turns quotas on, or off; either way what was counted is forgotten.
    pub(crate) fn set(&self, factor: Option<QuotaFactor>) {
        let mut buckets = self.buckets();
        self.factor.store(factor.map_or(0, |factor| factor.0), Ordering::Relaxed);
        buckets.clear();
    }

    /// Which part of AWS's quotas is given, if they are on.
    pub(crate) fn factor(&self) -> Option<QuotaFactor> {
        let factor = self.factor.load(Ordering::Relaxed);
        (factor > 0).then_some(QuotaFactor(factor))
    }

    /// Counts a request of the caller: [`Refusal::Throttled`] beyond the quota. One that is refused does not count.
    pub(crate) fn take(
        &self,
        context: &RequestContext,
        operation: &'static str,
        input: &dyn Structure,
    ) -> Result<(), Refusal> {
        let Some(factor) = self.factor() else { return Ok(()) };
        let account = context.caller.principal.account();
        let costs = quotas::costs(operation, input, context.region.name());
        let counted = costs.into_iter().map(|Cost { region, group, requests }| {
            (Counted::Account(account, region, group), group.per_second(region), requests)
        });
        self.take_from(&counted.collect::<Vec<_>>(), factor, context.now_ms)
    }

    /// Counts cryptography in a key store, whoever calls.
    pub(crate) fn take_of_key_store(&self, store_id: &str, now_ms: i64) -> Result<(), Refusal> {
        let Some(factor) = self.factor() else { return Ok(()) };
        let counted = Counted::KeyStore(store_id.to_owned());
        self.take_from(&[(counted, quotas::OF_KEY_STORE, 1)], factor, now_ms)
    }

    /// Counts against several quotas, so many a second and so many requests each: against all of them, or against none.
    fn take_from(
        &self,
        all: &[(Counted, u32, u64)],
        factor: QuotaFactor,
        now_ms: i64,
    ) -> Result<(), Refusal> {
        let mut buckets = self.buckets();
        let new = |buckets: &HashMap<Counted, Bucket>| {
            all.iter().filter(|(counted, ..)| !buckets.contains_key(counted)).count()
        };
        // Once, and before any is looked at: what is looked at may be full, and is taken from later.
        if buckets.len() + new(&buckets) > MOST_BUCKETS {
            // One that is full says as little as none.
            buckets.retain(|_, bucket| !bucket.is_full(now_ms));
            if buckets.len() + new(&buckets) > MOST_BUCKETS {
                return Err(Refusal::Throttled);
            }
        }
        let mut has_all = true;
        for (counted, per_second, requests) in all {
            let rate = u64::from(*per_second).saturating_mul(factor.0.into());
            let bucket = buckets.entry(counted.clone()).or_insert_with(|| Bucket::new(rate, now_ms));
            has_all &= bucket.has(*requests, now_ms);
        }
        if !has_all {
            return Err(Refusal::Throttled);
        }
        for (counted, _, requests) in all {
            if let Some(bucket) = buckets.get_mut(counted) {
                bucket.take(*requests);
            }
        }
        Ok(())
    }

    fn buckets(&self) -> MutexGuard<'_, HashMap<Counted, Bucket>> {
        self.buckets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_800_000_000_000;

    /// So many of these requests are served at that moment.
    fn served(throttling: &Throttling, store: &str, now_ms: i64) -> u32 {
        (0..10_000).take_while(|_| throttling.take_of_key_store(store, now_ms).is_ok()).count() as u32
    }

    fn on(factor: f64) -> Throttling {
        let throttling = Throttling::default();
        throttling.set(Some(QuotaFactor::new(factor).unwrap()));
        throttling
    }

    #[test]
    fn a_quiet_second_is_saved_up_and_no_more() {
        let throttling = on(1.0);
        assert_eq!(served(&throttling, "cks-a", NOW), 1_800);
        assert_eq!(served(&throttling, "cks-a", NOW), 0);
        assert_eq!(served(&throttling, "cks-b", NOW), 1_800, "each has its own");
        assert_eq!(served(&throttling, "cks-a", NOW + 100), 180);
        assert_eq!(served(&throttling, "cks-a", NOW + 100_000), 1_800);
    }

    #[test]
    fn what_comes_back_is_exact_over_time() {
        // 1,800 a second are 9 in 5 milliseconds: nothing is lost where a millisecond brings a part of a request.
        let throttling = on(1.0);
        assert_eq!(served(&throttling, "cks-a", NOW), 1_800);
        let total: u32 = (1..=5_000).map(|ms| served(&throttling, "cks-a", NOW + ms)).sum();
        assert_eq!(total, 9_000);
        // And where a request takes longer than a second to come back.
        let throttling = on(0.000_1);
        assert_eq!(served(&throttling, "cks-a", NOW), 1, "one at once in any case");
        let total: u32 = (1..=100_000).map(|ms| served(&throttling, "cks-a", NOW + ms)).sum();
        assert_eq!(total, 17, "each after 5,556 ms");
    }

    #[test]
    fn a_clock_that_is_set_back_neither_gives_nor_takes() {
        let throttling = on(1.0);
        assert_eq!(served(&throttling, "cks-a", NOW), 1_800);
        assert_eq!(served(&throttling, "cks-a", NOW - 1_000_000), 0);
        assert_eq!(served(&throttling, "cks-a", NOW - 1_000_000 + 10), 18);
    }

    #[test]
    fn turned_on_and_off_it_forgets() {
        let throttling = Throttling::default();
        assert!((0..5_000).all(|_| throttling.take_of_key_store("cks-a", NOW).is_ok()), "it is off");
        throttling.set(QuotaFactor::new(0.01));
        assert_eq!(served(&throttling, "cks-a", NOW), 18);
        throttling.set(QuotaFactor::new(0.02));
        assert_eq!(served(&throttling, "cks-a", NOW), 36);
        throttling.set(None);
        assert_eq!(throttling.factor(), None);
        assert!(throttling.take_of_key_store("cks-a", NOW).is_ok());
    }

    #[test]
    fn factors_are_parts_of_a_quota() {
        for bad in [0.0, -1.0, 1.000_001, 0.000_000_1, f64::NAN, f64::INFINITY] {
            assert_eq!(QuotaFactor::new(bad), None, "{bad}");
        }
        assert_eq!(QuotaFactor::new(1.0), Some(QuotaFactor::PUBLISHED));
        assert!((QuotaFactor::new(0.25).unwrap().value() - 0.25).abs() < 1e-9);
    }

    #[test]
    fn what_is_counted_is_bounded() {
        let throttling = on(1.0);
        for store in 0..MOST_BUCKETS {
            throttling.take_of_key_store(&format!("cks-{store}"), NOW).unwrap();
        }
        assert!(throttling.take_of_key_store("cks-another", NOW).is_err(), "all are in use");
        assert!(throttling.take_of_key_store("cks-another", NOW + 1_000).is_ok(), "those that are full go");
        assert_eq!(throttling.buckets().len(), 1);
    }

    #[test]
    fn room_for_one_quota_is_not_made_of_another_of_the_same_request() {
        let throttling = on(1.0);
        let one = |name: &str| (Counted::KeyStore(name.to_owned()), 1, 1);
        for number in 0..MOST_BUCKETS - 1 {
            throttling.take_of_key_store(&format!("cks-{number}"), NOW).unwrap();
        }
        // One more fits while the others are in use, and two do not.
        let both = [one("first"), one("second")];
        assert!(throttling.take_from(&both, QuotaFactor::PUBLISHED, NOW).is_err());
        throttling.take_from(&both[..1], QuotaFactor::PUBLISHED, NOW).unwrap();
        // A second later all are full: both of a request are counted, and counted out.
        let later = NOW + 1_000;
        throttling.take_from(&both, QuotaFactor::PUBLISHED, later).unwrap();
        for counted in &both {
            let again = throttling.take_from(std::slice::from_ref(counted), QuotaFactor::PUBLISHED, later);
            assert!(again.is_err(), "{counted:?} was not taken from");
        }
    }
}

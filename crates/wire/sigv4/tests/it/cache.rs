//! The cache of signing keys.

use std::sync::Arc;
use std::thread;

use strongroom_secret::SecretString;
use strongroom_sigv4::{AuthError, Authenticated, Claim, SigningKeyCache};

use crate::requests::{ACCESS_KEY_ID, NOW, Order, Received, SECRET, kms};

const DAY_MS: i64 = 86_400_000;

fn secret(text: &str) -> SecretString {
    SecretString::new(text.to_owned())
}

fn signed() -> (Received, Claim) {
    let request = Order::default().sign();
    let claim = request.parse(NOW, &kms()).unwrap();
    (request, claim)
}

fn verify(
    cache: &SigningKeyCache,
    version: u64,
    secret_text: &str,
    request: &Received,
    now_ms: i64,
) -> Result<Authenticated, AuthError> {
    let claim = request.parse(now_ms, &kms())?;
    let key = cache.key(&claim, version, &secret(secret_text));
    claim.verify(&key, request.body.as_slice())
}

/// A claim of that access key id; it would not verify.
fn claim_of(access_key_id: &str) -> Claim {
    let mut request = Order::default().sign();
    request.replace_in_header("authorization", ACCESS_KEY_ID, access_key_id);
    request.parse(NOW, &kms()).unwrap()
}

#[test]
fn a_key_is_derived_once() {
    let cache = SigningKeyCache::new(8);
    assert!(cache.is_empty());
    let (request, claim) = signed();
    let first = cache.key(&claim, 1, &secret(SECRET));
    let second = cache.key(&claim, 1, &secret(SECRET));
    assert!(Arc::ptr_eq(&first, &second));
    assert_eq!(cache.len(), 1);
    claim.verify(&first, request.body.as_slice()).unwrap();
}

#[test]
fn another_version_of_the_credential_never_meets_an_older_key() {
    let cache = SigningKeyCache::new(8);
    let request = Order::default().sign();
    verify(&cache, 1, SECRET, &request, NOW).unwrap();
    assert_eq!(verify(&cache, 2, "rotated", &request, NOW).unwrap_err(), AuthError::SignatureMismatch);
    // Whoever still holds the old version gets a key of its own, and leaves none behind for the new one.
    verify(&cache, 1, SECRET, &request, NOW).unwrap();
    assert_eq!(verify(&cache, 2, "rotated", &request, NOW).unwrap_err(), AuthError::SignatureMismatch);
    assert_eq!(cache.len(), 1);
}

#[test]
fn keys_differ_by_access_key_id_region_service_and_day() {
    let cache = SigningKeyCache::new(64);
    let base = cache.key(&signed().1, 1, &secret(SECRET));
    assert!(!Arc::ptr_eq(&base, &cache.key(&claim_of("AKIDANOTHER"), 1, &secret(SECRET))));
    let mut request = Order::default().sign();
    request.replace_in_header("authorization", "/kms/", "/sts/");
    let sts = strongroom_sigv4::Expected::service("sts", &|_| true);
    assert!(!Arc::ptr_eq(&base, &cache.key(&request.parse(NOW, &sts).unwrap(), 1, &secret(SECRET))));
    request.replace_in_header("authorization", "/us-east-1/sts/", "/eu-west-1/sts/");
    assert!(!Arc::ptr_eq(&base, &cache.key(&request.parse(NOW, &sts).unwrap(), 1, &secret(SECRET))));
    let tomorrow = Order { signed_at_ms: NOW + DAY_MS, ..Order::default() }.sign();
    let tomorrow = tomorrow.parse(NOW + DAY_MS, &kms()).unwrap();
    assert!(!Arc::ptr_eq(&base, &cache.key(&tomorrow, 1, &secret(SECRET))));
}

#[test]
fn the_store_is_bounded_and_keeps_what_is_used() {
    let cache = SigningKeyCache::new(10);
    let used = signed().1;
    let key = cache.key(&used, 1, &secret(SECRET));
    for number in 0..100 {
        let _ = cache.key(&claim_of(&format!("AKID{number}")), 1, &secret(SECRET));
        assert!(Arc::ptr_eq(&key, &cache.key(&used, 1, &secret(SECRET))), "after {number} others");
        assert!(cache.len() <= 10);
    }
    for number in 100..120 {
        let _ = cache.key(&claim_of(&format!("AKID{number}")), 1, &secret(SECRET));
    }
    assert!(!Arc::ptr_eq(&key, &cache.key(&used, 1, &secret(SECRET))), "unused, it went");
}

#[test]
fn a_store_without_room_derives_each_time() {
    let cache = SigningKeyCache::new(0);
    let request = Order::default().sign();
    verify(&cache, 1, SECRET, &request, NOW).unwrap();
    assert!(cache.is_empty());
}

#[test]
fn a_key_dies_with_its_day() {
    let cache = SigningKeyCache::new(8);
    let request = Order::default().sign();
    verify(&cache, 1, SECRET, &request, NOW).unwrap();
    let next = NOW + DAY_MS;
    let tomorrow = Order { signed_at_ms: next, ..Order::default() }.sign();
    verify(&cache, 1, SECRET, &tomorrow, next).unwrap();
    assert_eq!(cache.len(), 1, "yesterday's is gone");
}

#[test]
fn a_key_outlives_midnight_while_requests_of_its_day_are_good() {
    let cache = SigningKeyCache::new(8);
    let midnight = 1_440_979_200_000;
    let request = Order { signed_at_ms: midnight - 1_000, ..Order::default() }.sign();
    let early = request.parse(midnight - 1_000, &kms()).unwrap();
    let late = request.parse(midnight + 298_000, &kms()).unwrap();
    let key = cache.key(&early, 1, &secret(SECRET));
    assert!(Arc::ptr_eq(&key, &cache.key(&late, 1, &secret(SECRET))));
}

#[test]
fn a_presigned_url_of_a_past_day_leaves_no_key() {
    let cache = SigningKeyCache::new(8);
    let request = Order { method: "GET", expires: Some(604_800), ..Order::default() }.sign();
    verify(&cache, 1, SECRET, &request, NOW + 3 * DAY_MS).unwrap();
    assert!(cache.is_empty());
}

#[test]
fn threads_share_it() {
    let cache = SigningKeyCache::new(16);
    let request = Order::default().sign();
    thread::scope(|scope| {
        for version in 0..4_u64 {
            let (cache, request) = (&cache, &request);
            scope.spawn(move || {
                let secret_text = if version == 0 { SECRET } else { "another" };
                for _ in 0..200 {
                    let outcome = verify(cache, version, secret_text, request, NOW);
                    assert_eq!(outcome.is_ok(), version == 0);
                }
            });
        }
    });
    assert_eq!(cache.len(), 1);
}

#[test]
fn nothing_secret_is_shown() {
    let cache = SigningKeyCache::new(8);
    let (request, claim) = signed();
    let key = cache.key(&claim, 1, &secret(SECRET));
    assert_eq!(format!("{key:?}"), "SigningKey(..)");
    assert_eq!(format!("{cache:?}"), "SigningKeyCache { len: 1, .. }");
    let signature = request.header("authorization").rsplit('=').next().unwrap().to_owned();
    assert!(!format!("{claim:?}").contains(&signature));
}

//! The cache of opened keys, from outside.

use strongroom_hsm_core::{BlobHeader, EncryptionContext, OpenedKey, Partition};

use crate::fixture::{KEY_ID, MATERIAL_ID, generate, partition};

const NAMES: BlobHeader<'static> = BlobHeader { key_id: KEY_ID, material_id: &MATERIAL_ID };

fn assert_shareable<T: Send + Sync + 'static>() {}

#[test]
fn an_opened_key_is_not_opened_twice() {
    let partition = partition(10);
    let token = generate(&partition);
    assert!(partition.cached(&token.reference).is_none());
    partition.open(&token.reference, &token.bytes).unwrap();
    assert!(partition.cached(&token.reference).is_some());
    partition.open(&token.reference, b"not looked at").unwrap();
    let stats = partition.stats();
    assert_eq!((stats.held, stats.opened, stats.hits, stats.evicted), (1, 1, 2, 0));

    partition.forget(token.reference.handle);
    partition.forget(token.reference.handle);
    assert!(partition.cached(&token.reference).is_none());
    assert_eq!(partition.stats().held, 0);
}

#[test]
fn a_key_in_use_survives_its_eviction() {
    let partition = partition(1);
    let (one, other) = (generate(&partition), generate(&partition));
    let key = partition.open(&one.reference, &one.bytes).unwrap();
    partition.open(&other.reference, &other.bytes).unwrap();
    assert!(partition.cached(&one.reference).is_none());
    assert!(key.encrypt_derived(&NAMES, &EncryptionContext::default(), b"still").is_ok());
}

#[test]
fn threads_share_a_cache_that_never_holds_more_than_it_may() {
    assert_shareable::<Partition>();
    assert_shareable::<OpenedKey>();

    let partition = partition(200);
    let none = EncryptionContext::default();
    let keys: Vec<_> = (0..500_usize)
        .map(|number| {
            let token = generate(&partition);
            let key = partition.open(&token.reference, &token.bytes).unwrap();
            let blob = key.encrypt_derived(&NAMES, &none, &number.to_be_bytes()).unwrap();
            (token, blob)
        })
        .collect();
    let before = partition.stats();
    assert_eq!((before.held, before.opened, before.evicted), (200, 500, 300));

    std::thread::scope(|scope| {
        for thread in 0..8_usize {
            let (partition, keys, none) = (&partition, &keys, &none);
            scope.spawn(move || {
                for round in 0..1_000_usize {
                    // Half of the calls go to a few keys, half over all.
                    let spread = if round % 2 == 0 { 7 } else { keys.len() };
                    let number = (round * 31 + thread * 101) % spread;
                    let (token, blob) = &keys[number];
                    let key = partition.open(&token.reference, &token.bytes).unwrap();
                    let plaintext = key.decrypt_derived(blob, none).unwrap();
                    assert_eq!(*plaintext.expose(), number.to_be_bytes());
                    assert!(partition.stats().held <= 200);
                    if round % 97 == 0 {
                        partition.forget(token.reference.handle);
                    }
                }
            });
        }
    });
    let after = partition.stats();
    assert_eq!(after.hits + after.opened - before.opened, 8_000);
    assert!(after.evicted > before.evicted && after.hits > 4_000, "{after:?}");
}

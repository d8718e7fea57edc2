//! Keys made of passphrases.

use strongroom_crypto::hex;
use strongroom_crypto::passphrase::{Cost, derive_key};

/// Computed apart from this crate, by OpenSSL (through Python's `cryptography`).
#[test]
fn the_derivation_never_drifts() {
    let key = derive_key(b"correct horse battery", b"sixteen bytes ok", Cost::DEFAULT).unwrap();
    let golden = "382ff8af0db8e19be156c7fad063a0dc3df279b222a1c115d10470dd05d9e1d0";
    assert_eq!(hex::encode(key.expose()), golden);
}

#[test]
fn what_costs_too_much_is_not_computed() {
    let derive = |memory_kib, passes| derive_key(b"p", b"sixteen bytes ok", Cost { memory_kib, passes });
    derive(8, 1).unwrap();
    for (memory, passes) in [(7, 1), (u32::MAX, 1), (Cost::MOST.memory_kib + 1, 1), (8, 0), (8, 65)] {
        assert!(derive(memory, passes).is_err(), "{memory}, {passes}");
    }
    let small = Cost { memory_kib: 8, passes: 1 };
    assert!(derive_key(&[b'a'; 1025], b"sixteen bytes ok", small).is_err());
    assert!(derive_key(b"p", b"short", small).is_err());
}

//! Sealed values.

use strongroom_crypto::salted;
use strongroom_seal::{Epoch, Purpose, Root, SealError, Sealer};

#[test]
fn a_value_opens_where_it_belongs_and_nowhere_else() {
    let root = Root::ephemeral().unwrap();
    let secrets = Sealer::new(&root, Purpose::Secrets).unwrap();
    let sealed = secrets.seal(b"AKIA1", b"the secret").unwrap();
    assert_eq!(sealed.len(), b"the secret".len() + Sealer::OVERHEAD);
    assert_eq!(Sealer::epoch_of(&sealed).unwrap(), Epoch::CURRENT);
    let again = Sealer::new(&root, Purpose::Secrets).unwrap();
    assert_eq!(again.open(b"AKIA1", &sealed).unwrap().expose(), b"the secret");

    assert!(matches!(secrets.open(b"AKIA2", &sealed), Err(SealError::Crypto(_))));
    let other_purpose = Sealer::new(&root, Purpose::Partition).unwrap();
    assert!(matches!(other_purpose.open(b"AKIA1", &sealed), Err(SealError::Crypto(_))));
    let other_root = Sealer::new(&Root::ephemeral().unwrap(), Purpose::Secrets).unwrap();
    assert!(matches!(other_root.open(b"AKIA1", &sealed), Err(SealError::Crypto(_))));
}

#[test]
fn empty_and_long_values_are_sealed_too() {
    let sealer = Sealer::new(&Root::ephemeral().unwrap(), Purpose::Secrets).unwrap();
    for value in [vec![], vec![7; 100_000]] {
        let sealed = sealer.seal(b"", &value).unwrap();
        assert_eq!(*sealer.open(b"", &sealed).unwrap().expose(), value);
    }
}

#[test]
fn the_same_value_never_looks_the_same() {
    let sealer = Sealer::new(&Root::ephemeral().unwrap(), Purpose::Secrets).unwrap();
    assert_ne!(sealer.seal(b"a", b"v").unwrap()[5..37], sealer.seal(b"a", b"v").unwrap()[5..37]);
}

#[test]
fn a_value_that_is_cut_or_changed_anywhere_is_refused() {
    let sealer = Sealer::new(&Root::ephemeral().unwrap(), Purpose::Secrets).unwrap();
    let sealed = sealer.seal(b"aad", b"plaintext").unwrap();
    for length in 0..sealed.len() {
        assert!(sealer.open(b"aad", &sealed[..length]).is_err(), "cut at {length}");
    }
    for (position, bit) in (0..sealed.len()).flat_map(|position| (0..8).map(move |bit| (position, bit))) {
        let mut changed = sealed.clone();
        changed[position] ^= 1 << bit;
        let opened = sealer.open(b"aad", &changed);
        if position == 0 {
            assert!(matches!(opened, Err(SealError::UnsupportedFormat { .. })), "bit {bit}");
        } else {
            assert!(matches!(opened, Err(SealError::Crypto(_))), "byte {position}, bit {bit}");
        }
    }
    let later = Sealer::epoch_of(&[2, 0, 0, 0, 1]).unwrap_err();
    assert_eq!(later.to_string(), "a sealed value has format 2, which this version does not know");
}

/// A value of a later epoch, as a rotated server would write it, put together from the public pieces.
#[test]
fn a_value_of_any_epoch_opens() {
    let root = Root::ephemeral().unwrap();
    let sealer = Sealer::new(&root, Purpose::JournalMac).unwrap();
    for epoch in [0, 2, 77, u32::MAX] {
        let key = root.subkey(Purpose::JournalMac, Epoch::new(epoch)).unwrap();
        let mut sealed = [[1].as_slice(), &epoch.to_be_bytes()].concat();
        let aad = [&sealed, b"aad".as_slice()].concat();
        salted::seal_into(&key, b"strongroom/sealed", &aad, b"value", &mut sealed).unwrap();
        assert_eq!(sealer.open(b"aad", &sealed).unwrap().expose(), b"value");
        assert_eq!(Sealer::epoch_of(&sealed).unwrap().number(), epoch);
    }
}

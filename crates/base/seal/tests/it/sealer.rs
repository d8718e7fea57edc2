//! Sealed values.

use strongroom_seal::{Epoch, Purpose, Root, SealError, Sealer};

#[test]
fn a_value_opens_where_it_belongs_and_nowhere_else() {
    let root = Root::ephemeral().unwrap();
    let secrets = Sealer::new(&root, Purpose::Secrets);
    let sealed = secrets.seal(b"AKIA1", b"the secret").unwrap();
    assert_eq!(sealed.len(), b"the secret".len() + Sealer::OVERHEAD);
    assert_eq!(Sealer::epoch_of(&sealed).unwrap(), Epoch::FIRST);
    let again = Sealer::new(&root, Purpose::Secrets);
    assert_eq!(again.open(b"AKIA1", &sealed).unwrap().expose(), b"the secret");

    assert!(matches!(secrets.open(b"AKIA2", &sealed), Err(SealError::Crypto(_))));
    let other_purpose = Sealer::new(&root, Purpose::Partition);
    assert!(matches!(other_purpose.open(b"AKIA1", &sealed), Err(SealError::Crypto(_))));
    let other_root = Sealer::new(&Root::ephemeral().unwrap(), Purpose::Secrets);
    assert!(matches!(other_root.open(b"AKIA1", &sealed), Err(SealError::Crypto(_))));
}

#[test]
fn empty_and_long_values_are_sealed_too() {
    let sealer = Sealer::new(&Root::ephemeral().unwrap(), Purpose::Secrets);
    for value in [vec![], vec![7; 100_000]] {
        let sealed = sealer.seal(b"", &value).unwrap();
        assert_eq!(*sealer.open(b"", &sealed).unwrap().expose(), value);
    }
}

#[test]
fn the_same_value_never_looks_the_same() {
    let sealer = Sealer::new(&Root::ephemeral().unwrap(), Purpose::Secrets);
    assert_ne!(sealer.seal(b"a", b"v").unwrap()[5..37], sealer.seal(b"a", b"v").unwrap()[5..37]);
}

#[test]
fn a_value_that_is_cut_or_changed_anywhere_is_refused() {
    let sealer = Sealer::new(&Root::ephemeral().unwrap(), Purpose::Secrets);
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
        } else if position < 5 {
            assert!(matches!(opened, Err(SealError::UnknownEpoch { .. })), "byte {position}, bit {bit}");
        } else {
            assert!(matches!(opened, Err(SealError::Crypto(_))), "byte {position}, bit {bit}");
        }
    }
    let later = Sealer::epoch_of(&[2, 0, 0, 0, 1]).unwrap_err();
    assert_eq!(later.to_string(), "a sealed value has format 2, which this version does not know");
}

#[test]
fn a_value_names_its_epoch_and_opens_in_any_that_is_known() {
    let root = Root::ephemeral().unwrap();
    let sealer = Sealer::new(&root, Purpose::JournalMac);
    let mut sealed = vec![sealer.seal(b"aad", b"value").unwrap()];
    for epoch in [2, 3] {
        let next = root.prepare_next().unwrap();
        assert_eq!(next, Epoch::new(epoch));
        // Known is not in use: others may not have it yet.
        assert_eq!(Sealer::epoch_of(&sealer.seal(b"aad", b"value").unwrap()).unwrap().number(), epoch - 1);
        root.select(next).unwrap();
        sealed.push(sealer.seal(b"aad", b"value").unwrap());
    }
    for (value, epoch) in sealed.iter().zip(1..) {
        assert_eq!(Sealer::epoch_of(value).unwrap(), Epoch::new(epoch));
        assert_eq!(value[..5], Sealer::head_of(Epoch::new(epoch)));
        assert_eq!(sealer.open(b"aad", value).unwrap().expose(), b"value");
    }
    // Its epoch is authenticated.
    let mut other = sealed[0].clone();
    other[4] = 2;
    assert!(matches!(sealer.open(b"aad", &other), Err(SealError::Crypto(_))));
    other[4] = 9;
    let unknown = sealer.open(b"aad", &other).unwrap_err();
    assert_eq!(unknown.to_string(), "the seal has no key of epoch 9");
}

#[test]
fn a_value_is_sealed_afresh_where_it_belongs() {
    let root = Root::ephemeral().unwrap();
    let sealer = Sealer::new(&root, Purpose::Secrets);
    let old = sealer.seal(b"aad", b"value").unwrap();
    assert!(sealer.reseal(b"aad", &old).unwrap().is_none());
    root.select(root.prepare_next().unwrap()).unwrap();
    assert!(sealer.reseal(b"other", &old).is_err());
    let new = sealer.reseal(b"aad", &old).unwrap().unwrap();
    root.retire_before(root.current_epoch(), |_, _| false).unwrap();
    assert!(matches!(sealer.open(b"aad", &old), Err(SealError::UnknownEpoch { epoch: 1 })));
    assert_eq!(sealer.open(b"aad", &new).unwrap().expose(), b"value");
}

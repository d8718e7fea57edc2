use strongroom_crypto::salted::{OVERHEAD, open, seal_into};
use strongroom_secret::Secret;

#[test]
fn a_value_opens_under_its_own_key_label_and_aad_only() {
    let (key, other) = (Secret::new([1; 32]), Secret::new([2; 32]));
    let mut out = b"head".to_vec();
    seal_into(&key, b"label", b"aad", b"plaintext", &mut out).unwrap();
    let sealed = out.strip_prefix(b"head").unwrap();
    assert_eq!(sealed.len(), b"plaintext".len() + OVERHEAD);

    assert_eq!(open(&key, b"label", b"aad", sealed).unwrap().expose(), b"plaintext");
    assert!(open(&other, b"label", b"aad", sealed).is_err());
    assert!(open(&key, b"Label", b"aad", sealed).is_err());
    assert!(open(&key, b"label", b"aae", sealed).is_err());
    for position in 0..sealed.len() {
        let mut changed = sealed.to_vec();
        changed[position] ^= 1;
        assert!(open(&key, b"label", b"aad", &changed).is_err(), "byte {position}");
        assert!(open(&key, b"label", b"aad", &sealed[..position]).is_err(), "cut at {position}");
    }
}

#[test]
fn every_value_has_a_salt_of_its_own() {
    let key = Secret::new([1; 32]);
    let seal = || {
        let mut out = Vec::new();
        seal_into(&key, b"label", b"", b"the same", &mut out).unwrap();
        out
    };
    assert_ne!(seal()[..32], seal()[..32]);
}

#[test]
fn a_failure_leaves_the_buffer_as_it_was() {
    let mut out = b"head".to_vec();
    assert!(seal_into(&Secret::new([1; 32]), b"la\0bel", b"", b"plaintext", &mut out).is_err());
    assert_eq!(out, b"head");
}

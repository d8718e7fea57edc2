use proptest::prelude::*;
use strongroom_crypto::hpke::{OVERHEAD, PrivateKey, seal};

#[test]
fn only_the_receiver_opens_it() {
    let (receiver, other) = (PrivateKey::generate().unwrap(), PrivateKey::generate().unwrap());
    let sealed = seal(receiver.public_key(), b"info", b"aad", b"partition key").unwrap();
    assert_eq!(sealed.len(), OVERHEAD + 13);
    assert_eq!(receiver.open(b"info", b"aad", &sealed).unwrap().expose(), b"partition key");
    assert!(other.open(b"info", b"aad", &sealed).is_err());
    assert!(receiver.open(b"Info", b"aad", &sealed).is_err());
    assert!(receiver.open(b"info", b"", &sealed).is_err());
    for length in 0..sealed.len() {
        assert!(receiver.open(b"info", b"aad", &sealed[..length]).is_err());
    }
    // The same text sealed again is another ciphertext.
    assert_ne!(seal(receiver.public_key(), b"info", b"aad", b"partition key").unwrap(), sealed);
}

#[test]
fn a_key_comes_back_from_its_bytes() {
    let key = PrivateKey::generate().unwrap();
    let again = PrivateKey::from_bytes(&key.to_bytes().unwrap()).unwrap();
    assert_eq!(again.public_key(), key.public_key());
}

#[test]
fn what_is_no_point_is_refused() {
    let mut public = *PrivateKey::generate().unwrap().public_key();
    assert!(seal(&public[1..], b"", b"", b"").is_err());
    assert!(seal(&[0; 65], b"", b"", b"").is_err());
    public[40] ^= 1;
    assert!(seal(&public, b"", b"", b"").is_err());
    assert!(PrivateKey::from_bytes(&strongroom_secret::Secret::new([0; 32])).is_err());
    assert!(PrivateKey::from_bytes(&strongroom_secret::Secret::new([0xff; 32])).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn a_changed_message_is_refused(
        plaintext in proptest::collection::vec(any::<u8>(), 0..100),
        flip in any::<prop::sample::Index>(),
        bit in 0..8_u8,
    ) {
        let receiver = PrivateKey::generate().unwrap();
        let mut sealed = seal(receiver.public_key(), b"info", b"aad", &plaintext).unwrap();
        let opened = receiver.open(b"info", b"aad", &sealed).unwrap();
        prop_assert_eq!(opened.expose(), &plaintext);
        let position = flip.index(sealed.len());
        sealed[position] ^= 1 << bit;
        prop_assert!(receiver.open(b"info", b"aad", &sealed).is_err());
    }
}

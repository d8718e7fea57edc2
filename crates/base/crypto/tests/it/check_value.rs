use strongroom_crypto::aes::AesKey;
use strongroom_crypto::{check_value, hex};

/// AES of a block of zeros under a key of zeros: FIPS 197's most printed ciphertexts.
#[test]
fn of_aes_keys() {
    for (length, value) in [(16, "66e94b"), (24, "aae069"), (32, "dc95c0")] {
        let key = AesKey::new(&vec![0; length]).unwrap();
        assert_eq!(hex::encode(&check_value::of_aes(&key).unwrap()), value);
    }
}

/// FIPS 180's "abc".
#[test]
fn of_public_keys() {
    assert_eq!(hex::encode(&check_value::of_public_key(b"abc")), "a9993e");
}

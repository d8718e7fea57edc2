use proptest::prelude::*;
use strongroom_crypto::hex;

proptest! {
    #[test]
    fn what_is_encoded_decodes(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
        let text = hex::encode(&bytes);
        prop_assert_eq!(hex::decode(&text), Some(bytes.clone()));
        prop_assert_eq!(hex::decode(&text.to_uppercase()), Some(bytes));
    }
}

#[test]
fn digits_are_lower_case_and_nothing_else_is_read() {
    assert_eq!(hex::encode(&[0x00, 0x9a, 0xff]), "009aff");
    for text in ["0", "abc", "0g", "g0", " 0", "+1", "0x", "é", "00 "] {
        assert_eq!(hex::decode(text), None, "{text:?}");
    }
}

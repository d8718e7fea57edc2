use proptest::prelude::*;
use strongroom_crypto::hmac::HmacSha256;
use strongroom_crypto::kdf::sp800_108_counter_hmac_sha256;

/// Section 4.1 of SP 800-108r1, written down independently over HMAC.
fn model(key: &[u8], label: &[u8], context: &[u8], length: usize) -> Vec<u8> {
    let key = HmacSha256::new(key);
    let bits = (length as u32 * 8).to_be_bytes();
    let blocks =
        (1_u32..).flat_map(|counter| key.sign(&[&counter.to_be_bytes(), label, &[0], context, &bits]));
    blocks.take(length).collect()
}

proptest! {
    #[test]
    fn label_context_and_length_enter_as_the_standard_says(
        key in proptest::collection::vec(any::<u8>(), 1..80),
        label in proptest::collection::vec(1..=255_u8, 0..30),
        context in proptest::collection::vec(any::<u8>(), 0..120),
        length in 1..150_usize,
    ) {
        let mut out = vec![0; length];
        sp800_108_counter_hmac_sha256(&key, &label, &context, &mut out).unwrap();
        prop_assert_eq!(out, model(&key, &label, &context, length));
    }
}

#[test]
fn what_would_be_ambiguous_or_empty_is_refused() {
    let mut out = [0; 32];
    assert!(sp800_108_counter_hmac_sha256(b"", b"label", b"context", &mut out).is_err());
    assert!(sp800_108_counter_hmac_sha256(b"key", b"la\0bel", b"context", &mut out).is_err());
    assert!(sp800_108_counter_hmac_sha256(b"key", b"label", b"context", &mut []).is_err());
    assert_eq!(out, [0; 32]);
}

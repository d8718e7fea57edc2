//! Encryption under derived keys.

use proptest::prelude::*;
use strongroom_hsm_core::{
    BlobHeader, EncryptionContext, HsmError, LONGEST_BLOB, LONGEST_CONTEXT, LONGEST_KEY_ID,
    LONGEST_PLAINTEXT, Usage, parse_header,
};

use crate::fixture::{KEY_ID, MATERIAL_ID, attributes, both, opened};

const NAMES: BlobHeader<'static> = BlobHeader { key_id: KEY_ID, material_id: &MATERIAL_ID };

fn context(pairs: &[(&str, &str)]) -> EncryptionContext {
    EncryptionContext::new(pairs.iter().copied()).unwrap()
}

fn refused<T>(result: Result<T, HsmError>) -> Option<HsmError> {
    result.err()
}

prop_compose! {
    fn key_id()(id in "[a-z0-9-]{1,64}") -> String { id }
}

fn pairs() -> impl Strategy<Value = std::collections::HashMap<String, String>> {
    prop::collection::hash_map(any::<String>(), any::<String>(), 0..6)
}

proptest! {
    #[test]
    fn what_is_encrypted_decrypts_with_the_same_pairs_in_any_order(
        material: [u8; 32],
        material_id: [u8; 32],
        key_id in key_id(),
        pairs in pairs(),
        plaintext in prop::collection::vec(any::<u8>(), 0..300),
    ) {
        let key = opened(material, both());
        let names = BlobHeader { key_id: &key_id, material_id: &material_id };
        let mut ordered: Vec<_> = pairs.into_iter().collect();
        let context = EncryptionContext::new(ordered.clone()).unwrap();
        let blob = key.encrypt_derived(&names, &context, &plaintext).unwrap();
        prop_assert_eq!(parse_header(&blob), Ok(names));

        ordered.reverse();
        let again = EncryptionContext::new(ordered).unwrap();
        prop_assert_eq!(&again, &context);
        let opened = key.decrypt_derived(&blob, &again).unwrap();
        prop_assert_eq!(opened.expose(), &plaintext);
    }

    #[test]
    fn different_pairs_are_different_contexts(one in pairs(), other in pairs()) {
        let contexts = (EncryptionContext::new(one.clone()).unwrap(), EncryptionContext::new(other.clone()).unwrap());
        prop_assert_eq!(contexts.0 == contexts.1, one == other);
    }
}

#[test]
fn a_ciphertext_changed_or_cut_anywhere_is_refused() {
    let key = opened([3; 32], both());
    let context = context(&[("purpose", "test")]);
    let blob = key.encrypt_derived(&NAMES, &context, b"thirteen byte").unwrap();
    for (position, bit) in (0..blob.len()).flat_map(|position| (0..8).map(move |bit| (position, bit))) {
        let mut changed = blob.clone();
        changed[position] ^= 1 << bit;
        let opened = key.decrypt_derived(&changed, &context);
        assert_eq!(refused(opened), Some(HsmError::InvalidCiphertext), "byte {position}, bit {bit}");
    }
    for length in 0..blob.len() {
        let opened = key.decrypt_derived(&blob[..length], &context);
        assert_eq!(refused(opened), Some(HsmError::InvalidCiphertext), "cut at {length}");
    }
}

#[test]
fn another_context_is_refused() {
    let key = opened([3; 32], both());
    let given: [&[(&str, &str)]; 9] = [
        &[],
        &[("", "")],
        &[("k", "")],
        &[("", "v")],
        &[("k", "v")],
        &[("K", "v")],
        &[("k", "v ")],
        &[("kv", "")],
        &[("k", "v"), ("l", "w")],
    ];
    for sealed in given {
        let blob = key.encrypt_derived(&NAMES, &context(sealed), b"plaintext").unwrap();
        for opened in given {
            let result = key.decrypt_derived(&blob, &context(opened));
            assert_eq!(result.is_ok(), sealed == opened, "{sealed:?}, {opened:?}");
        }
    }
}

#[test]
fn another_key_is_refused() {
    let context = EncryptionContext::default();
    let blob = opened([3; 32], both()).encrypt_derived(&NAMES, &context, b"plaintext").unwrap();
    let result = opened([4; 32], both()).decrypt_derived(&blob, &context);
    assert_eq!(refused(result), Some(HsmError::InvalidCiphertext));
}

#[test]
fn the_same_message_never_looks_the_same() {
    let key = opened([3; 32], both());
    let encrypt = || key.encrypt_derived(&NAMES, &EncryptionContext::default(), b"plaintext").unwrap();
    let (one, other) = (encrypt(), encrypt());
    let random = one.len() - 9 - 16 - 32 - 12 - 16..;
    assert!(one[random.clone()].iter().zip(&other[random]).filter(|(a, b)| a == b).count() < 20);
}

#[test]
fn attributes_say_who_may_encrypt_and_who_may_decrypt() {
    let context = EncryptionContext::default();
    let blob = opened([3; 32], both()).encrypt_derived(&NAMES, &context, b"plaintext").unwrap();
    let cases = [
        (Usage::NONE, false, false),
        (Usage::ENCRYPT_DERIVED, true, false),
        (Usage::DECRYPT_DERIVED, false, true),
        (Usage::ENCRYPT_DERIVED | Usage::DECRYPT_DERIVED, true, true),
    ];
    for (usage, encrypts, decrypts) in cases {
        let key = opened([3; 32], attributes(usage));
        assert_eq!(key.attributes().usage, usage);
        let expected = |may: bool| if may { None } else { Some(HsmError::NotPermitted) };
        assert_eq!(refused(key.encrypt_derived(&NAMES, &context, b"plaintext")), expected(encrypts));
        assert_eq!(refused(key.decrypt_derived(&blob, &context)), expected(decrypts));
    }
}

#[test]
fn sizes_are_bounded() {
    let key = opened([3; 32], both());
    let none = EncryptionContext::default();
    let longest = key.encrypt_derived(&NAMES, &none, &[0; LONGEST_PLAINTEXT]).unwrap();
    assert!(longest.len() < 6_144, "what KMS takes as CiphertextBlob: {}", longest.len());
    assert_eq!(key.decrypt_derived(&longest, &none).unwrap().expose().len(), LONGEST_PLAINTEXT);
    let longer = key.encrypt_derived(&NAMES, &none, &[0; LONGEST_PLAINTEXT + 1]);
    assert_eq!(refused(longer), Some(HsmError::PlaintextTooLong));

    let id = "a".repeat(LONGEST_KEY_ID);
    let names = BlobHeader { key_id: &id, material_id: &MATERIAL_ID };
    let blob = key.encrypt_derived(&names, &none, &[0; LONGEST_PLAINTEXT]).unwrap();
    assert_eq!(blob.len(), LONGEST_BLOB);
    assert!(blob.len() < 6_144);
    for id in
        [String::new(), "a".repeat(LONGEST_KEY_ID + 1), "A".into(), "a b".into(), "a/b".into(), "é".into()]
    {
        let names = BlobHeader { key_id: &id, material_id: &MATERIAL_ID };
        assert_eq!(refused(key.encrypt_derived(&names, &none, b"")), Some(HsmError::InvalidKeyId), "{id:?}");
    }
}

#[test]
fn contexts_are_bounded_and_repeat_no_key() {
    let value = "v".repeat(LONGEST_CONTEXT - 3);
    assert!(EncryptionContext::new([("a", value.as_str()), ("bc", "")]).is_ok());
    let longer = EncryptionContext::new([("a", value.as_str()), ("bcd", "")]);
    assert_eq!(refused(longer), Some(HsmError::ContextTooLong));
    let twice = EncryptionContext::new([("a", "1"), ("b", "2"), ("a", "1")]);
    assert_eq!(refused(twice), Some(HsmError::ContextRepeatsKey));
}

#[test]
fn debug_shows_neither_keys_nor_contexts() {
    let key = opened([3; 32], both());
    assert_eq!(
        format!("{key:?} {:?}", context(&[("k", "v")])),
        "OpenedKey { attributes: Attributes { key_type: Aes256, usage: Usage(3) }, .. } \
         EncryptionContext(14 bytes)"
    );
}

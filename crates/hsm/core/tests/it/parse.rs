//! Whatever bytes come, nothing panics, and what is read is what was there.

use proptest::prelude::*;
use strongroom_hsm_core::{
    EncryptionContext, HsmError, KeyHandle, LONGEST_BLOB, TokenDigest, TokenRef, parse_header,
};

use crate::fixture::{both, opened, partition};

/// Bytes that get past the beginning of a ciphertext now and then.
fn blobs() -> impl Strategy<Value = Vec<u8>> {
    let start = prop::sample::select(vec![&b""[..], b"SRCT", b"SRCT\x01\x01", b"SRCT\x01\x01\x05a-b-c"]);
    (start, prop::collection::vec(any::<u8>(), 0..300)).prop_map(|(start, rest)| [start, &rest].concat())
}

proptest! {
    #[test]
    fn any_bytes_are_a_header_or_an_invalid_ciphertext(blob in blobs()) {
        match parse_header(&blob) {
            Ok(names) => {
                let id = names.key_id.as_bytes();
                prop_assert_eq!(&blob[7..7 + id.len()], id);
                prop_assert_eq!(&blob[7 + id.len()..][..32], names.material_id);
            }
            Err(error) => prop_assert_eq!(error, HsmError::InvalidCiphertext),
        }
        let opened = opened([1; 32], both()).decrypt_derived(&blob, &EncryptionContext::default());
        prop_assert_eq!(opened.map(|_| ()), Err(HsmError::InvalidCiphertext));
    }

    #[test]
    fn any_bytes_are_no_token(
        known in any::<bool>(),
        mut token in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        if let (true, Some(format)) = (known, token.first_mut()) {
            *format = 1;
        }
        let current = TokenRef { handle: KeyHandle::from_bytes([0; 16]), digest: TokenDigest::of(&token) };
        let error = partition(1).open(&current, &token).unwrap_err();
        prop_assert!(matches!(error, HsmError::InvalidToken | HsmError::UnsupportedToken(_)));
    }
}

#[test]
fn what_is_too_long_is_no_ciphertext() {
    let start = [b"SRCT\x01\x01\x40".as_slice(), &[b'a'; 64]].concat();
    let blob = |length| {
        let mut blob = start.clone();
        blob.resize(length, 0);
        blob
    };
    assert!(parse_header(&blob(LONGEST_BLOB)).is_ok());
    assert_eq!(parse_header(&blob(LONGEST_BLOB + 1)), Err(HsmError::InvalidCiphertext));
}

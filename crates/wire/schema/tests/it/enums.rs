//! Enums that AWS may extend.

use proptest::prelude::*;
use strongroom_schema::{Shape as _, open_enum};

use crate::script::{Given, read, shown};

open_enum! {
    /// Some of EncryptionAlgorithmSpec.
    Algorithm {
        SymmetricDefault = "SYMMETRIC_DEFAULT",
        RsaesOaepSha1 = "RSAES_OAEP_SHA_1",
    }
}

#[test]
fn known_values_are_variants() {
    for (text, value) in
        [("SYMMETRIC_DEFAULT", Algorithm::SymmetricDefault), ("RSAES_OAEP_SHA_1", Algorithm::RsaesOaepSha1)]
    {
        assert_eq!(Algorithm::from(text), value);
        assert_eq!(value.as_str(), text);
        assert_eq!(read::<Algorithm>(Given::text(text)).unwrap(), value);
        assert_eq!(shown(value.value()), Given::text(text));
    }
}

#[test]
fn other_values_are_kept_as_they_are() {
    for text in ["", "symmetric_default", "SYMMETRIC_DEFAULT ", "Unknown", "SM2PKE"] {
        let value = Algorithm::from(text);
        assert_eq!(value, Algorithm::Unknown(text.to_owned()));
        assert_eq!(value.as_str(), text);
    }
    // An unset required enum is none of the known ones.
    assert_eq!(Algorithm::default(), Algorithm::Unknown(String::new()));
    assert!(read::<Algorithm>(Given::Integer(1)).is_err());
}

proptest! {
    #[test]
    fn every_text_comes_back(text in "\\PC{0,20}|SYMMETRIC_DEFAULT|RSAES_OAEP_SHA_1") {
        let value = Algorithm::from(&*text);
        prop_assert_eq!(value.as_str(), &text);
        prop_assert_eq!(shown(read::<Algorithm>(Given::text(&text)).unwrap().value()), Given::text(&text));
    }
}

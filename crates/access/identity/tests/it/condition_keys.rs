//! What inputs say to policies.

use strongroom_identity::{ConditionKeys, KeyValue};

#[test]
fn names_count_in_either_case_and_hide_nothing() {
    let keys = ConditionKeys::new()
        .with("kms:EncryptionContext:Team", "blue")
        .with("aws:TagKeys", vec!["a".to_owned()])
        .with("KMS:encryptioncontext:TEAM", "red")
        .with("AWS:tagkeys", "b")
        .with("n", 1)
        .with("N", true)
        .with_some("absent", None::<&str>);
    let texts = |texts: &[&str]| KeyValue::Texts(texts.iter().map(|text| (*text).to_owned()).collect());
    assert_eq!(keys.get("kms:encryptioncontext:team"), Some(&texts(&["blue", "red"])));
    assert_eq!(keys.get("aws:tagkeys"), Some(&texts(&["a", "b"])));
    assert_eq!(keys.get("n"), Some(&KeyValue::Flag(true)));
    assert_eq!(keys.get("absent"), None);
    assert_eq!(keys.get("kms:EncryptionContext:Team"), None, "whoever looks uses lower case");
}

/// A request's body has room for so many, before anything has been refused.
#[test]
fn very_many_keys_take_no_time_to_speak_of() {
    let variant = |number: usize| -> String {
        (0..17).map(|bit| if number >> bit & 1 == 1 { 'A' } else { 'a' }).collect()
    };
    let count = 100_000;
    let other = (0..count).fold(ConditionKeys::new(), |keys, at| keys.with(&at.to_string(), "x"));
    assert!(other.get("99999").is_some());
    let same = (0..count).fold(ConditionKeys::new(), |keys, at| keys.with(&variant(at), "x"));
    assert!(matches!(same.get(&variant(0)), Some(KeyValue::Texts(texts)) if texts.len() == count));
}

#[test]
fn tags_say_their_values_and_their_keys_once() {
    let keys = ConditionKeys::new().with_tags([("team", "keys"), ("Cost", "7"), ("team", "other")]);
    let teams = KeyValue::Texts(vec!["keys".to_owned(), "other".to_owned()]);
    assert_eq!(keys.get("aws:requesttag/team"), Some(&teams));
    let named = KeyValue::Texts(vec!["Cost".to_owned(), "team".to_owned()]);
    assert_eq!(keys.get("aws:tagkeys"), Some(&named));
    assert_eq!(ConditionKeys::new().with_tags([]).names().count(), 0);
    assert_eq!(ConditionKeys::new().with_tag_keys([]).get("aws:tagkeys"), None);
}

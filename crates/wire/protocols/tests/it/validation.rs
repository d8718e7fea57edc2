//! Constraints, in AWS's words.

use strongroom_protocols::{Limits, Missing, json, validate};

use crate::dynamic::{Dyn, DynList, DynMap, DynStructure, map, text, texts};
use crate::sample;

fn complaint(input: &DynStructure) -> String {
    validate(input, &Missing::default()).expect_err("valid").to_string()
}

fn complaint_about(body: &str) -> String {
    let mut input = DynStructure::new(&sample::ENCRYPT);
    let missing = json::read(body.as_bytes(), &mut input, &Limits::default()).unwrap();
    validate(&input, &missing).expect_err(body).to_string()
}

#[test]
fn length_comes_before_pattern() {
    assert_eq!(
        complaint(&sample::input().with("KeyId", text(""))),
        "2 validation errors detected: Value '' at 'keyId' failed to satisfy constraint: Member must have \
         length greater than or equal to 1; Value '' at 'keyId' failed to satisfy constraint: Member must \
         satisfy regular expression pattern: ^\\p{ASCII}+$"
    );
    assert_eq!(
        complaint(&sample::input().with("KeyId", text("é"))),
        "1 validation error detected: Value 'é' at 'keyId' failed to satisfy constraint: Member must satisfy \
         regular expression pattern: ^\\p{ASCII}+$"
    );
}

#[test]
fn missing_members_are_null_and_blobs_and_secrets_are_not_named() {
    assert_eq!(
        complaint_about("{}"),
        "3 validation errors detected: Value null at 'keyId' failed to satisfy constraint: Member must not be \
         null; Value at 'plaintext' failed to satisfy constraint: Member must not be null; Value at 'secret' \
         failed to satisfy constraint: Member must not be null"
    );
    assert_eq!(
        complaint_about(r#"{"KeyId":"a","Plaintext":"","Secret":"short"}"#),
        "2 validation errors detected: Value at 'plaintext' failed to satisfy constraint: Member must have \
         length greater than or equal to 1; Value at 'secret' failed to satisfy constraint: Member must have \
         length greater than or equal to 7"
    );
    assert_eq!(
        complaint_about(
            r#"{"KeyId":"a","Plaintext":"aGk=","Secret":"long enough","Tags":[{"TagKey":"a"},{"TagValue":"b"},{"TagKey":""}]}"#
        ),
        "2 validation errors detected: Value null at 'tags.2.member.tagKey' failed to satisfy constraint: Member \
         must not be null; Value '' at 'tags.3.member.tagKey' failed to satisfy constraint: Member must have \
         length greater than or equal to 1"
    );
}

#[test]
fn numbers_have_ranges() {
    assert_eq!(
        complaint(&sample::input().with("Count", Dyn::Integer(0))),
        "1 validation error detected: Value '0' at 'count' failed to satisfy constraint: Member must have value \
         greater than or equal to 1"
    );
    assert_eq!(
        complaint(&sample::input().with("Count", Dyn::Integer(1025))),
        "1 validation error detected: Value '1025' at 'count' failed to satisfy constraint: Member must have \
         value less than or equal to 1024"
    );
    for whole in [1, 1024] {
        assert_eq!(
            validate(&sample::input().with("Count", Dyn::Integer(whole)), &Missing::default()),
            Ok(())
        );
    }
}

#[test]
fn enums_list_their_values() {
    assert_eq!(
        complaint(&sample::input().with("Spec", text("aes"))),
        "1 validation error detected: Value 'aes' at 'spec' failed to satisfy constraint: Member must satisfy \
         enum value set: [AES_256, AES_128]"
    );
}

#[test]
fn what_an_enum_lists_is_not_what_it_takes() {
    let listed = "Member must satisfy enum value set: [RSA_2048, AES_256]";
    for valid in ["AES_256", "AES_128"] {
        let input = sample::input().with("Quirk", text(valid)).with("Quirks", texts(&[valid]));
        assert_eq!(validate(&input, &Missing::default()), Ok(()), "{valid}");
    }
    assert_eq!(
        complaint(&sample::input().with("Quirk", text("RSA_2048"))),
        format!(
            "1 validation error detected: Value 'RSA_2048' at 'quirk' failed to satisfy constraint: {listed}"
        )
    );
    assert_eq!(
        complaint(&sample::input().with("Quirks", texts(&["AES_128", "aes"]))),
        format!(
            "1 validation error detected: Value '[AES_128, aes]' at 'quirks' failed to satisfy constraint: Member \
             must satisfy constraint: [{listed}]"
        )
    );
}

#[test]
fn items_are_reported_once_with_all_their_constraints() {
    assert_eq!(
        complaint(&sample::input().with("GrantTokens", texts(&["a", "", ""]))),
        "1 validation error detected: Value '[a, , ]' at 'grantTokens' failed to satisfy constraint: Member must \
         satisfy constraint: [Member must have length less than or equal to 8192, Member must have length \
         greater than or equal to 1]"
    );
    let eleven = texts(&["a"; 11]);
    assert_eq!(
        complaint(&sample::input().with("GrantTokens", eleven)),
        "1 validation error detected: Value '[a, a, a, a, a, a, a, a, a, a, a]' at 'grantTokens' failed to \
         satisfy constraint: Member must have length less than or equal to 10"
    );
    assert_eq!(
        complaint(&sample::input().with("Secrets", texts(&["hunter2", "short"]))),
        "1 validation error detected: Value '[***Sensitive Data Redacted***, ***Sensitive Data Redacted***]' at \
         'secrets' failed to satisfy constraint: Member must satisfy constraint: [Member must have length less \
         than or equal to 32, Member must have length greater than or equal to 7]"
    );
}

#[test]
fn entries_are_reported_by_keys_and_by_values() {
    let limits = "[Member must have length less than or equal to 8, Member must have length greater than or \
                  equal to 1]";
    assert_eq!(
        complaint(&sample::input().with("EncryptionContext", map(&[("", "v"), ("k", "")]))),
        format!(
            "2 validation errors detected: Value '{{=v, k=}}' at 'encryptionContext' failed to satisfy \
             constraint: Map keys must satisfy constraint: {limits}; Value '{{=v, k=}}' at 'encryptionContext' \
             failed to satisfy constraint: Map value must satisfy constraint: {limits}"
        )
    );
}

#[test]
fn paths_lead_through_lists_maps_and_structures() {
    let tag = sample::inner(&sample::INPUT, "TagMap").with("TagKey", text(""));
    let tagged = sample::input().with("TagMap", Dyn::Map(DynMap(vec![("k".into(), Dyn::Structure(tag))])));
    let nested = sample::input().with("Nested", Dyn::List(DynList(vec![Dyn::Structure(tagged)])));
    let outer = sample::input().with("Self", Dyn::Structure(nested));
    let complaint = complaint(&outer);
    assert!(
        complaint.contains("Value '' at 'self.nested.1.member.tagMap.k.member.tagKey' failed"),
        "{complaint}"
    );
}

#[test]
fn length_is_counted_in_utf16() {
    let context = |value: &str| sample::input().with("EncryptionContext", map(&[("k", value)]));
    assert_eq!(validate(&context("éééééééé"), &Missing::default()), Ok(()));
    assert_eq!(validate(&context("😀😀😀😀"), &Missing::default()), Ok(()));
    assert!(validate(&context("😀😀😀😀a"), &Missing::default()).is_err());
}

#[test]
fn messages_are_bounded() {
    let huge = "é".repeat(100_000);
    let message = complaint(&sample::input().with("KeyId", text(&huge)).with("Count", Dyn::Integer(0)));
    assert!(message.len() < 20_000 && message.starts_with("3 validation errors"), "{}", message.len());
    assert!(message.contains("é...' at 'keyId'"));

    let tag = sample::inner(&sample::INPUT, "Tags").with("TagKey", text(&"k".repeat(5_000)));
    let tags = Dyn::List(DynList(vec![Dyn::Structure(tag); 50]));
    assert!(complaint(&sample::input().with("Tags", tags)).len() < 20_000);

    let tag = sample::inner(&sample::INPUT, "Tags").with("TagKey", text(""));
    let tags = Dyn::List(DynList(vec![Dyn::Structure(tag); 50]));
    assert!(complaint(&sample::input().with("Tags", tags)).starts_with("10 validation errors detected: "));

    let body = format!(r#"{{"TagMap":{{"{}":{{}}}}}}"#, "k".repeat(1_000_000));
    let mut input = sample::input();
    let missing = json::read(body.as_bytes(), &mut input, &Limits::default()).unwrap();
    assert!(validate(&input, &missing).unwrap_err().to_string().len() < 20_000);
}

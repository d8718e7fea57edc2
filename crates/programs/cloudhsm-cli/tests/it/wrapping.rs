//! `key wrap` and `key unwrap`

use std::fs;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use crate::desk::{Desk, Session};

fn names(value: &serde_json::Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

fn check_value(session: &mut Session, label: &str) -> serde_json::Value {
    session.data(&format!("key list -v --filter attr.label={label}"))["matched_keys"][0]["attributes"]["check-value"]
        .take()
}

#[test]
fn what_is_wrapped_is_unwrapped_by_every_mechanism() {
    let desk = Desk::activated(2);
    let mut session = desk.session("crypto-user/cu1");
    session.data(
        "key generate-symmetric aes --label wrapper --key-length-bytes 32 --attributes wrap=true unwrap=true",
    );
    session.data(
        "key generate-asymmetric-pair rsa --modulus-size-bits 2048 --public-exponent 65537 --public-label rsa \
         --private-label rsa-private --public-attributes wrap=true --private-attributes unwrap=true",
    );
    session.data("key generate-symmetric aes --label payload --key-length-bytes 32");
    let original = check_value(&mut session, "payload");

    let snake = ["payload_key_reference", "wrapping_key_reference", "wrapped_key_data"];
    let kebab = ["payload-key-reference", "wrapping-key-reference", "wrapped-key-data"];
    let with_iv = ["payload_key_reference", "wrapping_key_reference", "iv", "wrapped_key_data"];
    for (number, (wrapping, unwrapping, mechanism, members)) in [
        ("wrapper", "wrapper", "aes-gcm --tag-length-bits 128 --aad 0x0a0b", with_iv.as_slice()),
        ("wrapper", "wrapper", "cloudhsm-aes-gcm --tag-length-bits 128", &snake),
        ("wrapper", "wrapper", "aes-no-pad", &snake),
        ("wrapper", "wrapper", "aes-pkcs5-pad", &snake),
        ("wrapper", "wrapper", "aes-zero-pad", &snake),
        ("rsa", "rsa-private", "rsa-aes --hash-function sha256 --mgf mgf1-sha256", &kebab),
        ("rsa", "rsa-private", "rsa-oaep --hash-function sha256 --mgf mgf1-sha256", &kebab),
        ("rsa", "rsa-private", "rsa-pkcs", &snake),
    ]
    .into_iter()
    .enumerate()
    {
        let path = desk.file("wrapped");
        let wrapped = session.data(&format!(
            "key wrap {mechanism} --payload-filter attr.label=payload --wrapping-filter attr.label={wrapping} --path \
             {path}"
        ));
        assert_eq!(names(&wrapped), members, "{mechanism}");
        let data = wrapped[members.last().unwrap()].as_str().unwrap();
        assert_eq!(BASE64.decode(data).unwrap(), fs::read(&path).unwrap(), "{mechanism}");
        let iv = wrapped.get("iv").map(|iv| format!("--iv {}", iv.as_str().unwrap())).unwrap_or_default();
        let unwrapped = session.data(&format!(
            "key unwrap {mechanism} {iv} --filter attr.label={unwrapping} --data {data} --key-type-class aes --label \
             out{number}"
        ));
        let attributes = &unwrapped["key"]["attributes"];
        assert_eq!((&attributes["local"], &attributes["always-sensitive"]), (&false.into(), &false.into()));
        assert_eq!(check_value(&mut session, &format!("out{number}")), original, "{mechanism}");
    }
    let spoiled = session.refusal(&format!(
        "key unwrap aes-zero-pad --filter attr.label=wrapper --data {} --key-type-class aes --label x",
        BASE64.encode([0; 40])
    ));
    assert!(!spoiled.is_empty());
}

#[test]
fn private_keys_are_wrapped_from_session_keys_too() {
    let desk = Desk::activated(3);
    let mut session = desk.session("crypto-user/cu1");
    session.data(
        "key generate-symmetric aes --label wrapper --key-length-bytes 32 --session --attributes wrap=true unwrap=true",
    );
    session.data(
        "key generate-asymmetric-pair ec --curve secp384r1 --public-label ec --private-label ec-private --session",
    );
    let path = desk.file("wrapped");
    session.data(&format!(
        "key wrap aes-zero-pad --payload-filter attr.label=ec-private --wrapping-filter attr.label=wrapper --path {path}"
    ));
    let unwrapped = session.data(&format!(
        "key unwrap aes-zero-pad --filter attr.label=wrapper --data-path {path} --key-type-class ec-private --label again \
         --attributes sign=true"
    ));
    assert_eq!(unwrapped["key"]["attributes"]["class"], "private-key");
    assert_eq!(unwrapped["key"]["key-info"]["cluster-coverage"], "full");
}

//! `key list`

use serde_json::json;

use crate::desk::Desk;

#[test]
fn keys_are_listed_in_pages() {
    let desk = Desk::activated(2);
    let mut session = desk.session("crypto-user/cu1");
    for number in 0..13 {
        session.data(&format!("key generate-symmetric aes --label k{number} --key-length-bytes 16"));
    }
    let first = session.data("key list");
    assert_eq!(first["total_key_count"], 13);
    assert_eq!(first["returned_key_count"], 10);
    assert_eq!(first["next_token"], "10");
    let key = &first["matched_keys"][0];
    assert_eq!(key.as_object().unwrap().keys().collect::<Vec<_>>(), ["key-reference", "attributes"]);
    assert_eq!(key["attributes"].as_object().unwrap().keys().collect::<Vec<_>>(), ["label"]);
    let second = session.data("key list --starting-token 10");
    assert_eq!(second["returned_key_count"], 3);
    assert_eq!(second.get("next_token"), None);
    let all = session.data("key list --max-items 100");
    let pages = [&first, &second].map(|page| page["matched_keys"].as_array().unwrap().clone());
    assert_eq!(*all["matched_keys"].as_array().unwrap(), pages.concat());
    let beyond = session.data("key list --starting-token 99");
    assert_eq!(beyond, json!({ "matched_keys": [], "total_key_count": 13, "returned_key_count": 0 }));
    assert!(session.refusal("key list --starting-token x").contains("next_token"));
}

#[test]
fn filters_are_conditions_that_all_hold() {
    let desk = Desk::activated(2);
    let mut session = desk.session("crypto-user/cu1");
    session.data(
        "key generate-symmetric aes --label one --key-length-bytes 16 --attributes encrypt=true id=0x0a0b",
    );
    session.data("key generate-symmetric aes --label one --key-length-bytes 32");
    session.data("key generate-symmetric generic-secret --label two --key-length-bytes 32");
    for (filter, count) in [
        ("attr.label=one", 2),
        ("attr.label=one attr.encrypt=true", 1),
        ("attr.key-type=aes", 2),
        ("attr.key-type=generic-secret attr.label=one", 0),
        ("attr.id=0x0a0b", 1),
        ("attr.class=secret-key", 3),
        ("attr.key-length-bytes=32", 2),
        ("key-reference=0x1234", 0),
    ] {
        let listed = session.data(&format!("key list --filter {filter}"));
        assert_eq!(listed["total_key_count"], count, "{filter}");
    }
    let verbose = session.data("key list --verbose --filter attr.id=0x0a0b");
    assert_eq!(verbose["matched_keys"][0]["attributes"]["id"], "0x0a0b");
    let mut other = desk.session("crypto-user/cu2");
    assert_eq!(other.data("key list")["total_key_count"], 0);
    let mut admin = desk.session("admin/admin");
    let listed = admin.data("key list --verbose");
    assert_eq!(listed["total_key_count"], 3);
    assert_eq!(
        listed["matched_keys"][0].get("key-info"),
        None,
        "administrators see no more than that it exists"
    );
}

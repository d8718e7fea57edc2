//! The forms of names, which records and answers show.

use std::collections::HashSet;

use strongroom_identity::{AccountId, InvalidAccountId, Principal, Region, RequestId};

#[test]
fn a_root_user_is_named_after_its_account() {
    let root = Principal::Root("000000000042".parse().unwrap());
    assert_eq!(root.account().to_string(), "000000000042");
    assert_eq!(root.arn(), "arn:aws:iam::000000000042:root");
    assert_eq!(root.unique_id(), "000000000042");
}

#[test]
fn account_ids_read_back_as_they_were_written() {
    for text in ["000000000000", "000000000001", "111122223333", "999999999999"] {
        let account: AccountId = text.parse().unwrap();
        assert_eq!(account.to_string(), text);
        assert_eq!(format!("{account:?}"), text);
    }
    for text in
        ["", "11112222333", "1111222233334", "1111-2222-333", " 11112222333", "11112222333\0", "-11112222333"]
    {
        assert_eq!(text.parse::<AccountId>(), Err(InvalidAccountId), "{text}");
    }
    // What an operator reads who mistyped one.
    assert_eq!(InvalidAccountId.to_string(), "an account id has exactly 12 digits, for example 000000000000");
}

#[test]
fn a_request_id_is_a_random_uuid() {
    for (bytes, text) in [
        ([0x00; 16], "00000000-0000-4000-8000-000000000000"),
        ([0xff; 16], "ffffffff-ffff-4fff-bfff-ffffffffffff"),
        ([0x5a; 16], "5a5a5a5a-5a5a-4a5a-9a5a-5a5a5a5a5a5a"),
    ] {
        let id = RequestId::from_random(bytes);
        assert_eq!(id.to_string(), text);
        assert_eq!(format!("{id:?}"), text);
        // The bytes are those that the text shows.
        let digits = text.replace('-', "");
        let shown = u128::from_be_bytes(*id.as_bytes());
        assert_eq!(format!("{shown:032x}"), digits);
    }
}

#[test]
fn s3s_form_of_a_request_id_is_sixteen_letters_of_the_same() {
    // RFC 4648 of the first ten bytes: its test vectors are shorter, and Python's base64.b32encode says this.
    for (bytes, text) in [
        ([0x00; 16], "AAAAAAAAABAABAAA"),
        ([0xff; 16], "7777777775H77P77"),
        (*b"0123456789abcdef", "GAYTEMZUGVDDPOBZ"),
    ] {
        let id = RequestId::from_random(bytes);
        assert_eq!(id.short().to_string(), text);
        assert_eq!(id.short().as_bytes(), id.as_bytes());
    }
}

#[test]
fn regions_are_those_of_the_partition() {
    let names: Vec<_> = Region::all().map(Region::name).collect();
    // From the AWS General Reference's list: old and new ones.
    for name in ["us-east-1", "us-west-2", "eu-central-1", "ap-southeast-7", "mx-central-1"] {
        assert!(names.contains(&name), "{name}");
        assert_eq!(Region::named(name).unwrap().to_string(), name);
    }
    // Other partitions' are none of ours.
    assert!(
        names
            .iter()
            .all(|name| !name.starts_with("cn-") && !name.contains("-gov-") && !name.contains("-iso"))
    );
}

#[test]
fn zones_are_told_apart_by_one_letter() {
    let mut seen = HashSet::new();
    for region in Region::all() {
        let zones: Vec<_> = region.zones().collect();
        assert!((2..=6).contains(&zones.len()), "{region}");
        for zone in zones {
            assert_eq!(zone.len(), region.name().len() + 1);
            assert!(zone.starts_with(region.name()));
            assert!(seen.insert(zone), "{region}");
        }
    }
}

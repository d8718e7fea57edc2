//! Reading CBOR beyond what the protocol test cases have, and writing it.

use ciborium::{Value, cbor};
use strongroom_protocols::{Limits, cbor};
use strongroom_schema::Timestamp;

use crate::cbor_tree::{self, Item};
use crate::dynamic::{Dyn, DynList, DynStructure, map, text, texts};
use crate::sample;

fn bytes(value: &Value) -> Vec<u8> {
    let mut bytes = Vec::new();
    ciborium::into_writer(value, &mut bytes).unwrap();
    bytes
}

fn read_with(body: &[u8], limits: &Limits) -> Result<DynStructure, String> {
    let mut input = sample::input();
    cbor::read(body, &mut input, limits).map(|_| input).map_err(|error| error.to_string())
}

fn read(body: &[u8]) -> Result<DynStructure, String> {
    read_with(body, &Limits::default())
}

/// A map of one entry whose key is `name` and whose value's bytes are those.
fn member(name: &str, value: &[u8]) -> Vec<u8> {
    let mut body = vec![0xA1, 0x60 | name.len() as u8];
    assert!(name.len() < 24);
    body.extend_from_slice(name.as_bytes());
    body.extend_from_slice(value);
    body
}

#[test]
fn reads_every_kind() {
    let message = cbor!({
        "Flag" => true, "Count" => 12, "AnyCount" => -3, "Long" => i64::MIN, "Float" => 1.5, "Double" => -125.0,
        "Text" => "é", "Secret" => "s", "GrantTokens" => ["a", "b"], "EncryptionContext" => {"k" => "v"},
        "Tags" => [{"TagKey" => "x", "Unknown" => [1, {"a" => null}]}], "Choice" => {"Number" => 7},
        "Self" => {"Flag" => false}, "TagMap" => {"a" => {"TagKey" => "b"}},
    });
    let mut message = message.unwrap();
    let Value::Map(entries) = &mut message else { panic!("a map") };
    entries.push((Value::from("Blob"), Value::from(&b"hi"[..])));
    let seconds = Value::from(1_398_796_238);
    entries.push((Value::from("Moment"), Value::Tag(1, Box::new(seconds))));
    let seconds = Value::from(1_398_796_238.5);
    entries.push((Value::from("MemberHttp"), Value::Tag(1, Box::new(seconds))));

    let tag = sample::inner(&sample::INPUT, "Tags").with("TagKey", text("x"));
    let other = sample::inner(&sample::INPUT, "TagMap").with("TagKey", text("b"));
    let choice = sample::inner(&sample::INPUT, "Choice").with("Number", Dyn::Integer(7));
    let tag_map = crate::dynamic::DynMap(vec![("a".to_owned(), Dyn::Structure(other))]);
    let expected = sample::input()
        .with("Flag", Dyn::Boolean(true))
        .with("Count", Dyn::Integer(12))
        .with("AnyCount", Dyn::Integer(-3))
        .with("Long", Dyn::Integer(i64::MIN))
        .with("Float", Dyn::Float(1.5))
        .with("Double", Dyn::Double(-125.0))
        .with("Text", text("é"))
        .with("Secret", text("s"))
        .with("GrantTokens", texts(&["a", "b"]))
        .with("EncryptionContext", map(&[("k", "v")]))
        .with("Tags", Dyn::List(DynList(vec![Dyn::Structure(tag)])))
        .with("TagMap", Dyn::Map(tag_map))
        .with("Choice", Dyn::Structure(choice))
        .with("Self", Dyn::Structure(sample::input().with("Flag", Dyn::Boolean(false))))
        .with("Blob", Dyn::Blob(b"hi".to_vec()))
        .with("Moment", Dyn::Timestamp(Timestamp::from_millis(1_398_796_238_000)))
        .with("MemberHttp", Dyn::Timestamp(Timestamp::from_millis(1_398_796_238_500)));
    assert_eq!(read(&bytes(&message)).unwrap(), expected);
}

#[test]
fn one_value_has_many_spellings() {
    let expect = |name: &str, spellings: &[&[u8]], value: &Dyn| {
        for spelling in spellings {
            let expected = sample::input().with(name, value.clone());
            assert_eq!(read(&member(name, spelling)).as_ref(), Ok(&expected), "{name} {spelling:02x?}");
        }
    };
    let twelve: [&[u8]; 5] =
        [&[12], &[0x18, 12], &[0x19, 0, 12], &[0x1A, 0, 0, 0, 12], &[0x1B, 0, 0, 0, 0, 0, 0, 0, 12]];
    expect("Count", &twelve, &Dyn::Integer(12));
    expect("AnyCount", &[&[0x20], &[0x38, 0]], &Dyn::Integer(-1));
    let one: [&[u8]; 4] = [
        &[0xF9, 0x3C, 0],
        &[0xFA, 0x3F, 0x80, 0, 0],
        &[0xFB, 0x3F, 0xF0, 0, 0, 0, 0, 0, 0],
        // Those that have one kind of number write whole ones like this.
        &[1],
    ];
    expect("Double", &one, &Dyn::Double(1.0));
    expect("Double", &[&[0xF9, 0x7B, 0xFF]], &Dyn::Double(65504.0));
    expect("Double", &[&[0xF9, 0x04, 0x00]], &Dyn::Double(0.000_061_035_156_25));
    expect("Double", &[&[0xF9, 0x80, 0x01]], &Dyn::Double(-5.960_464_477_539_063e-8));
    let abc: [&[u8]; 4] = [b"\x63abc", b"\x78\x03abc", b"\x7F\x61a\x62bc\xFF", b"\x7F\x60\x63abc\xFF"];
    expect("Text", &abc, &text("abc"));
    expect("Blob", &[b"\x43abc", b"\x5F\x41a\x42bc\xFF"], &Dyn::Blob(b"abc".to_vec()));
    expect("GrantTokens", &[b"\x81\x61a", b"\x9F\x61a\xFF", b"\x9B\0\0\0\0\0\0\0\x01\x61a"], &texts(&["a"]));
    expect("EncryptionContext", &[b"\xA1\x61k\x61v", b"\xBF\x61k\x61v\xFF"], &map(&[("k", "v")]));
    let half = Dyn::Timestamp(Timestamp::from_millis(1500));
    expect("Moment", &[&[0xC1, 0xF9, 0x3E, 0], &[0xD8, 1, 0xF9, 0x3E, 0]], &half);
}

#[test]
fn null_and_undefined_members_are_absent_and_unknown_ones_are_passed_over() {
    for value in [&[0xF6][..], &[0xF7]] {
        assert_eq!(read(&member("Text", value)), Ok(sample::input()));
    }
    for value in [
        &[0xF6][..],
        &[0xE0],
        &[0xF8, 0x20],
        &[0xC2, 0x41, 0x01],
        &[0xD9, 0xD9, 0xF7, 0xA0],
        &[0xA1, 0x82, 0x01, 0x02, 0x03],
        &[0x9F, 0xBF, 0x01, 0x7F, 0x61, b'a', 0xFF, 0xFF, 0xFF],
        &[0xFB, 0x7F, 0xF8, 0, 0, 0, 0, 0, 1],
        &[0x3B, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF],
    ] {
        assert_eq!(read(&member("Unknown", value)), Ok(sample::input()), "{value:02x?}");
    }
    assert_eq!(read(b""), Ok(sample::input()));
    assert_eq!(read(&[0xA0]), Ok(sample::input()));
    assert_eq!(read(&[0xBF, 0xFF]), Ok(sample::input()));
}

#[test]
fn what_is_no_cbor_is_refused_wherever_it_stands() {
    let end = "Unexpected end of the message";
    let item = "Unexpected data item in the message";
    for (value, expected) in [
        (&[][..], end),
        (&[0x18], end),
        (&[0x1B, 0, 0, 0], end),
        (&[0x62, b'a'], end),
        (&[0x7B, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF], end),
        (&[0x5B, 0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 1], end),
        (&[0x9B, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF], end),
        (&[0xBB, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF], end),
        (&[0x7F, 0x61, b'a'], end),
        (&[0x9F, 0x01], end),
        (&[0xC1], end),
        (&[0xF9, 0], end),
        (&[0xFF], item),
        (&[0x1C], item),
        (&[0x1F], item),
        (&[0x3F], item),
        (&[0xDF, 0], item),
        (&[0xFC], item),
        (&[0xF8, 0x14], item),
        (&[0x7F, 0x41, b'a', 0xFF], item),
        (&[0x7F, 0x7F, 0xFF, 0xFF], item),
        (&[0x5F, 0x61, b'a', 0xFF], item),
        (&[0xBF, 0x01, 0xFF], item),
        (&[0x61, 0xFF], "The message is not valid UTF-8"),
        (&[0x7F, 0x61, 0xC3, 0x61, 0xA9, 0xFF], "The message is not valid UTF-8"),
        (&[0x01, 0x01], "Unexpected characters after the message"),
    ] {
        assert_eq!(read(&member("Unknown", value)), Err(expected.to_owned()), "{value:02x?}");
    }
    assert_eq!(read(&[0xA1, 0x61]), Err(end.to_owned()));
    assert_eq!(read(&[0xA1, 0xF6, 0x01]), Err("NULL_VALUE can not be converted to a String".to_owned()));
    assert_eq!(read(&[0xA1, 0x01, 0x01]), Err("NUMBER_VALUE can not be converted to a String".to_owned()));
    assert_eq!(read(&[0xA0, 0x00]), Err("Unexpected characters after the message".to_owned()));
}

#[test]
fn values_of_the_wrong_kind_are_refused() {
    for (name, value, expected) in [
        ("Count", &[0x61, b'1'][..], "STRING_VALUE can not be converted to an Integer"),
        ("Count", &[0xF9, 0x3C, 0], "NUMBER_VALUE can not be converted to an Integer"),
        ("Count", &[0x1A, 0x80, 0, 0, 0], "NUMBER_VALUE can not be converted to an Integer"),
        ("Long", &[0x1B, 0x80, 0, 0, 0, 0, 0, 0, 0], "NUMBER_VALUE can not be converted to a Long"),
        ("Long", &[0x3B, 0x80, 0, 0, 0, 0, 0, 0, 0], "NUMBER_VALUE can not be converted to a Long"),
        ("Flag", &[0x01], "NUMBER_VALUE can not be converted to a Boolean"),
        ("Double", &[0xF5], "TRUE_VALUE can not be converted to a Double"),
        ("Text", &[0x41, b'a'], "BYTES_VALUE can not be converted to a String"),
        ("Text", &[0xC0, 0x61, b'a'], "TAGGED_VALUE can not be converted to a String"),
        ("Blob", &[0x61, b'a'], "STRING_VALUE can not be converted to a Blob"),
        ("Moment", &[0x01], "NUMBER_VALUE can not be converted to milliseconds since epoch"),
        ("Moment", &[0xC1, 0x61, b'1'], "STRING_VALUE can not be converted to milliseconds since epoch"),
        ("Moment", &[0xC1, 0xF9, 0x7E, 0], "NUMBER_VALUE can not be converted to milliseconds since epoch"),
        ("Moment", &[0xC0, 0x01], "TAGGED_VALUE can not be converted to milliseconds since epoch"),
        ("GrantTokens", &[0xA0], "Start of structure or map found where not expected."),
        ("GrantTokens", &[0x61, b'a'], "Expected list or null"),
        ("GrantTokens", &[0x81, 0xF6], "NULL_VALUE can not be converted to a String"),
        ("EncryptionContext", &[0x80], "Start of list found where not expected"),
        ("EncryptionContext", &[0xA1, 0x61, b'k', 0xF6], "NULL_VALUE can not be converted to a String"),
        ("EncryptionContext", &[0x01], "Expected map or null"),
        ("Self", &[0x01], "Expected null"),
        ("Choice", &[0xA0], "A union must have exactly one member"),
    ] {
        assert_eq!(read(&member(name, value)), Err(expected.to_owned()), "{name} {value:02x?}");
    }
    assert_eq!(read(&[0x80]), Err("Start of list found where not expected".to_owned()));
    assert_eq!(read(&[0x01]), Err("Expected null".to_owned()));
}

#[test]
fn what_comes_twice_is_refused() {
    let twice = b"\xA2\x64Text\x61a\x64Text\x61b";
    assert_eq!(read(twice), Err("The message names a member twice".to_owned()));
    let keys = member("EncryptionContext", b"\xA2\x61k\x61a\x61k\x61b");
    assert_eq!(read(&keys), Err("A map names a key twice".to_owned()));
}

#[test]
fn depth_and_number_are_bounded() {
    let deep = |levels: usize| {
        let mut body = Vec::new();
        for _ in 0..levels {
            body.extend_from_slice(b"\xA1\x64Self");
        }
        body.push(0xA0);
        body
    };
    let limits = Limits { depth: 4, items: 4 };
    assert!(read_with(&deep(3), &limits).is_ok());
    assert_eq!(read_with(&deep(4), &limits), Err("The message is nested too deeply".to_owned()));
    for nested in [vec![0x9F; 1_000_000], vec![0x81; 1_000_000], [0xBF, 0x01].repeat(500_000)] {
        let error = read(&member("Unknown", &nested)).unwrap_err();
        assert_eq!(error, "The message is nested too deeply");
    }
    // A tag is no level.
    assert!(read(&member("Unknown", &[vec![0xC1; 1_000_000], vec![0]].concat())).is_ok());
    let list =
        |count: u8| member("GrantTokens", &[vec![0x80 | count], b"\x61a".repeat(count.into())].concat());
    assert!(read_with(&list(4), &limits).is_ok());
    assert_eq!(read_with(&list(5), &limits), Err("The message has too many items".to_owned()));
}

#[test]
fn required_members_that_are_absent_are_missing() {
    let body =
        cbor!({ "KeyId" => "a", "Secret" => null, "Tags" => [{"TagKey" => "x"}, {"TagValue" => "y"}] });
    let mut input = DynStructure::new(&sample::ENCRYPT);
    let missing = cbor::read(&bytes(&body.unwrap()), &mut input, &Limits::default()).unwrap();
    assert_eq!(missing.iter().collect::<Vec<_>>(), ["tags.2.member.tagKey", "plaintext", "secret"]);
    let missing = cbor::read(b"", &mut DynStructure::new(&sample::ENCRYPT), &Limits::default()).unwrap();
    assert_eq!(missing.iter().collect::<Vec<_>>(), ["keyId", "plaintext", "secret"]);
}

#[test]
fn lengths_and_numbers_are_written_in_as_few_bytes_as_they_take() {
    for (number, expected) in [
        (0, &[0x00][..]),
        (23, &[0x17]),
        (24, &[0x18, 24]),
        (255, &[0x18, 255]),
        (256, &[0x19, 1, 0]),
        (65_535, &[0x19, 255, 255]),
        (65_536, &[0x1A, 0, 1, 0, 0]),
        (4_294_967_295, &[0x1A, 255, 255, 255, 255]),
        (4_294_967_296, &[0x1B, 0, 0, 0, 1, 0, 0, 0, 0]),
        (i64::MAX, &[0x1B, 0x7F, 255, 255, 255, 255, 255, 255, 255]),
        (-1, &[0x20]),
        (-24, &[0x37]),
        (-25, &[0x38, 24]),
        (i64::MIN, &[0x3B, 0x7F, 255, 255, 255, 255, 255, 255, 255]),
    ] {
        let written = cbor::write(&sample::input().with("Long", Dyn::Integer(number)));
        assert_eq!(*written.expose(), member("Long", expected), "{number}");
    }
    for length in [0, 23, 24, 255, 256, 65_535, 65_536] {
        let written = cbor::write(&sample::input().with("Text", text(&"x".repeat(length))));
        let expected = Item::Map(vec![("Text".to_owned(), Item::Text("x".repeat(length)))]);
        assert_eq!(cbor_tree::parse(written.expose()), expected, "{length}");
    }
}

#[test]
fn moments_are_tagged_seconds_whatever_format_the_model_gives_them() {
    let moment = Dyn::Timestamp(Timestamp::from_millis(946_845_296_123));
    for name in ["Moment", "ShapeIso", "MemberHttp"] {
        let written = cbor::write(&sample::input().with(name, moment.clone()));
        let seconds = Item::Tagged(1, Box::new(Item::Floating(946_845_296.123)));
        assert_eq!(cbor_tree::parse(written.expose()), Item::Map(vec![(name.to_owned(), seconds)]));
    }
}

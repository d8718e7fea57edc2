//! Reading and writing JSON.

use strongroom_protocols::{Limits, json};
use strongroom_schema::Timestamp;

use crate::dynamic::{Dyn, DynList, DynMap, DynStructure, map, text, texts};
use crate::sample;

fn read(body: &str) -> Result<DynStructure, String> {
    let mut input = sample::input();
    let read = json::read(body.as_bytes(), &mut input, &Limits::default());
    read.map(|_| input).map_err(|error| error.to_string())
}

fn refusal(body: &str) -> String {
    read(body).expect_err(body)
}

#[test]
fn reads_every_kind() {
    let body = r#" { "KeyId" : "alias/a" , "Flag":true,"Count":12,"AnyCount":-2147483648,
        "Long":9223372036854775807,"Float":1.5,"Double":-1.25e2,"Text":"a\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00z",
        "Plaintext":"aGk=","Moment":1398796238.5,"ShapeIso":"2014-04-29T18:30:38Z",
        "MemberIso":"2014-04-29T19:30:38.25+01:00","MemberHttp":"Tue, 29 Apr 2014 18:30:38 GMT",
        "GrantTokens":["a","b"],"EncryptionContext":{"k":"v","":"w"},
        "Tags":[{"TagKey":"a","TagValue":"b"},{"TagKey":"c"}],"TagMap":{"x":{"TagKey":"y"}},
        "Choice":{"Number":7},"Self":{"Flag":false},"Nested":[{}]} "#;
    let moment = |millis| Dyn::Timestamp(Timestamp::from_millis(millis));
    let tag = |key| sample::inner(&sample::INPUT, "Tags").with("TagKey", text(key));
    let expected = sample::input()
        .with("KeyId", text("alias/a"))
        .with("Flag", Dyn::Boolean(true))
        .with("Count", Dyn::Integer(12))
        .with("AnyCount", Dyn::Integer(-2_147_483_648))
        .with("Long", Dyn::Integer(i64::MAX))
        .with("Float", Dyn::Float(1.5))
        .with("Double", Dyn::Double(-125.0))
        .with("Text", text("a\"\\/\u{8}\u{c}\n\r\té😀z"))
        .with("Plaintext", Dyn::Blob(b"hi".to_vec()))
        .with("Moment", moment(1_398_796_238_500))
        .with("ShapeIso", moment(1_398_796_238_000))
        .with("MemberIso", moment(1_398_796_238_250))
        .with("MemberHttp", moment(1_398_796_238_000))
        .with("GrantTokens", texts(&["a", "b"]))
        .with("EncryptionContext", map(&[("k", "v"), ("", "w")]))
        .with(
            "Tags",
            Dyn::List(DynList(vec![
                Dyn::Structure(tag("a").with("TagValue", text("b"))),
                Dyn::Structure(tag("c")),
            ])),
        )
        .with("TagMap", Dyn::Map(DynMap(vec![("x".to_owned(), Dyn::Structure(tag("y")))])))
        .with(
            "Choice",
            Dyn::Structure(sample::inner(&sample::INPUT, "Choice").with("Number", Dyn::Integer(7))),
        )
        .with("Self", Dyn::Structure(sample::input().with("Flag", Dyn::Boolean(false))))
        .with("Nested", Dyn::List(DynList(vec![Dyn::Structure(sample::input())])));
    assert_eq!(read(body).unwrap(), expected);
}

#[test]
fn nothing_is_an_empty_object() {
    for body in ["", " \r\n\t", "{}", " { } "] {
        assert_eq!(read(body).unwrap(), sample::input(), "{body:?}");
    }
}

#[test]
fn nulls_and_unknown_members_do_not_count() {
    let body = r#"{"__type":"x#y","KeyId":null,"unknown":[{"a":[1,-0.5e-7,true,false,null,"\u0000"]},{}],"Flag":true}"#;
    assert_eq!(read(body).unwrap(), sample::input().with("Flag", Dyn::Boolean(true)));
}

#[test]
fn wrong_kinds_are_refused_in_aws_words() {
    for (body, expected) in [
        (r#"{"Text":1}"#, "NUMBER_VALUE can not be converted to a String"),
        (r#"{"Text":true}"#, "TRUE_VALUE can not be converted to a String"),
        (r#"{"Text":[]}"#, "Start of list found where not expected"),
        (r#"{"Text":{}}"#, "Start of structure or map found where not expected."),
        (r#"{"Count":"1"}"#, "STRING_VALUE can not be converted to an Integer"),
        (r#"{"Count":false}"#, "FALSE_VALUE can not be converted to an Integer"),
        (r#"{"Count":2147483648}"#, "NUMBER_VALUE can not be converted to an Integer"),
        (r#"{"Count":1.5}"#, "NUMBER_VALUE can not be converted to an Integer"),
        (r#"{"Long":"1"}"#, "STRING_VALUE can not be converted to a Long"),
        (r#"{"Long":9223372036854775808}"#, "NUMBER_VALUE can not be converted to a Long"),
        (r#"{"Long":1e30}"#, "NUMBER_VALUE can not be converted to a Long"),
        (r#"{"Flag":"true"}"#, "STRING_VALUE can not be converted to a Boolean"),
        (r#"{"Double":"1"}"#, "STRING_VALUE can not be converted to a Double"),
        (r#"{"Double":1e999}"#, "NUMBER_VALUE can not be converted to a Double"),
        (
            r#"{"Moment":"2014-04-29T18:30:38Z"}"#,
            "STRING_VALUE can not be converted to milliseconds since epoch",
        ),
        (r#"{"Moment":1e300}"#, "NUMBER_VALUE can not be converted to milliseconds since epoch"),
        (r#"{"ShapeIso":1398796238}"#, "NUMBER_VALUE can not be converted to milliseconds since epoch"),
        (r#"{"ShapeIso":"yesterday"}"#, "STRING_VALUE can not be converted to milliseconds since epoch"),
        (r#"{"GrantTokens":"a"}"#, "Expected list or null"),
        (r#"{"GrantTokens":{}}"#, "Start of structure or map found where not expected."),
        (r#"{"GrantTokens":[null]}"#, "NULL_VALUE can not be converted to a String"),
        (r#"{"EncryptionContext":1}"#, "Expected map or null"),
        (r#"{"EncryptionContext":[]}"#, "Start of list found where not expected"),
        (r#"{"Self":"x"}"#, "Expected null"),
        (r#"{"Nested":[null]}"#, "NULL_VALUE can not be converted to a Structure"),
        (r#"["KeyId"]"#, "Start of list found where not expected"),
        ("null", "NULL_VALUE can not be converted to a Structure"),
    ] {
        assert_eq!(refusal(body), expected, "{body}");
    }
}

#[test]
fn base64_is_strict() {
    for (blob, expected) in [
        (
            "aGk",
            "STRING_VALUE can not be converted to a Blob: Base64 encoded length is expected a multiple of 4 bytes",
        ),
        ("aG!=", "STRING_VALUE can not be converted to a Blob: Invalid Base64"),
        ("aGl=", "STRING_VALUE can not be converted to a Blob: Invalid Base64"),
        ("a=k=", "STRING_VALUE can not be converted to a Blob: Invalid Base64"),
        ("aG-_", "STRING_VALUE can not be converted to a Blob: Invalid Base64"),
        ("aGk=aGk=", "STRING_VALUE can not be converted to a Blob: Invalid Base64"),
    ] {
        assert_eq!(refusal(&format!(r#"{{"Blob":"{blob}"}}"#)), expected, "{blob}");
    }
    let escaped = read(r#"{"Blob":"\/\/\/\u002f","Plaintext":""}"#).unwrap();
    let expected = sample::input().with("Blob", Dyn::Blob(vec![255; 3])).with("Plaintext", Dyn::Blob(vec![]));
    assert_eq!(escaped, expected);
}

#[test]
fn whole_numbers_may_be_written_with_fraction_or_exponent() {
    for (number, expected) in [("1e2", 100), ("1.0", 1), ("-0", 0), ("12.5E1", 125), ("1e-0", 1)] {
        let input = read(&format!(r#"{{"Count":{number}}}"#)).unwrap();
        assert_eq!(input.get("Count"), Some(&Dyn::Integer(expected)), "{number}");
    }
}

#[test]
fn numbers_without_digits_are_strings() {
    let read = read(r#"{"Float":"NaN","Double":"-Infinity"}"#).unwrap();
    let expected =
        sample::input().with("Float", Dyn::Float(f32::NAN)).with("Double", Dyn::Double(f64::NEG_INFINITY));
    assert_eq!(read, expected);
    assert_eq!(json::write(&expected).expose(), br#"{"Float":"NaN","Double":"-Infinity"}"#);
}

#[test]
fn what_is_no_json_is_refused() {
    for body in [
        "{",
        "}",
        "{]",
        "[",
        r#"{"a"}"#,
        r#"{"a":}"#,
        r#"{"a":1,}"#,
        r#"{,"a":1}"#,
        r#"{"a":1 "b":2}"#,
        r"{a:1}",
        r"{'a':1}",
        r#"{"a":01}"#,
        r#"{"a":+1}"#,
        r#"{"a":1.}"#,
        r#"{"a":.5}"#,
        r#"{"a":1e}"#,
        r#"{"a":-}"#,
        r#"{"a":tru}"#,
        r#"{"a":nul"#,
        r#"{"a":NaN}"#,
        r#"{"a":[1,]}"#,
        r#"{"a":[1 2]}"#,
        r#"{"a":"\x"}"#,
        r#"{"a":"\u12g4"}"#,
        r#"{"a":"\u12"#,
        "{\"a\":\"\u{1}\"}",
        "{\"a\":\"\n\"}",
        r#"{"a":"b"#,
        r#"{"a":"b\"#,
        "{}{}",
        "{} x",
        "\u{feff}{}",
        "// c\n{}",
        r#"{"Text":"\u12g4"}"#,
        r#"{"Flag":truth}"#,
        r#"{"Flag":fals}"#,
        r#"{"KeyId":nope}"#,
    ] {
        assert!(read(body).is_err(), "{body:?}");
    }
}

#[test]
fn half_surrogate_pairs_are_refused() {
    for text in [r"\ud800", r"\ud800x", r"\ud800\n", r"\ud800\ud800", r"\udc00", r"\ud800\u0041"] {
        assert_eq!(
            refusal(&format!(r#"{{"Text":"{text}"}}"#)),
            "A string has half of a surrogate pair",
            "{text}"
        );
    }
}

#[test]
fn bytes_must_be_utf8() {
    for body in
        [&b"{\"Text\":\"\xff\"}"[..], b"{\"Text\":\"\xed\xa0\x80\"}", b"{\"Text\":\"\xc0\x80\"}", b"\xff"]
    {
        let read = json::read(body, &mut sample::input(), &Limits::default());
        assert_eq!(read.unwrap_err().message(), "The message is not valid UTF-8");
    }
}

#[test]
fn what_comes_twice_is_refused() {
    assert_eq!(refusal(r#"{"Text":"a","Text":"b"}"#), "The message names a member twice");
    assert_eq!(refusal(r#"{"Text":"a","\u0054ext":"b"}"#), "The message names a member twice");
    assert_eq!(refusal(r#"{"EncryptionContext":{"a":"b","\u0061":"c"}}"#), "A map names a key twice");
}

#[test]
fn unions_have_one_member() {
    let read_choice = |choice: &str| read(&format!(r#"{{"Choice":{choice}}}"#));
    assert!(read_choice(r#"{"Text":"a","Number":null}"#).is_ok());
    for choice in ["{}", r#"{"Text":null}"#, r#"{"Text":"a","Number":1}"#] {
        assert_eq!(read_choice(choice).unwrap_err(), "A union must have exactly one member", "{choice}");
    }
}

#[test]
fn depth_is_bounded() {
    let nested = |levels: usize, open: &str, close: &str| {
        format!("{}{{}}{}", open.repeat(levels), close.repeat(levels))
    };
    for (open, close, per_level) in
        [(r#"{"Self":"#, "}", 1), (r#"{"Nested":["#, "]}", 2), (r#"{"x":["#, "]}", 2)]
    {
        let most = 63 / per_level;
        assert!(read(&nested(most, open, close)).is_ok(), "{open}");
        assert_eq!(refusal(&nested(most + 1, open, close)), "The message is nested too deeply", "{open}");
        assert_eq!(refusal(&nested(100_000, open, close)), "The message is nested too deeply", "{open}");
    }
    assert_eq!(refusal(&format!(r#"{{"x":{}"#, "[".repeat(1_000_000))), "The message is nested too deeply");
}

#[test]
fn items_are_bounded() {
    let limits = Limits { depth: 8, items: 3 };
    let read = |body: &str| json::read(body.as_bytes(), &mut sample::input(), &limits).map(drop);
    assert!(read(r#"{"GrantTokens":["a","b"],"EncryptionContext":{"c":"d"}}"#).is_ok());
    let error = read(r#"{"GrantTokens":["a","b"],"EncryptionContext":{"c":"d","e":"f"}}"#).unwrap_err();
    assert_eq!(error.message(), "The message has too many items");
}

#[test]
fn required_members_that_are_absent_or_null_are_missing() {
    let missing = |body: &str| {
        let mut input = DynStructure::new(&sample::ENCRYPT);
        let missing = json::read(body.as_bytes(), &mut input, &Limits::default()).unwrap();
        missing.iter().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(missing(""), ["keyId", "plaintext", "secret"]);
    assert_eq!(missing(r#"{"KeyId":"","Plaintext":"","Secret":""}"#), Vec::<String>::new());
    assert_eq!(
        missing(r#"{"KeyId":null,"Plaintext":"","Secret":"","Tags":[{"TagKey":"a"},{"TagKey":null},{}]}"#),
        ["tags.2.member.tagKey", "tags.3.member.tagKey", "keyId"]
    );
    let many = format!(r#"{{"Tags":[{}{{}}]}}"#, "{},".repeat(5_000));
    assert!(missing(&many).len() < 100);
}

#[test]
fn writes_compactly_in_the_order_of_the_schema() {
    let output = sample::input()
        .with("Tags", Dyn::List(DynList(vec![])))
        .with("EncryptionContext", map(&[("a\n", "\u{1}é"), ("b", "")]))
        .with("Text", text("\"\\/\u{7f}\u{2028}"))
        .with("Moment", Dyn::Timestamp(Timestamp::from_millis(1_398_796_238_250)))
        .with("ShapeIso", Dyn::Timestamp(Timestamp::from_millis(1_398_796_238_000)))
        .with("Blob", Dyn::Blob(b"hi".to_vec()))
        .with("Float", Dyn::Float(0.1))
        .with("Double", Dyn::Double(1e300))
        .with("Secret", text("shown"))
        .with("Flag", Dyn::Boolean(false))
        .with("Self", Dyn::Structure(sample::input().with("Count", Dyn::Integer(-1))));
    assert_eq!(
        str::from_utf8(json::write(&output).expose()).unwrap(),
        concat!(
            r#"{"Flag":false,"Float":0.1,"Double":1e300,"Text":"\"\\/"#,
            "\u{7f}\u{2028}",
            r#"","Blob":"aGk=","Moment":1398796238.25,"ShapeIso":"2014-04-29T18:30:38Z","Secret":"shown","#,
            r#""EncryptionContext":{"a\n":"\u0001é","b":""},"Tags":[],"Self":{"Count":-1}}"#
        )
    );
}

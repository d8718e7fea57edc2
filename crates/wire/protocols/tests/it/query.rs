//! Reading the query form.

use strongroom_protocols::Limits;
use strongroom_protocols::query::Form;
use strongroom_schema::Timestamp;

use crate::dynamic::{Dyn, DynList, DynStructure, map, text, texts};
use crate::sample;

fn read_with(query: &str, body: &str, limits: &Limits) -> Result<DynStructure, String> {
    let mut input = sample::input();
    let form = Form::parse(query.as_bytes(), body.as_bytes(), limits).map_err(|error| error.to_string())?;
    form.read(&mut input).map(|_| input).map_err(|error| error.to_string())
}

fn read(body: &str) -> Result<DynStructure, String> {
    read_with("", body, &Limits::default())
}

#[test]
fn reads_every_kind() {
    let read = read(concat!(
        "Action=Sample&Version=2020-01-01&X-Amz-Signature=abc&Flag=true&Count=12&AnyCount=-3&Long=9223372036854775807&",
        "Float=1.5&Double=-1.25e2&Text=a+b%2Bc%C3%A9%20&Blob=aGk%3D&Moment=2014-04-29T18%3A30%3A38Z&",
        "MemberHttp=Tue%2C+29+Apr+2014+18%3A30%3A38+GMT&GrantTokens.member.1=a&GrantTokens.member.2=b&",
        "EncryptionContext.entry.1.key=k&EncryptionContext.entry.1.value=v&Tags.member.1.TagKey=x&",
        "Tags.member.1.TagValue=&Choice.Number=7&Self.Flag=false&Self.Self.Count=4&",
    ));
    let moment = Dyn::Timestamp(Timestamp::from_millis(1_398_796_238_000));
    let tag = sample::inner(&sample::INPUT, "Tags").with("TagKey", text("x")).with("TagValue", text(""));
    let choice = sample::inner(&sample::INPUT, "Choice").with("Number", Dyn::Integer(7));
    let inner = sample::input().with("Count", Dyn::Integer(4));
    let expected = sample::input()
        .with("Flag", Dyn::Boolean(true))
        .with("Count", Dyn::Integer(12))
        .with("AnyCount", Dyn::Integer(-3))
        .with("Long", Dyn::Integer(i64::MAX))
        .with("Float", Dyn::Float(1.5))
        .with("Double", Dyn::Double(-125.0))
        .with("Text", text("a b+cé "))
        .with("Blob", Dyn::Blob(b"hi".to_vec()))
        .with("Moment", moment.clone())
        .with("MemberHttp", moment)
        .with("GrantTokens", texts(&["a", "b"]))
        .with("EncryptionContext", map(&[("k", "v")]))
        .with("Tags", Dyn::List(DynList(vec![Dyn::Structure(tag)])))
        .with("Choice", Dyn::Structure(choice))
        .with(
            "Self",
            Dyn::Structure(
                sample::input().with("Flag", Dyn::Boolean(false)).with("Self", Dyn::Structure(inner)),
            ),
        );
    assert_eq!(read.unwrap(), expected);
}

#[test]
fn parameters_come_from_the_query_string_too() {
    let read = read_with("Action=A&Text=q", "Flag=true", &Limits::default()).unwrap();
    assert_eq!(read, sample::input().with("Text", text("q")).with("Flag", Dyn::Boolean(true)));
    let form = Form::parse(b"Action=A", b"Version=1%2F2&Text", &Limits::default()).unwrap();
    assert_eq!(
        (form.action(), form.version(), form.get("Text"), form.get("x")),
        (Some("A"), Some("1/2"), Some(""), None)
    );
}

#[test]
fn items_come_by_number_with_gaps_and_in_any_order() {
    let body = "GrantTokens.member.10=c&GrantTokens.member.2=b&GrantTokens.member.0=a&GrantTokens.member.999999999=d";
    assert_eq!(read(body).unwrap(), sample::input().with("GrantTokens", texts(&["a", "b", "c", "d"])));
}

#[test]
fn a_name_is_no_prefix_of_another() {
    let read = read("Text=a&TextX=b&Text-=c&Self.Textual=d&Self.Text=e").unwrap();
    let inner = sample::input().with("Text", text("e"));
    assert_eq!(read, sample::input().with("Text", text("a")).with("Self", Dyn::Structure(inner)));
}

#[test]
fn empty_lists_and_structures_can_be_said() {
    let read = read("GrantTokens=&Self=&EncryptionContext=").unwrap();
    let expected = sample::input()
        .with("GrantTokens", texts(&[]))
        .with("Self", Dyn::Structure(sample::input()))
        .with("EncryptionContext", map(&[]));
    assert_eq!(read, expected);
}

#[test]
fn malformed_parameters_are_refused() {
    for (body, expected) in [
        ("Text=a&Text=a", "The message names a parameter twice"),
        ("Text=%", "Invalid percent-encoding in the message"),
        ("Text=%4", "Invalid percent-encoding in the message"),
        ("Text=%4g", "Invalid percent-encoding in the message"),
        ("T%ext=a", "Invalid percent-encoding in the message"),
        ("Text=%ff", "The message is not valid UTF-8"),
        ("Text=%ED%A0%80", "The message is not valid UTF-8"),
        ("Count=1.5", "STRING_VALUE can not be converted to an Integer"),
        ("Count=", "STRING_VALUE can not be converted to an Integer"),
        ("Count=2147483648", "STRING_VALUE can not be converted to an Integer"),
        ("Flag=True", "STRING_VALUE can not be converted to a Boolean"),
        ("Double=inf", "STRING_VALUE can not be converted to a Double"),
        ("Double=nan", "STRING_VALUE can not be converted to a Double"),
        ("Double=1e999", "NUMBER_VALUE can not be converted to a Double"),
        ("Moment=1398796238", "STRING_VALUE can not be converted to milliseconds since epoch"),
        ("Text.x=a", "Start of structure or map found where not expected."),
        ("Text=a&Text.x=b", "Start of structure or map found where not expected."),
        ("GrantTokens=a", "Expected list or null"),
        ("EncryptionContext=a", "Expected map or null"),
        ("Self=a", "Expected null"),
        ("GrantTokens.1=a", "Unexpected name in a list or map"),
        ("GrantTokens.member=a", "Unexpected name in a list or map"),
        ("GrantTokens.member.1=a&GrantTokens.x=b", "Unexpected name in a list or map"),
        ("GrantTokens.member.x=a", "An item of a list or map has no valid number"),
        ("GrantTokens.member.-1=a", "An item of a list or map has no valid number"),
        ("GrantTokens.member.01=a", "An item of a list or map has no valid number"),
        ("GrantTokens.member.1000000000=a", "An item of a list or map has no valid number"),
        ("GrantTokens.member.=a", "An item of a list or map has no valid number"),
        (
            "Tags.member.1=&Tags.member.1-=&Tags.member.1.TagKey=a",
            "An item of a list or map has no valid number",
        ),
        ("EncryptionContext.entry.1.value=v", "A value is missing"),
        ("EncryptionContext.entry.1.key=k", "A value is missing"),
        (
            "EncryptionContext.entry.1.key=k&EncryptionContext.entry.1.value=a&EncryptionContext.entry.2.key=k&EncryptionContext.entry.2.value=b",
            "A map names a key twice",
        ),
        ("Choice.Number=1&Choice.Text=a", "A union must have exactly one member"),
    ] {
        assert_eq!(read(body).expect_err(body), expected, "{body}");
    }
}

#[test]
fn bytes_must_be_utf8() {
    assert!(Form::parse(b"", b"Text=\xff", &Limits::default()).is_err());
    assert!(Form::parse(b"\xff=1", b"", &Limits::default()).is_err());
}

#[test]
fn depth_and_number_are_bounded() {
    let limits = Limits { depth: 4, items: 4 };
    let read = |body: &str| read_with("", body, &limits).map(drop);
    assert!(read("Self.Self.Self.Text=a").is_ok());
    assert_eq!(read("Self.Self.Self.Self.Text=a").unwrap_err(), "The message is nested too deeply");
    assert!(read("a&b&c&d").is_ok());
    assert_eq!(read("a&b&c&d&e").unwrap_err(), "The message has too many items");
    let deep = format!("{}Text=a", "Self.".repeat(200_000));
    assert_eq!(read_with("", &deep, &Limits::default()).unwrap_err(), "The message is nested too deeply");
}

#[test]
fn required_members_that_are_absent_are_missing() {
    let form =
        Form::parse(b"", b"KeyId=a&Tags.member.3.TagKey=x&Tags.member.7.TagValue=y", &Limits::default());
    let missing = form.unwrap().read(&mut DynStructure::new(&sample::ENCRYPT)).unwrap();
    assert_eq!(missing.iter().collect::<Vec<_>>(), ["tags.2.member.tagKey", "plaintext", "secret"]);
}

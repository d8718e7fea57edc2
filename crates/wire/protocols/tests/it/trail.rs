//! What CloudTrail shows.

use strongroom_protocols::trail::{self, Extra};
use strongroom_schema::{Constraints, Kind, Member, MemberTraits, Schema, Timestamp, Value};

use crate::dynamic::{Dyn, DynList, DynStructure, map, text, texts};
use crate::sample;

#[test]
fn shows_parameters_as_cloudtrail_does() {
    let tag =
        sample::inner(&sample::INPUT, "Tags").with("TagKey", text("Team")).with("TagValue", text("a\"b"));
    let input = sample::input()
        .with("KeyId", text("alias/x"))
        .with("AWSAccountId", text("111122223333"))
        .with("Plaintext", Dyn::Blob(b"secret".to_vec()))
        .with("Blobs", Dyn::List(DynList(vec![Dyn::Blob(b"secret".to_vec())])))
        .with("Secret", text("hunter2"))
        .with("Secrets", texts(&["hunter2"]))
        .with("Count", Dyn::Integer(7))
        .with("Flag", Dyn::Boolean(true))
        .with("Moment", Dyn::Timestamp(Timestamp::from_millis(1_660_171_118_999)))
        .with("ShapeIso", Dyn::Timestamp(Timestamp::from_millis(1_611_276_388_000)))
        .with("EncryptionContext", map(&[("Purpose", "Test")]))
        .with("Tags", Dyn::List(DynList(vec![Dyn::Structure(tag)])));
    assert_eq!(
        trail::write(&input).unwrap(),
        concat!(
            r#"{"keyId":"alias/x","flag":true,"count":7,"moment":"Aug 10, 2022, 10:38:38 PM","#,
            r#""shapeIso":"Jan 22, 2021, 12:46:28 AM","#,
            r#""secrets":[],"blobs":[],"encryptionContext":{"Purpose":"Test"},"#,
            r#""tags":[{"tagKey":"Team","tagValue":"a\"b"}],"aWSAccountId":"111122223333"}"#
        )
    );
}

#[test]
fn nothing_to_show_is_null() {
    assert_eq!(trail::write(&sample::input()), None);
    assert_eq!(trail::write(&sample::input().with("Plaintext", Dyn::Blob(vec![1]))), None);
}

#[test]
fn ec2_shows_lists_as_items_under_the_names_of_the_xml() {
    static TEXT: Schema = plain("String", Kind::String);
    static FLAG: Schema = plain("Boolean", Kind::Boolean);
    static NAMES: Schema = plain("Names", Kind::List(member("member", Some("item"), &TEXT)));
    static RULE: Schema = plain("IpPermission", Kind::Structure(&[member("Names", Some("groups"), &NAMES)]));
    static RULES: Schema = plain("IpPermissionList", Kind::List(member("member", Some("item"), &RULE)));
    static INPUT: Schema = plain(
        "Request",
        Kind::Structure(&[
            member("GroupId", None, &TEXT),
            member("IpPermissions", Some("ipPermissions"), &RULES),
            member("Return", Some("return"), &FLAG),
        ]),
    );
    const fn plain(name: &'static str, kind: Kind) -> Schema {
        Schema { name, kind, constraints: Constraints::NONE, sensitive: false, xml_namespace: None }
    }
    const fn member(name: &'static str, wire_name: Option<&'static str>, schema: &'static Schema) -> Member {
        let traits = MemberTraits { wire_name, ..MemberTraits::NONE };
        Member { name, schema, required: false, traits }
    }
    let rule = |names: &[&str]| Dyn::Structure(DynStructure::new(&RULE).with("Names", texts(names)));
    let input = DynStructure::new(&INPUT)
        .with("GroupId", text("sg-1"))
        .with("IpPermissions", Dyn::List(DynList(vec![rule(&["a", "b"]), rule(&[])])))
        .with("Return", Dyn::Boolean(true));
    assert_eq!(
        trail::write_ec2(&input).unwrap(),
        r#"{"groupId":"sg-1","ipPermissions":{"items":[{"groups":{"items":["a","b"]}},{"groups":{}}]},"_return":true}"#
    );
    assert_eq!(trail::write_ec2(&DynStructure::new(&INPUT)), None);
}

#[test]
fn what_no_model_has_is_added_behind() {
    let moment = Value::Timestamp(Timestamp::from_millis(1_660_171_107_000));
    let members = [
        ("text", Extra::Value(Value::String("a\"b"))),
        ("flag", Extra::Value(Value::Boolean(true))),
        ("nested", Extra::Members(vec![("moment", Extra::Value(moment)), ("none", Extra::Members(vec![]))])),
    ];
    let added = r#""text":"a\"b","flag":true,"nested":{"moment":"Aug 10, 2022, 10:38:27 PM","none":{}}}"#;
    assert_eq!(trail::extend(None, &members).unwrap(), format!("{{{added}"));
    let shown = Some(r#"{"a":1}"#.to_owned());
    assert_eq!(trail::extend(shown.clone(), &members).unwrap(), format!(r#"{{"a":1,{added}"#));
    assert_eq!(trail::extend(shown.clone(), &[]), shown);
}

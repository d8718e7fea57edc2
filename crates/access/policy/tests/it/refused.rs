//! Documents that AWS refuses, with the place and the reason.

use strongroom_policy::document::{Document, DocumentError, Fault, Kind, MAX_STATEMENTS, MAX_VALUES};

use crate::accepted::DEFAULT_KEY_POLICY;

/// A fault that repeats the text.
type OfText = fn(String) -> Fault;

fn error(kind: Kind, text: &str) -> DocumentError {
    Document::parse(text, kind).err().unwrap_or_else(|| panic!("accepted: {text}"))
}

#[track_caller]
fn assert_malformed(kind: Kind, text: &str, at: &str, fault: Fault) {
    assert_eq!(error(kind, text), DocumentError::Malformed { at: at.to_owned(), fault }, "{text}");
}

/// A document of one statement: an Allow with these elements.
fn allow(elements: &str) -> String {
    format!(r#"{{"Statement":{{"Effect":"Allow",{elements}}}}}"#)
}

fn wrong(expected: &'static str, found: &'static str) -> Fault {
    Fault::WrongType { expected, found }
}

#[test]
fn text_that_is_no_json_is_refused_at_its_line_and_column() {
    let table = [
        ("", "line 1 column 0"),
        ("{", "line 1 column 1"),
        ("{\n  \"Statement\": }", "line 2 column 16"),
        ("{}{", "line 1 column 3"),
        ("{} x", "line 1 column 4"),
        ("{\"Id\": 'x'}", "line 1 column 8"),
        ("{\"Id\": \"x\",}", "line 1 column 12"),
        ("{\"Id\": \"\\ud800\"}", "line 1 column 15"),
        ("{\"Id\": 01}", "line 1 column 9"),
        ("// {}", "line 1 column 1"),
        ("{\"Id\": \"a\tb\"}", "line 1 column 10"),
    ];
    for (text, at) in table {
        assert_malformed(Kind::Resource, text, at, Fault::Json);
    }
    let trailing = format!("{DEFAULT_KEY_POLICY} {{}}");
    assert_malformed(Kind::Key, &trailing, "line 13 column 3", Fault::Json);
}

#[test]
fn characters_beyond_latin_1_are_refused() {
    for character in ['\u{100}', '\u{0}', '\u{b}', '\u{feff}', '\u{1f511}'] {
        let text = format!("{{\"Id\": \"{character}\"}}");
        assert_malformed(Kind::Resource, &text, "document", Fault::Character(character));
    }
    let latin = r#"{"Id":"clé","Statement":{"Effect":"Deny","Principal":"*"}}"#;
    assert!(Document::parse(latin, Kind::Key).is_ok());
}

#[test]
fn the_shape_of_the_document_is_checked() {
    let table = [
        ("[]", "document", wrong("an object", "an array")),
        ("null", "document", wrong("an object", "null")),
        ("{}", "document", Fault::Missing("Statement")),
        (r#"{"Statement":[]}"#, "Statement", Fault::NoStatements),
        (r#"{"Statement":"x"}"#, "Statement", wrong("an object", "a string")),
        (
            r#"{"Statement":[{"Effect":"Deny","Principal":"*"},7]}"#,
            "Statement[1]",
            wrong("an object", "a number"),
        ),
        (r#"{"statement":{}}"#, "document", Fault::UnknownElement("statement".into())),
        (r#"{"Version":"2012-10-18"}"#, "Version", Fault::Version("2012-10-18".into())),
        (r#"{"Version":2012}"#, "Version", wrong("a string", "a number")),
        (r#"{"Id":true}"#, "Id", wrong("a string", "a boolean")),
        (r#"{"Id":"a","Id":"a"}"#, "document", Fault::DuplicateKey("Id".into())),
        (r#"{"Id":"a","\u0049d":"b"}"#, "document", Fault::DuplicateKey("Id".into())),
    ];
    for (text, at, fault) in table {
        assert_malformed(Kind::Key, text, at, fault);
    }
}

#[test]
fn the_elements_of_a_statement_are_checked() {
    let both = |plain, negated| Fault::Both(plain, negated);
    let table = [
        (r#""Principal":"*","Effect":"Deny""#, Fault::DuplicateKey("Effect".into()), ""),
        (r#""Action":"*","Resource":"*""#, Fault::Missing("Principal"), ""),
        (r#""Principal":"*","Resource":"*""#, Fault::Missing("Action"), ""),
        (r#""Principal":"*","Action":"*""#, Fault::Missing("Resource"), ""),
        (r#""Principals":"*""#, Fault::UnknownElement("Principals".into()), ""),
        (r#""Principal":"*","NotPrincipal":"*""#, both("Principal", "NotPrincipal"), ""),
        (r#""Principal":"*","Action":"*","NotAction":"*""#, both("Action", "NotAction"), ""),
        (
            r#""Principal":"*","Action":"*","Resource":"*","NotResource":"*""#,
            both("Resource", "NotResource"),
            "",
        ),
        (r#""NotPrincipal":{"AWS":"*"}"#, Fault::NotPrincipalAllows, ""),
        (r#""Sid":1"#, wrong("a string", "a number"), ".Sid"),
        (r#""Principal":["*"]"#, wrong("an object", "an array"), ".Principal"),
        (r#""Principal":{"aws":"*"}"#, Fault::UnknownElement("aws".into()), ".Principal"),
        (r#""Principal":{"AWS":"*","AWS":"*"}"#, Fault::DuplicateKey("AWS".into()), ".Principal"),
        (r#""Principal":{"AWS":111122223333}"#, wrong("a string", "a number"), ".Principal.AWS"),
        (r#""Principal":{"AWS":["*",{}]}"#, wrong("a string", "an object"), ".Principal.AWS[1]"),
        (r#""Principal":"*","Action":{}"#, wrong("a string", "an object"), ".Action"),
        (r#""Principal":"*","NotAction":["*",null]"#, wrong("a string", "null"), ".NotAction[1]"),
        (
            r#""Principal":"*","Action":"*","Resource":[false]"#,
            wrong("a string", "a boolean"),
            ".Resource[0]",
        ),
    ];
    for (elements, fault, at) in table {
        assert_malformed(Kind::Resource, &allow(elements), &format!("Statement{at}"), fault);
    }
    let effects = [
        (r#"{"Statement":[{"Principal":"*"}]}"#, "Statement[0]", Fault::Missing("Effect")),
        (r#"{"Statement":{"Effect":"allow"}}"#, "Statement.Effect", Fault::Effect("allow".into())),
        (r#"{"Statement":{"Effect":["Allow"]}}"#, "Statement.Effect", wrong("a string", "an array")),
    ];
    for (text, at, fault) in effects {
        assert_malformed(Kind::Key, text, at, fault);
    }
}

#[test]
fn what_a_kind_of_policy_may_not_have_is_refused() {
    let not_allowed = |element, kind| Fault::NotAllowed { element, kind };
    let table = [
        (
            Kind::Identity,
            r#""Principal":"*","NotPrincipal":"*""#,
            "",
            not_allowed("Principal", Kind::Identity),
        ),
        (Kind::Identity, r#""NotPrincipal":"*""#, "", not_allowed("NotPrincipal", Kind::Identity)),
        (Kind::Identity, r#""Sid":"a b""#, ".Sid", Fault::Sid("a b".into())),
        (Kind::Trust, r#""Sid":"a-b""#, ".Sid", Fault::Sid("a-b".into())),
        (Kind::Trust, r#""NotPrincipal":{"AWS":"*"}"#, "", not_allowed("NotPrincipal", Kind::Trust)),
        (
            Kind::Trust,
            r#""Principal":{"AWS":"*"},"Action":"sts:*","Resource":"*""#,
            "",
            not_allowed("Resource", Kind::Trust),
        ),
        (
            Kind::Trust,
            r#""Principal":{"AWS":"*"},"Action":["sts:*","kms:Decrypt"]"#,
            ".Action[1]",
            Fault::ForeignAction("kms:Decrypt".into()),
        ),
        (Kind::Trust, r#""Principal":{"AWS":"*"},"Action":"*""#, ".Action", Fault::ForeignAction("*".into())),
        (Kind::Key, r#""Action":"*","Resource":"*""#, "", Fault::Missing("Principal")),
    ];
    for (kind, elements, at, fault) in table {
        assert_malformed(kind, &allow(elements), &format!("Statement{at}"), fault);
    }
    assert_malformed(Kind::Identity, r#"{"Id":"x"}"#, "document", not_allowed("Id", Kind::Identity));
}

#[test]
fn what_is_no_action_is_refused() {
    let table: &[(&str, OfText)] = &[
        ("", Fault::ActionWithoutPrefix),
        ("Decrypt", Fault::ActionWithoutPrefix),
        ("**", Fault::ActionWithoutPrefix),
        ("kms:Decrypt:now", Fault::ActionColons),
        ("kms::", Fault::ActionColons),
        ("kms:", Fault::Action),
        (":Decrypt", Fault::Action),
        ("k*:Decrypt", Fault::Action),
        ("*:*", Fault::Action),
        ("kms: Decrypt", Fault::Action),
        ("kms :Decrypt", Fault::Action),
        ("kms:${aws:username}", Fault::ActionColons),
        ("kms:D\u{e9}crypt", Fault::Action),
    ];
    for (action, fault) in table {
        let text = allow(&format!(r#""Action":["kms:*","{action}"],"Resource":"*""#));
        assert_malformed(Kind::Identity, &text, "Statement.Action[1]", fault((*action).to_owned()));
    }
}

#[test]
fn what_is_no_resource_is_refused() {
    let table: &[(&str, OfText)] = &[
        ("", Fault::ResourceNotArn),
        ("**", Fault::ResourceNotArn),
        ("examplebucket", Fault::ResourceNotArn),
        ("ARN:aws:s3:::x", Fault::ResourceNotArn),
        ("arn", Fault::ResourcePartition),
        ("arn:aws-cn:s3:::x", Fault::ResourcePartition),
        ("arn:*:s3:::x", Fault::ResourcePartition),
        ("arn:aws", Fault::ResourceService),
        ("arn:aws::::x", Fault::ResourceService),
        ("arn:aws:*:us-east-1:111122223333:x", Fault::ResourceService),
        ("arn:aws:s?:::x", Fault::ResourceService),
    ];
    for (resource, fault) in table {
        let text = allow(&format!(r#""Action":"kms:*","NotResource":"{resource}""#));
        assert_malformed(Kind::Identity, &text, "Statement.NotResource", fault((*resource).to_owned()));
    }
}

#[test]
fn what_is_no_condition_is_refused() {
    let value = "a string, a number or a boolean";
    let table = [
        ("[]", "", wrong("an object", "an array")),
        (r#"{"StringEqual":{}}"#, "", Fault::Operator("StringEqual".into())),
        (r#"{"stringequals":{}}"#, "", Fault::Operator("stringequals".into())),
        (r#"{"NullIfExists":{}}"#, "", Fault::Operator("NullIfExists".into())),
        (r#"{"BoolIfExistsIfExists":{}}"#, "", Fault::Operator("BoolIfExistsIfExists".into())),
        (r#"{"ForEachValue:Bool":{}}"#, "", Fault::Operator("ForEachValue:Bool".into())),
        (r#"{"ForAnyValue:":{}}"#, "", Fault::Operator("ForAnyValue:".into())),
        (r#"{"Bool":{},"Bool":{}}"#, "", Fault::DuplicateKey("Bool".into())),
        (r#"{"Bool":"x"}"#, ".Bool", wrong("an object", "a string")),
        (r#"{"Bool":{"a:b":"1","a:b":"2"}}"#, ".Bool", Fault::DuplicateKey("a:b".into())),
        (r#"{"Bool":{"":"1"}}"#, ".Bool", Fault::ConditionKey(String::new())),
        (r#"{"Bool":{"SecureTransport":"1"}}"#, ".Bool", Fault::ConditionKey("SecureTransport".into())),
        (r#"{"Bool":{"aws:":"1"}}"#, ".Bool", Fault::ConditionKey("aws:".into())),
        (r#"{"Bool":{":b":"1"}}"#, ".Bool", Fault::ConditionKey(":b".into())),
        (r#"{"Bool":{"a:b":null}}"#, ".Bool.a:b", wrong(value, "null")),
        (r#"{"Bool":{"a:b":["x",null]}}"#, ".Bool.a:b[1]", wrong(value, "null")),
        (r#"{"Bool":{"a:b":{}}}"#, ".Bool.a:b", wrong(value, "an object")),
    ];
    for (condition, at, fault) in table {
        let statement = format!(r#"{{"Effect":"Deny","Principal":"*","Condition":{condition}}}"#);
        let text = format!(r#"{{"Statement":[{{"Effect":"Deny","Principal":"*"}},{statement}]}}"#);
        assert_malformed(Kind::Key, &text, &format!("Statement[1].Condition{at}"), fault);
    }
}

#[test]
fn two_statements_of_one_name_are_an_error_of_their_own() {
    let statement = |sid: &&str| format!(r#"{{"Sid":"{sid}","Effect":"Deny","Principal":"*"}}"#);
    let document = |sids: &[&str]| {
        format!(r#"{{"Statement":[{}]}}"#, sids.iter().map(statement).collect::<Vec<_>>().join(","))
    };
    let expected = DocumentError::DuplicateSid { at: "Statement[2].Sid".into(), sid: "a".into() };
    assert_eq!(error(Kind::Key, &document(&["a", "b", "a"])), expected);
    assert!(
        Document::parse(&document(&["a", "A", "", ""]), Kind::Key).is_ok(),
        "case counts, no name is no name"
    );
}

#[test]
fn every_bound_is_held_and_one_less_is_fine() {
    let padded =
        |length: usize| format!("{DEFAULT_KEY_POLICY}{}", " ".repeat(length - DEFAULT_KEY_POLICY.len()));
    for kind in [Kind::Key, Kind::Resource] {
        let limit = kind.max_bytes();
        assert!(Document::parse(&padded(limit), kind).is_ok());
        assert_eq!(error(kind, &padded(limit + 1)), DocumentError::TooLarge { limit });
    }

    let statements = |count: usize| {
        let statement = r#"{"Effect":"Deny","Action":[],"Resource":[]}"#;
        format!(r#"{{"Statement":[{}]}}"#, vec![statement; count].join(","))
    };
    assert!(Document::parse(&statements(MAX_STATEMENTS), Kind::Identity).is_ok());
    assert_malformed(Kind::Identity, &statements(MAX_STATEMENTS + 1), "Statement", Fault::TooManyStatements);

    let values = |count: usize| {
        let numbers = vec!["1"; count - 2].join(",");
        allow(&format!(r#""Action":"*","Resource":"*","Condition":{{"Bool":{{"a:b":[{numbers}]}}}}"#))
    };
    assert!(Document::parse(&values(MAX_VALUES), Kind::Identity).is_ok());
    let at = "Statement.Condition.Bool.a:b";
    assert_malformed(Kind::Identity, &values(MAX_VALUES + 1), at, Fault::TooManyValues);
}

#[test]
fn what_nests_deeper_than_the_language_is_refused_without_recursion() {
    for depth in [1, 2, 127, 128, 10_000] {
        let (open, close) = ("[".repeat(depth), "]".repeat(depth));
        let deep = format!(
            r#"{{"Statement":[{{"Effect":"Deny","Principal":"*","Condition":{{"Bool":{{"a:b":["x",{open}{close}]}}}}}}]}}"#
        );
        let at = "Statement[0].Condition.Bool.a:b[1]";
        assert_malformed(Kind::Key, &deep, at, Fault::TooDeep);
        assert_malformed(Kind::Key, &format!("{open}{close}"), "document", wrong("an object", "an array"));
    }
    let objects = format!("{}1{}", r#"{"a":"#.repeat(5000), "}".repeat(5000));
    assert_malformed(Kind::Key, &objects, "document", Fault::UnknownElement("a".into()));
}

#[test]
fn messages_name_the_place_and_cut_what_is_long() {
    let text = allow(r#""Action":"kms:*","Resource":["*","bucket"]"#);
    let message = error(Kind::Identity, &text).to_string();
    assert_eq!(message, r#"Statement.Resource[1]: the resource "bucket" is neither an ARN nor *"#);

    let message = error(Kind::Identity, &allow(r#""Principal":"*""#)).to_string();
    assert_eq!(message, "Statement: Principal is not allowed in an identity-based policy");

    let long = "\u{e9}".repeat(10_000);
    let message = error(Kind::Key, &format!(r#"{{"{long}":1}}"#)).to_string();
    assert_eq!(message, format!("document: there is no element \"{}...\" here", "\u{e9}".repeat(32)));
    let key = format!(r#""Principal":"*","Condition":{{"Bool":{{"a:{long}":null}}}}"#);
    assert!(error(Kind::Key, &allow(&key)).to_string().len() < 200);
}

//! Properties of the readers and writers, over values and over bytes.

use proptest::collection::vec;
use proptest::prelude::*;
use strongroom_protocols::query::Form;
use strongroom_protocols::{Limits, Missing, cbor, ec2, json, trail, validate, xml};
use strongroom_schema::{Kind, Schema, Timestamp};

use crate::dynamic::{Dyn, DynList, DynMap, DynStructure};
use crate::{cbor_tree, sample, xml_tree};

/// Values of a shape. `depth` bounds nesting.
fn value(schema: &'static Schema, depth: u32) -> BoxedStrategy<Dyn> {
    match &schema.kind {
        Kind::Boolean => any::<bool>().prop_map(Dyn::Boolean).boxed(),
        Kind::Integer => any::<i32>().prop_map(|it| Dyn::Integer(it.into())).boxed(),
        Kind::Long => any::<i64>().prop_map(Dyn::Integer).boxed(),
        Kind::Float => any::<f32>().prop_map(Dyn::Float).boxed(),
        Kind::Double => any::<f64>().prop_map(Dyn::Double).boxed(),
        Kind::String | Kind::Enum(_) => any::<String>().prop_map(Dyn::String).boxed(),
        Kind::Blob => vec(any::<u8>(), 0..40).prop_map(Dyn::Blob).boxed(),
        // HTTP dates have whole seconds, and are read as RFC 2822 has them, from 1900 on.
        Kind::Timestamp(_) => (-2_208_988_800_i64..253_402_300_799)
            .prop_map(|seconds| Dyn::Timestamp(Timestamp::from_millis(seconds * 1000)))
            .boxed(),
        Kind::List(item) => {
            vec(value(item.schema, depth), 0..4).prop_map(|items| Dyn::List(DynList(items))).boxed()
        }
        Kind::Map(_, entry) => {
            proptest::collection::btree_map(any::<String>(), value(entry.schema, depth), 0..4)
                .prop_map(|entries| Dyn::Map(DynMap(entries.into_iter().collect())))
                .boxed()
        }
        Kind::Structure(_) => structure(schema, depth).prop_map(Dyn::Structure).boxed(),
        Kind::Union(members) => prop_oneof![Just(0_usize), Just(1)]
            .prop_flat_map(move |index| {
                value(members[index].schema, depth).prop_map(move |value| {
                    Dyn::Structure(DynStructure::new(schema).with(members[index].name, value))
                })
            })
            .boxed(),
    }
}

fn structure(schema: &'static Schema, depth: u32) -> BoxedStrategy<DynStructure> {
    let mut members = Vec::new();
    for member in schema.members() {
        let recursive = matches!(member.name, "Self" | "Nested");
        if recursive && depth == 0 {
            continue;
        }
        let value = value(member.schema, if recursive { depth - 1 } else { depth });
        let weight = if recursive { 0.15 } else { 0.3 };
        let value = proptest::option::weighted(weight, value);
        members.push(value.prop_map(|value| (member.name, value)).boxed());
    }
    // A vector of strategies is a strategy of vectors.
    let set = |structure: DynStructure, (name, value): (&str, Option<Dyn>)| match value {
        Some(value) => structure.with(name, value),
        None => structure,
    };
    members.prop_map(move |members| members.into_iter().fold(DynStructure::new(schema), set)).boxed()
}

/// Pieces that valid and invalid JSON is made of.
fn json_pieces() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "\"a\"",
        "\"b\\n\"",
        "\"\\u00e9\"",
        "\"\\ud800\"",
        "\"\\ud83d\\ude00\"",
        "\"\\udc00\"",
        "\"",
        "1",
        "-",
        "0",
        "01",
        "1.5",
        "1e5",
        "2E-3",
        ".",
        "e",
        "true",
        "false",
        "null",
        "tru",
        " ",
        "\n",
        "é",
        "\u{1}",
        "\\",
    ]);
    prop_oneof![
        vec(piece, 0..8).prop_map(|pieces| pieces.concat()),
        // Rarely valid by chance, so have some of it valid by design.
        any::<u64>().prop_map(|seed| {
            let leaf = ["1", "\"x\"", "null", "[]", "{}", "-0.5e+1"][(seed % 6) as usize];
            match seed / 6 % 4 {
                0 => leaf.to_owned(),
                1 => format!("[{leaf},{leaf}]"),
                2 => format!("{{\"k\":{leaf},\"l\":[{leaf}]}}"),
                _ => format!(" [ {{ \"k\" : {leaf} }} , true ] "),
            }
        }),
    ]
}

/// Bytes that valid and invalid CBOR is made of.
fn cbor_pieces() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop::sample::select(vec![
        &[0x00][..],
        &[0x18, 0x20],
        &[0x20],
        &[0x40],
        &[0x41, 0xFF],
        &[0x5F, 0x41, 0x01, 0xFF],
        &[0x60],
        &[0x61, 0x61],
        &[0x61, 0xC3],
        &[0x62, 0xC3, 0xA9],
        &[0x7F, 0x61, 0x61, 0xFF],
        &[0x7F, 0xFF],
        &[0x7F],
        &[0x80],
        &[0x81],
        &[0x82],
        &[0x9F],
        &[0xA0],
        &[0xA1],
        &[0xBF],
        &[0xC1],
        &[0xD8, 0x20],
        &[0xF4],
        &[0xF6],
        &[0xF9, 0x3C, 0x00],
        &[0xFA, 0x7F, 0x80, 0x00, 0x00],
        &[0xFB, 0x3F, 0xF0, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00],
        &[0xFC],
        &[0x1C],
        &[0xFF],
    ]);
    vec(piece, 0..8).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]

    #[test]
    fn json_reads_what_it_wrote(original in structure(&sample::INPUT, 2)) {
        let written = json::write(&original);
        prop_assert!(serde_json::from_slice::<serde_json::Value>(written.expose()).is_ok());
        let mut read = sample::input();
        json::read(written.expose(), &mut read, &Limits::default()).unwrap();
        prop_assert_eq!(read, original);
    }

    #[test]
    fn json_accepts_what_another_parser_accepts(text in json_pieces()) {
        let body = format!("{{\"unknown\":{text}}}");
        let ours = json::read(body.as_bytes(), &mut sample::input(), &Limits::default()).is_ok();
        // As a member that is known, the value may only be refused more.
        let known = body.replace("unknown", "Text");
        let known = json::read(known.as_bytes(), &mut sample::input(), &Limits::default()).is_ok();
        let other = serde_json::from_str::<serde_json::Value>(&body);
        // Grammar is all that counts in a member that is passed over; the other parser also wants a value.
        let out_of_range = |error: &serde_json::Error| error.to_string().starts_with("number out of range");
        prop_assume!(!other.as_ref().is_err_and(out_of_range));
        let other = other.is_ok();
        prop_assert_eq!(ours, other, "{}", body);
        prop_assert!(!known || ours, "{}", body);
    }

    #[test]
    fn cbor_reads_what_it_wrote(original in structure(&sample::INPUT, 2)) {
        let written = cbor::write(&original);
        cbor_tree::parse(written.expose());
        let mut read = sample::input();
        cbor::read(written.expose(), &mut read, &Limits::default()).unwrap();
        prop_assert_eq!(read, original);
    }

    #[test]
    fn cbor_accepts_what_another_parser_accepts(item in cbor_pieces()) {
        let body = [b"\xA1\x67unknown".as_slice(), &item].concat();
        let ours = cbor::read(&body, &mut sample::input(), &Limits::default());
        let mut rest = body.as_slice();
        let other: Result<ciborium::Value, _> = ciborium::from_reader(&mut rest);
        // The other parser knows no values but truth, null and numbers, and makes numbers of tags 2 and 3.
        if !item.iter().any(|byte| matches!(byte, 0xE0..=0xF3 | 0xF8 | 0xC2 | 0xC3)) {
            prop_assert_eq!(ours.is_ok(), other.is_ok() && rest.is_empty(), "{:02x?} {:?} {:?}", body, ours, other);
        }
    }

    #[test]
    fn no_bytes_make_cbor_panic(bytes in vec(any::<u8>(), 0..200)) {
        let _ = cbor::read(&bytes, &mut sample::input(), &Limits::default());
        // Rarely a map by chance.
        let body = [b"\xBF\x64Self\xBF".as_slice(), &bytes].concat();
        let _ = cbor::read(&body, &mut sample::input(), &Limits::default());
    }

    #[test]
    fn no_bytes_make_json_panic(bytes in vec(any::<u8>(), 0..200)) {
        let _ = json::read(&bytes, &mut sample::input(), &Limits::default());
    }

    #[test]
    fn no_bytes_make_the_form_panic(bytes in vec(any::<u8>(), 0..200), query in vec(any::<u8>(), 0..50)) {
        if let Ok(form) = Form::parse(&query, &bytes, &Limits::default()) {
            let _ = form.read(&mut sample::input());
            let _ = ec2::read(&form, &mut sample::input());
        }
    }

    #[test]
    fn no_names_make_the_form_panic(
        names in vec(
            vec(
                prop::sample::select(vec![
                    "GrantTokens", "member", "1", "2", "1-", "10", "", "Tags", "TagKey", "EncryptionContext",
                    "entry", "key", "value", "Self", "Text", "Nested", "-",
                ]),
                1..6,
            ),
            0..12,
        ),
    ) {
        let body = names.iter().map(|name| format!("{}=x", name.join("."))).collect::<Vec<_>>().join("&");
        if let Ok(form) = Form::parse(b"", body.as_bytes(), &Limits::default()) {
            let _ = form.read(&mut sample::input());
            let _ = ec2::read(&form, &mut sample::input());
        }
    }

    #[test]
    fn the_order_of_parameters_does_not_matter(
        order in Just(vec![
            "Text=a", "Flag=true", "GrantTokens.member.1=b", "GrantTokens.member.12=d", "GrantTokens.member.3=c",
            "Tags.member.1.TagKey=e", "Tags.member.1.TagValue=f", "Self.Text=g", "EncryptionContext.entry.1.key=h",
            "EncryptionContext.entry.1.value=i", "Nested.member.2.Count=1", "Nested.member.1.Count=2",
        ]).prop_shuffle(),
    ) {
        let read = |body: &str| {
            let mut input = sample::input();
            Form::parse(b"", body.as_bytes(), &Limits::default()).unwrap().read(&mut input).unwrap();
            input
        };
        let mut sorted = order.clone();
        sorted.sort_unstable();
        prop_assert_eq!(read(&order.join("&")), read(&sorted.join("&")));
    }

    #[test]
    fn whatever_was_read_can_be_checked_shown_and_written(original in structure(&sample::INPUT, 2)) {
        if let Err(violations) = validate(&original, &Missing::default()) {
            prop_assert!(violations.to_string().len() < 20_000);
        }
        if let Some(shown) = trail::write(&original) {
            prop_assert!(serde_json::from_str::<serde_json::Value>(&shown).is_ok(), "{}", shown);
        }
        let written = xml::write(&original);
        xml_tree::parse(&format!("<x>{}</x>", str::from_utf8(written.expose()).unwrap()));
    }

    #[test]
    fn xml_text_is_what_a_parser_reads(text in "[^\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f\\u{fffe}\\u{ffff}]*") {
        let document = DynStructure::new(&sample::DOCUMENT).with("Text", Dyn::String(text.clone()));
        prop_assert_eq!(xml_tree::parse(str::from_utf8(xml::write(&document).expose()).unwrap()).text, text);
    }
}

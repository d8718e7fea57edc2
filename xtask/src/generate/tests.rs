//! The traps of the models, on a small model that has them all.

use super::*;

const TRAPS: &str = r#"{
  "metadata": {"apiVersion": "2020-01-01", "endpointPrefix": "trap", "serviceFullName": "Trap", "serviceId": "Trap",
               "protocols": ["json"], "jsonVersion": "1.1", "targetPrefix": "Trap"},
  "operations": {"GetTag": {"name": "GetTag", "http": {"method": "POST", "requestUri": "/"},
                 "input": {"shape": "Option"}, "output": {"shape": "tag"}}},
  "leftOut": ["ListTags", "PutTag"],
  "shapes": {
    "Option": {"type": "structure", "required": ["Type"], "members": {
       "Type": {"shape": "Kind"}, "Self": {"shape": "Text"}, "KeyId": {"shape": "Text"}, "keyId": {"shape": "Text"},
       "Inner": {"shape": "Option"}, "Children": {"shape": "Options"}, "Tag": {"shape": "Tag"}}},
    "Options": {"type": "list", "member": {"shape": "Option"}},
    "Tag": {"type": "structure", "members": {"Of": {"shape": "tag"}}},
    "tag": {"type": "structure", "members": {"Of": {"shape": "Tag"}, "Secret": {"shape": "Hidden"}}},
    "Hidden": {"type": "blob", "sensitive": true},
    "Text": {"type": "string", "min": 1, "pattern": "[\\w]+"},
    "Kind": {"type": "string", "enum": ["a-b", "a_b", "Unknown", "", "2x"]}
  }
}"#;

fn files() -> BTreeMap<&'static str, String> {
    let model: Model = serde_json::from_str(TRAPS).unwrap();
    let entry: Entry = toml::from_str(
        r#"operations = "all"
           documents = "https://docs.aws.amazon.com/trap/API_{}.html"
           event_source = "trap.amazonaws.com"
           enum_listed = { Kind = ["2x", "a-b", "more"] }
           enum_also = { Kind = ["ours"] }
           model = "trapv2"
           trait_name = "TheTrap"
           xml_namespace = "http://trap.example.com/"
           error_message = "Message"
           invalid_input = "InvalidParameterException""#,
    )
    .unwrap();
    Plan::new("trap", &entry, &model).unwrap().files().unwrap().into_iter().collect()
}

#[test]
fn shapes_that_differ_in_case_or_are_named_like_rust_types_get_names_of_their_own() {
    let files = files();
    let shapes = &files["src/shapes.rs"];
    for expected in ["pub struct Option2 {", "pub struct Tag {", "pub struct Tag2 {"] {
        assert!(shapes.contains(expected), "{expected} in {shapes}");
    }
    assert!(files["src/schemas.rs"].contains("static TAG2: Schema"), "statics do not collide either");
    assert!(files["src/api.rs"].contains("_input: shapes::Option2) -> Result<shapes::Tag2, ApiError>"));
}

#[test]
fn members_that_collide_or_are_keywords_get_fields_of_their_own() {
    let shapes = &files()["src/shapes.rs"];
    for expected in ["pub r#type: Kind,", "pub self_: Option<String>,", "pub key_id: ", "pub key_id2: "] {
        assert!(shapes.contains(expected), "{expected} in {shapes}");
    }
}

#[test]
fn recursion_by_value_is_boxed_and_recursion_through_a_list_is_not() {
    let shapes = &files()["src/shapes.rs"];
    for expected in [
        "pub inner: Option<Box<Option2>>,",
        "pub children: Option<Vec<Option2>>,",
        "pub of: Option<Box<Tag2>>,",
    ] {
        assert!(shapes.contains(expected), "{expected} in {shapes}");
    }
    assert!(shapes.contains("pub tag: Option<Tag>,"), "what does not come back is not boxed");
}

#[test]
fn enum_values_that_collide_get_variants_of_their_own() {
    let shapes = &files()["src/shapes.rs"];
    for expected in
        ["AB = \"a-b\",", "AB2 = \"a_b\",", "Unknown2 = \"Unknown\",", "Empty = \"\",", "V2x = \"2x\","]
    {
        assert!(shapes.contains(expected), "{expected} in {shapes}");
    }
}

#[test]
fn the_catalogue_decides_which_values_a_refusal_lists_and_which_are_valid_beside_the_models() {
    let schemas = &files()["src/schemas.rs"];
    assert!(schemas.contains(r#"Kind::Enum(&["a-b", "a_b", "Unknown", "", "2x", "ours"])"#), "{schemas}");
    assert!(schemas.contains(r#"enum_listed: Some(&["2x", "a-b", "more"])"#), "{schemas}");
}

#[test]
fn the_catalogue_decides_what_errors_are_called() {
    assert!(files()["src/operations.rs"].contains("error_message: \"Message\""));
    assert!(files()["src/operations.rs"].contains("invalid_input: \"InvalidParameterException\""));
}

#[test]
fn what_the_model_was_trimmed_of_is_named() {
    assert!(files()["src/operations.rs"].contains(r#"left_out: &["ListTags", "PutTag"]"#));
}

#[test]
fn what_the_model_was_trimmed_of_is_in_order_and_nothing_that_it_has() {
    for (left_out, expected) in [
        (vec!["PutTag", "ListTags"], "trap: leftOut is not in order, or names an operation twice"),
        (vec!["PutTag", "PutTag"], "trap: leftOut is not in order, or names an operation twice"),
        (vec!["GetTag", "PutTag"], "trap: leftOut names GetTag, which the model has"),
    ] {
        let mut model: Model = serde_json::from_str(TRAPS).unwrap();
        model.left_out = left_out.into_iter().map(str::to_owned).collect();
        let entry = toml::from_str("operations = \"all\"\ndocuments = \"\"\nevent_source = \"\"").unwrap();
        assert_eq!(Plan::new("trap", &entry, &model).err().unwrap().to_string(), expected);
    }
}

#[test]
fn sensitive_members_are_secrets() {
    assert!(files()["src/shapes.rs"].contains("pub secret: Option<Secret<Blob>>,"));
}

#[test]
fn the_catalogue_decides_the_names_of_the_trait_and_of_namespaces() {
    let files = files();
    assert!(files["src/api.rs"].contains("pub trait TheTrap: Send + Sync {"));
    let operations = &files["src/operations.rs"];
    for expected in [
        "name: \"trap\"",
        "shape_namespace: \"com.amazonaws.trapv2\"",
        "xml_namespace: Some(\"http://trap.example.com/\")",
    ] {
        assert!(operations.contains(expected), "{expected} in {operations}");
    }
}

//! Schemas: what they say of themselves.

use strongroom_schema::{
    Bound, Constraints, HttpBinding, Kind, Location, Member, MemberTraits, Operation, Protocol, Schema,
    ServiceSchema, Unit,
};

static TEXT: Schema = Schema {
    name: "Text",
    kind: Kind::String,
    constraints: Constraints::NONE,
    sensitive: true,
    xml_namespace: None,
};
static MEMBERS: [Member; 2] = [
    Member { name: "KeyId", schema: &TEXT, required: true, traits: MemberTraits::NONE },
    Member { name: "keyId", schema: &TEXT, required: false, traits: MemberTraits::NONE },
];

const fn of(kind: Kind) -> Schema {
    Schema { name: "X", kind, constraints: Constraints::NONE, sensitive: false, xml_namespace: None }
}

#[test]
fn structures_and_unions_have_members_and_nothing_else_has() {
    for schema in [of(Kind::Structure(&MEMBERS)), of(Kind::Union(&MEMBERS))] {
        assert_eq!(schema.members().len(), 2);
        // Names are case-sensitive.
        assert_eq!(schema.position("KeyId"), Some(0));
        assert_eq!(schema.position("keyId"), Some(1));
        assert_eq!(schema.position("KEYID"), None);
        assert_eq!(schema.position(""), None);
    }
    let item = || Member { name: "member", schema: &TEXT, required: false, traits: MemberTraits::NONE };
    for schema in
        [of(Kind::String), of(Kind::List(item())), of(Kind::Map(item(), item())), of(Kind::Enum(&["A"]))]
    {
        assert!(schema.members().is_empty());
        assert_eq!(schema.position("member"), None);
    }
}

#[test]
fn bounds_compare_and_print_as_the_model_writes_them() {
    for (bound, whole, real, text) in [
        (Bound::Int(0), 0, 0.0, "0"),
        (Bound::Int(-1), -1, -1.0, "-1"),
        (Bound::Int(131_072), 131_072, 131_072.0, "131072"),
        (Bound::Float(0.5), 0, 0.5, "0.5"),
        (Bound::Float(-1.5), -1, -1.5, "-1.5"),
    ] {
        assert_eq!(bound.as_i64(), whole);
        assert!((bound.as_f64() - real).abs() < f64::EPSILON);
        assert_eq!(bound.to_string(), text);
    }
}

#[test]
fn no_traits_means_what_protocols_do_by_themselves() {
    let traits = MemberTraits::NONE;
    assert_eq!(traits.location, Location::Body);
    assert!(traits.wire_name.is_none() && traits.query_name.is_none() && traits.timestamp_format.is_none());
    assert!(!traits.flattened && !traits.xml_attribute && !traits.payload && !traits.idempotency_token);
}

const fn operation(name: &'static str) -> Operation {
    Operation {
        name,
        http: HttpBinding { method: "POST", uri: "/", code: 200 },
        input: Unit::SCHEMA,
        output: Unit::SCHEMA,
        has_output: false,
        result_wrapper: None,
        errors: &[],
        read_only: false,
        data_event: false,
        unsigned: false,
    }
}

#[test]
fn operations_are_found_by_their_name() {
    static OPERATIONS: [Operation; 4] =
        [operation("CreateKey"), operation("Decrypt"), operation("Encrypt"), operation("ListKeys")];
    let service = ServiceSchema {
        name: "kms",
        full_name: "AWS Key Management Service",
        signing_name: "kms",
        home_region: None,
        api_version: "2014-11-01",
        target_prefix: Some("TrentService"),
        shape_namespace: "com.example",
        protocols: &[Protocol::Json11],
        query_compatible: false,
        xml_namespace: None,
        event_source: "kms.amazonaws.com",
        error_message: "message",
        invalid_input: "ValidationException",
        left_out: &[],
        operations: &OPERATIONS,
    };
    for (at, operation) in OPERATIONS.iter().enumerate() {
        assert_eq!(service.position(operation.name), Some(at));
    }
    for name in ["", "decrypt", "Decryp", "Decrypts", "ZZZ"] {
        assert_eq!(service.position(name), None, "{name}");
    }
}

//! A small service model with every kind of shape, written out.

use strongroom_schema::{
    Bound, Constraints, Kind, Location, Member, MemberTraits, Pattern, Schema, TimestampFormat,
};

use crate::dynamic::DynStructure;

/// A schema with neither constraints nor traits.
const fn plain(name: &'static str, kind: Kind) -> Schema {
    Schema { name, kind, constraints: Constraints::NONE, sensitive: false, xml_namespace: None }
}

const fn limited(name: &'static str, kind: Kind, min: i64, max: i64) -> Schema {
    let constraints =
        Constraints { min: Some(Bound::Int(min)), max: Some(Bound::Int(max)), ..Constraints::NONE };
    Schema { constraints, ..plain(name, kind) }
}

const fn member(name: &'static str, schema: &'static Schema) -> Member {
    Member { name, schema, required: false, traits: MemberTraits::NONE }
}

const fn required(name: &'static str, schema: &'static Schema) -> Member {
    Member { required: true, ..member(name, schema) }
}

static BOOLEAN: Schema = plain("Boolean", Kind::Boolean);
static INTEGER: Schema = limited("Integer", Kind::Integer, 1, 1024);
static ANY_INTEGER: Schema = plain("AnyInteger", Kind::Integer);
static LONG: Schema = plain("Long", Kind::Long);
static FLOAT: Schema = plain("Float", Kind::Float);
static DOUBLE: Schema = plain("Double", Kind::Double);
static TEXT: Schema = plain("Text", Kind::String);
static BLOB: Schema = limited("Plaintext", Kind::Blob, 1, 4096);
static ANY_BLOB: Schema = plain("Blob", Kind::Blob);
static MOMENT: Schema = plain("Moment", Kind::Timestamp(None));
static ISO_MOMENT: Schema = plain("IsoMoment", Kind::Timestamp(Some(TimestampFormat::Iso8601)));
static SECRET: Schema = Schema { sensitive: true, ..limited("Secret", Kind::String, 7, 32) };
static SPEC: Schema = plain("Spec", Kind::Enum(&["AES_256", "AES_128"]));
static QUIRK: Schema = Schema {
    constraints: Constraints { enum_listed: Some(&["RSA_2048", "AES_256"]), ..Constraints::NONE },
    ..plain("Quirk", Kind::Enum(&["AES_256", "AES_128"]))
};
static QUIRKS: Schema = plain("Quirks", Kind::List(member("member", &QUIRK)));

static KEY_ID_PATTERN: Pattern = Pattern::new(r"^\p{ASCII}+$", r"^\p{ascii}+$");
static KEY_ID: Schema = Schema {
    constraints: Constraints {
        min: Some(Bound::Int(1)),
        max: Some(Bound::Int(2048)),
        pattern: Some(&KEY_ID_PATTERN),
        ..Constraints::NONE
    },
    ..plain("KeyIdType", Kind::String)
};

static TOKEN: Schema = limited("GrantTokenType", Kind::String, 1, 8192);
static TOKENS: Schema = limited("GrantTokenList", Kind::List(member("member", &TOKEN)), 0, 10);
static SECRETS: Schema = plain("SecretList", Kind::List(member("member", &SECRET)));
static BLOBS: Schema = plain("BlobList", Kind::List(member("member", &ANY_BLOB)));

static CONTEXT_KEY: Schema = limited("ContextKey", Kind::String, 1, 8);
static CONTEXT_VALUE: Schema = limited("ContextValue", Kind::String, 1, 8);
static CONTEXT: Schema =
    plain("EncryptionContextType", Kind::Map(member("key", &CONTEXT_KEY), member("value", &CONTEXT_VALUE)));

static TAG_KEY: Schema = limited("TagKeyType", Kind::String, 1, 128);
static TAG: Schema =
    plain("Tag", Kind::Structure(&[required("TagKey", &TAG_KEY), member("TagValue", &TEXT)]));
static TAGS: Schema = plain("TagList", Kind::List(member("member", &TAG)));
static TAG_MAP: Schema = plain("TagMap", Kind::Map(member("key", &TEXT), member("value", &TAG)));

static CHOICE: Schema = plain("Choice", Kind::Union(&[member("Text", &TEXT), member("Number", &LONG)]));
static NESTED: Schema = plain("Nested", Kind::List(member("member", &INPUT)));

const ISO: MemberTraits =
    MemberTraits { timestamp_format: Some(TimestampFormat::Iso8601), ..MemberTraits::NONE };
const HTTP: MemberTraits =
    MemberTraits { timestamp_format: Some(TimestampFormat::HttpDate), ..MemberTraits::NONE };

/// Every kind of shape; recursive through `Self` and `Nested`.
pub(crate) static INPUT: Schema = plain(
    "SampleRequest",
    Kind::Structure(&[
        member("KeyId", &KEY_ID),
        member("Flag", &BOOLEAN),
        member("Count", &INTEGER),
        member("AnyCount", &ANY_INTEGER),
        member("Long", &LONG),
        member("Float", &FLOAT),
        member("Double", &DOUBLE),
        member("Text", &TEXT),
        member("Plaintext", &BLOB),
        member("Blob", &ANY_BLOB),
        member("Moment", &MOMENT),
        member("ShapeIso", &ISO_MOMENT),
        Member { traits: ISO, ..member("MemberIso", &MOMENT) },
        Member { traits: HTTP, ..member("MemberHttp", &ISO_MOMENT) },
        member("Secret", &SECRET),
        member("Spec", &SPEC),
        member("Quirk", &QUIRK),
        member("Quirks", &QUIRKS),
        member("GrantTokens", &TOKENS),
        member("Secrets", &SECRETS),
        member("Blobs", &BLOBS),
        member("EncryptionContext", &CONTEXT),
        member("Tags", &TAGS),
        member("TagMap", &TAG_MAP),
        member("Choice", &CHOICE),
        member("Self", &INPUT),
        member("Nested", &NESTED),
        member("AWSAccountId", &TEXT),
    ]),
);

/// `Encrypt`, as KMS has it.
pub(crate) static ENCRYPT: Schema = plain(
    "EncryptRequest",
    Kind::Structure(&[
        required("KeyId", &KEY_ID),
        required("Plaintext", &BLOB),
        member("EncryptionContext", &CONTEXT),
        required("Secret", &SECRET),
        member("Tags", &TAGS),
    ]),
);

/// Attributes and flattened maps, which no case of the query protocol combines.
static ATTRIBUTED: Schema = plain(
    "Grantee",
    Kind::Structure(&[
        Member {
            traits: MemberTraits {
                xml_attribute: true,
                wire_name: Some("xsi:type"),
                xml_namespace: None,
                location: Location::Body,
                ..MemberTraits::NONE
            },
            ..member("Type", &TEXT)
        },
        member("Id", &TEXT),
    ]),
);

/// For the XML writer.
pub(crate) static DOCUMENT: Schema = plain(
    "Document",
    Kind::Structure(&[
        Member {
            traits: MemberTraits {
                xml_namespace: Some((Some("xsi"), "http://www.w3.org/2001/XMLSchema-instance")),
                ..MemberTraits::NONE
            },
            ..member("Grantee", &ATTRIBUTED)
        },
        member("Text", &TEXT),
    ]),
);

pub(crate) fn input() -> DynStructure {
    DynStructure::new(&INPUT)
}

/// An empty structure of the shape that a member of [`INPUT`] or [`DOCUMENT`] has, or its items have.
pub(crate) fn inner(outer: &'static Schema, name: &str) -> DynStructure {
    let schema = outer.members()[outer.position(name).unwrap()].schema;
    DynStructure::new(match &schema.kind {
        Kind::List(item) => item.schema,
        Kind::Map(_, value) => value.schema,
        _ => schema,
    })
}

//! Shapes and members: their kinds, constraints and protocol traits.

use crate::Pattern;

/// One shape of a service model. Generated code holds each as a `static`, so that shapes may refer to one
/// another, and to themselves.
#[derive(Debug)]
pub struct Schema {
    /// The shape's name in AWS's model, for example `KeyIdType`.
    pub name: &'static str,
    /// What the shape is made of.
    pub kind: Kind,
    /// What its values must satisfy.
    pub constraints: Constraints,
    /// Values are shown in no log and no record (the model's `sensitive` trait).
    pub sensitive: bool,
    /// The namespace that XML answers give this shape's element.
    pub xml_namespace: Option<&'static str>,
}

/// The kind of a shape.
#[derive(Debug)]
pub enum Kind {
    /// `true` or `false`.
    Boolean,
    /// 32-bit signed integer.
    Integer,
    /// 64-bit signed integer.
    Long,
    /// Single-precision floating point.
    Float,
    /// Double-precision floating point.
    Double,
    /// UTF-8 text.
    String,
    /// Text out of a set that AWS may extend: the values that are valid, in the model's order.
    Enum(&'static [&'static str]),
    /// Bytes.
    Blob,
    /// A moment, with the format that the shape itself prescribes, if it does.
    Timestamp(Option<TimestampFormat>),
    /// A list; the member describes each item.
    List(Member),
    /// A map from text; the members describe key and value.
    Map(Member, Member),
    /// Named members.
    Structure(&'static [Member]),
    /// Named members of which exactly one is set.
    Union(&'static [Member]),
}

/// A member of a structure, the item of a list, or the key or value of a map.
pub struct Member {
    /// The name in the model (`member`, `key` and `value` for lists and maps).
    pub name: &'static str,
    /// The shape of its values. A pointer and no value, so that shapes can be recursive.
    pub schema: &'static Schema,
    /// Must be present in a request.
    pub required: bool,
    /// How protocols place and name it.
    pub traits: MemberTraits,
}

/// Names the member's shape and does not show it: shapes may contain themselves.
impl std::fmt::Debug for Member {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Member")
            .field("name", &self.name)
            .field("schema", &self.schema.name)
            .field("required", &self.required)
            .field("traits", &self.traits)
            .finish()
    }
}

/// Protocol traits of a member. All default to "as the protocol does by itself".
#[derive(Debug)]
pub struct MemberTraits {
    /// Where an HTTP-binding protocol puts it.
    pub location: Location,
    /// The name on the wire where it differs from [`Member::name`].
    pub wire_name: Option<&'static str>,
    /// The name in the ec2 protocol's query form.
    pub query_name: Option<&'static str>,
    /// A list or map without its wrapping element or `.member.` level.
    pub flattened: bool,
    /// An XML attribute and no element.
    pub xml_attribute: bool,
    /// Prefix and URI of the XML namespace of its element.
    pub xml_namespace: Option<(Option<&'static str>, &'static str)>,
    /// The member's own timestamp format.
    pub timestamp_format: Option<TimestampFormat>,
    /// The whole HTTP body is this member.
    pub payload: bool,
    /// Its bytes are read once, piece by piece, and are no value; see [`crate::ByteStream`].
    pub streaming: bool,
    /// A client that sends none generates one: repeated calls with one token take effect once.
    pub idempotency_token: bool,
}

impl MemberTraits {
    /// No traits.
    pub const NONE: Self = Self {
        location: Location::Body,
        wire_name: None,
        query_name: None,
        flattened: false,
        xml_attribute: false,
        xml_namespace: None,
        timestamp_format: None,
        payload: false,
        streaming: false,
        idempotency_token: false,
    };
}

/// Where an HTTP-binding protocol (rest-xml) puts a member. Other protocols put all in the body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Location {
    /// The message body.
    Body,
    /// The header of that wire name.
    Header,
    /// All headers whose names start with the wire name.
    Headers,
    /// A label of the URI template.
    Uri,
    /// A query-string parameter.
    QueryString,
    /// The HTTP status code (answers only).
    StatusCode,
}

/// How a timestamp is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimestampFormat {
    /// Seconds since 1970 as a number, with a fraction where there is one.
    EpochSeconds,
    /// RFC 3339 in UTC, `2006-01-02T15:04:05Z`.
    Iso8601,
    /// The same, always with milliseconds: `2006-01-02T15:04:05.000Z`, as S3 writes.
    Iso8601Millis,
    /// RFC 9110's IMF-fixdate, `Mon, 02 Jan 2006 15:04:05 GMT`.
    HttpDate,
}

/// Limits of a value: of its length (text in characters, blobs in bytes, lists and maps in entries) or of
/// the number itself, and a pattern that text must match as a whole.
#[derive(Debug)]
pub struct Constraints {
    /// The least length or value.
    pub min: Option<Bound>,
    /// The greatest length or value.
    pub max: Option<Bound>,
    /// What text must match.
    pub pattern: Option<&'static Pattern>,
    /// The values that AWS prints when it refuses one of an enum, where they are others than the valid ones
    /// or stand in another order.
    pub enum_listed: Option<&'static [&'static str]>,
}

impl Constraints {
    /// No limits.
    pub const NONE: Self = Self { min: None, max: None, pattern: None, enum_listed: None };
}

/// A limit as the model writes it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Bound {
    /// A whole number.
    Int(i64),
    /// A fraction (limits of floating-point shapes).
    Float(f64),
}

impl Bound {
    /// The bound as a floating-point number, for comparison with floating-point values.
    pub fn as_f64(self) -> f64 {
        match self {
            Self::Int(n) => n as f64,
            Self::Float(x) => x,
        }
    }

    /// The bound as a whole number, fractions cut off, for comparison with lengths and integers.
    pub fn as_i64(self) -> i64 {
        match self {
            Self::Int(n) => n,
            Self::Float(x) => x as i64,
        }
    }
}

impl std::fmt::Display for Bound {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Int(n) => n.fmt(f),
            Self::Float(x) => x.fmt(f),
        }
    }
}

impl Schema {
    /// The members of a structure or union; empty for every other kind.
    pub const fn members(&self) -> &'static [Member] {
        match self.kind {
            Kind::Structure(members) | Kind::Union(members) => members,
            _ => &[],
        }
    }

    /// The position of the member that protocols without names of their own (JSON, CBOR) call `name`.
    pub fn position(&self, name: &str) -> Option<usize> {
        self.members().iter().position(|member| member.name == name)
    }
}

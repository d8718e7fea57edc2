//! Every text that a reader answers.
//!
//! AWS's own, where public traces of its services show them (DynamoDB, SQS, CodeDeploy, X-Ray): those for
//! values of the wrong kind. The rest is ours, and says so. They come with code `SerializationException`, in
//! the query protocol with `MalformedInput`. None repeats what the caller sent.

use strongroom_schema::ReadError;

pub(crate) const START_OF_LIST: &str = "Start of list found where not expected";
pub(crate) const START_OF_STRUCTURE: &str = "Start of structure or map found where not expected.";
const EXPECTED_LIST: &str = "Expected list or null";
const EXPECTED_MAP: &str = "Expected map or null";
const EXPECTED_STRUCTURE: &str = "Expected null";

// From here on: ours.
pub(crate) const UNEXPECTED_END: &str = "Unexpected end of the message";
pub(crate) const UNEXPECTED_ITEM: &str = "Unexpected data item in the message";
pub(crate) const UNEXPECTED_CHARACTER: &str = "Unexpected character in the message";
pub(crate) const TRAILING: &str = "Unexpected characters after the message";
pub(crate) const NOT_UTF8: &str = "The message is not valid UTF-8";
pub(crate) const BAD_ESCAPE: &str = "Invalid escape sequence in a string";
pub(crate) const LONE_SURROGATE: &str = "A string has half of a surrogate pair";
pub(crate) const CONTROL_CHARACTER: &str = "A string has a control character that is not escaped";
pub(crate) const DUPLICATE_MEMBER: &str = "The message names a member twice";
pub(crate) const DUPLICATE_KEY: &str = "A map names a key twice";
pub(crate) const DUPLICATE_PARAMETER: &str = "The message names a parameter twice";
pub(crate) const NOT_ONE_OF_UNION: &str = "A union must have exactly one member";
pub(crate) const TOO_DEEP: &str = "The message is nested too deeply";
pub(crate) const TOO_MANY: &str = "The message has too many items";
pub(crate) const BAD_PERCENT: &str = "Invalid percent-encoding in the message";
pub(crate) const BAD_INDEX: &str = "An item of a list or map has no valid number";
pub(crate) const BAD_ITEM_NAME: &str = "Unexpected name in a list or map";
pub(crate) const NO_VALUE: &str = "A value is missing";

// After AWS's, which begin with the value.
const BLOB_LENGTH: &str =
    "STRING_VALUE can not be converted to a Blob: Base64 encoded length is expected a multiple of 4 bytes";
const BLOB_CHARACTER: &str = "STRING_VALUE can not be converted to a Blob: Invalid Base64";

/// What stood in the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    String,
    Number,
    True,
    False,
    Null,
    List,
    Structure,
    /// CBOR only, as tags are.
    Bytes,
    Tag,
}

/// What the schema wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    Boolean,
    Integer,
    Long,
    Double,
    String,
    Blob,
    Timestamp,
    List,
    Map,
    Structure,
}

/// The error for a value of another kind than the schema's, or of no form that can be converted.
pub(crate) fn mismatch(found: Found, wanted: Wanted) -> ReadError {
    let found = match (found, wanted) {
        (Found::List, _) => return ReadError::new(START_OF_LIST),
        (Found::Structure, _) => return ReadError::new(START_OF_STRUCTURE),
        (Found::Null, _) => "NULL_VALUE",
        (_, Wanted::List) => return ReadError::new(EXPECTED_LIST),
        (_, Wanted::Map) => return ReadError::new(EXPECTED_MAP),
        (_, Wanted::Structure) => return ReadError::new(EXPECTED_STRUCTURE),
        (Found::String, _) => "STRING_VALUE",
        (Found::Number, _) => "NUMBER_VALUE",
        (Found::True, _) => "TRUE_VALUE",
        (Found::False, _) => "FALSE_VALUE",
        (Found::Bytes, _) => "BYTES_VALUE",
        (Found::Tag, _) => "TAGGED_VALUE",
    };
    let wanted = match wanted {
        Wanted::Boolean => "a Boolean",
        Wanted::Integer => "an Integer",
        Wanted::Long => "a Long",
        Wanted::Double => "a Double",
        Wanted::String => "a String",
        Wanted::Blob => "a Blob",
        Wanted::Timestamp => "milliseconds since epoch",
        Wanted::List => "a List",
        Wanted::Map => "a Map",
        Wanted::Structure => "a Structure",
    };
    ReadError::new(format!("{found} can not be converted to {wanted}"))
}

/// The error for a text that is no Base64.
pub(crate) fn not_base64(text: &str) -> ReadError {
    ReadError::new(if text.len().is_multiple_of(4) { BLOB_CHARACTER } else { BLOB_LENGTH })
}

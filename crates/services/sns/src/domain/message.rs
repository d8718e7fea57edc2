//! Messages: what a publisher may say (SNS API Reference, Publish and PublishBatch).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use strongroom_api_sns::MessageAttributeValue;
use strongroom_api_sns::errors::INVALID_PARAMETER_VALUE_EXCEPTION;

use super::subscription::Protocol;
use crate::error::Refusal;

/// Bytes of a message with its attributes.
pub(crate) const MOST_BYTES: usize = 262_144;

/// Characters of a subject.
const LONGEST_SUBJECT: usize = 100;

/// Characters of an attribute's name and of its type.
const LONGEST_NAME: usize = 256;

/// Where a message's structure says that there is a text for each protocol, the one for those that are not named.
const DEFAULT: &str = "default";

/// A message, as it waits to be delivered.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Message {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) subject: Option<String>,
    /// The text for those protocols that have none of their own.
    text: String,
    /// The texts of protocols.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    texts: Vec<(String, String)>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) attributes: Vec<(String, Attribute)>,
}

/// An attribute.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Attribute {
    pub(crate) data_type: String,
    pub(crate) content: Content,
}

/// What an attribute holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Content {
    Text(String),
    /// Bytes, in base64.
    Bytes(String),
}

/// What a publisher gives.
pub(crate) struct Given<'a> {
    pub(crate) subject: Option<String>,
    pub(crate) message: String,
    pub(crate) structure: Option<&'a str>,
    pub(crate) attributes: Vec<(&'a str, &'a MessageAttributeValue)>,
}

impl Message {
    /// The message that is given, if it is one. Texts: answers of AWS quoted in public issue threads.
    pub(crate) fn new(given: Given<'_>) -> Result<Self, Refusal> {
        let Given { subject, message, structure, attributes } = given;
        if message.is_empty() {
            return Err(Refusal::parameter("Empty message"));
        }
        if subject.as_deref().is_some_and(|subject| !is_subject(subject)) {
            return Err(Refusal::parameter("Subject"));
        }
        if !message.chars().all(is_of_xml) {
            return Err(Refusal::parameter("Message"));
        }
        let attributes: Result<Vec<_>, Refusal> = attributes
            .into_iter()
            .map(|(name, value)| Ok((name.to_owned(), Attribute::new(name, value)?)))
            .collect();
        let attributes = attributes?;
        if message.len() + attributes.iter().map(Attribute::size).sum::<usize>() > MOST_BYTES {
            return Err(Refusal::parameter("Message too long"));
        }
        let (text, texts) = match structure {
            None | Some("") => (message, Vec::new()),
            Some("json") => by_protocol(&message)?,
            Some(_) => return Err(Refusal::parameter("MessageStructure")),
        };
        Ok(Self { subject, text, texts, attributes })
    }

    /// A message that is a text and nothing else.
    pub(crate) fn with_text(text: &str) -> Self {
        Self { text: text.to_owned(), ..Self::default() }
    }

    /// The text for endpoints of a protocol.
    pub(crate) fn text_for(&self, protocol: Protocol) -> &str {
        let own = self.texts.iter().find(|(name, _)| name == protocol.as_str());
        own.map_or(&self.text, |(_, text)| text)
    }

    /// The bytes that count towards the limit of a batch.
    pub(crate) fn size(given: &str, attributes: &[(&str, &MessageAttributeValue)]) -> usize {
        let of = |(name, value): &(&str, &MessageAttributeValue)| {
            let text = value.string_value.as_ref().map_or(0, String::len);
            let bytes = value.binary_value.as_ref().map_or(0, |bytes| bytes.0.len());
            name.len() + value.data_type.len() + text + bytes
        };
        given.len() + attributes.iter().map(of).sum::<usize>()
    }
}

/// Texts by protocol, from a message that is a JSON object.
fn by_protocol(message: &str) -> Result<(String, Vec<(String, String)>), Refusal> {
    let bad = |what: &str| Refusal::parameter(format!("Message Structure - {what}"));
    let parsed: Map<String, Value> =
        serde_json::from_str(message).map_err(|_| bad("JSON message body failed to parse"))?;
    let mut default = None;
    let mut texts = Vec::new();
    for (protocol, text) in parsed {
        // What is no text counts for no protocol.
        let Value::String(text) = text else { continue };
        if protocol == DEFAULT {
            default = Some(text);
        } else {
            texts.push((protocol, text));
        }
    }
    Ok((default.ok_or_else(|| bad("No default entry in JSON message body"))?, texts))
}

/// One line in whatever script (SNS API Reference, Publish: "UTF-8 text with no line breaks or control characters").
fn is_subject(text: &str) -> bool {
    let is_break = |character: char| character.is_control() || matches!(character, '\u{2028}' | '\u{2029}');
    (1..=LONGEST_SUBJECT).contains(&text.chars().count()) && !text.chars().any(is_break)
}

/// What XML 1.0 has, and so the API takes.
fn is_of_xml(character: char) -> bool {
    !character.is_control() || matches!(character, '\t' | '\n' | '\r' | '\u{7f}'..='\u{9f}')
}

impl Attribute {
    /// Checks an attribute. Texts: answers of AWS quoted in public issue threads.
    fn new(name: &str, given: &MessageAttributeValue) -> Result<Self, Refusal> {
        check_name(name)?;
        let data_type = given.data_type.as_str();
        if data_type.len() > LONGEST_NAME {
            return Err(bad_value(format!("The message attribute '{name}' has a type that is too long.")));
        }
        let basic = data_type.split('.').next().unwrap_or_default();
        let content = match basic {
            "String" | "Number" => {
                let text = given.string_value.as_deref().unwrap_or_default();
                if given.binary_value.is_some() {
                    return Err(bad_value(format!(
                        "The message attribute '{name}' with type '{data_type}' must use field 'String'."
                    )));
                }
                if text.is_empty() {
                    return Err(empty(name, data_type));
                }
                if !text.chars().all(is_of_xml) {
                    return Err(bad_value(format!("Invalid characters in the message attribute '{name}'.")));
                }
                if basic == "Number" && !is_number(text) {
                    return Err(bad_value(format!(
                        "Could not cast message attribute '{name}' value to number."
                    )));
                }
                Content::Text(text.to_owned())
            }
            "Binary" => {
                let bytes = given.binary_value.as_ref().map(|bytes| bytes.0.as_slice()).unwrap_or_default();
                if given.string_value.is_some() {
                    return Err(bad_value(format!(
                        "The message attribute '{name}' with type '{data_type}' must use field 'Binary'."
                    )));
                }
                if bytes.is_empty() {
                    return Err(empty(name, data_type));
                }
                Content::Bytes(STANDARD.encode(bytes))
            }
            _ => {
                return Err(bad_value(format!(
                    "The message attribute '{name}' has an invalid message attribute type, the set of supported type \
                     prefixes is Binary, Number, and String."
                )));
            }
        };
        Ok(Self { data_type: data_type.to_owned(), content })
    }

    /// What it is: its type without a name that the publisher gave it. An array is a type of its own.
    pub(crate) fn kind(&self) -> &str {
        if self.data_type == "String.Array" {
            return &self.data_type;
        }
        self.data_type.split('.').next().unwrap_or_default()
    }

    /// Its value as notifications show it: bytes in base64.
    pub(crate) fn shown(&self) -> &str {
        match &self.content {
            Content::Text(text) | Content::Bytes(text) => text,
        }
    }

    fn size((name, attribute): &(String, Self)) -> usize {
        let value = match &attribute.content {
            Content::Text(text) => text.len(),
            Content::Bytes(base64) => base64.len() / 4 * 3,
        };
        name.len() + attribute.data_type.len() + value
    }
}

fn check_name(name: &str) -> Result<(), Refusal> {
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
    let head = name.to_ascii_lowercase();
    let fits = (1..=LONGEST_NAME).contains(&name.len())
        && name.bytes().all(is_letter)
        && !name.starts_with('.')
        && !name.ends_with('.')
        && !name.contains("..")
        && !head.starts_with("aws.")
        && !head.starts_with("amazon.");
    if fits { Ok(()) } else { Err(bad_value(format!("The message attribute name '{name}' is invalid."))) }
}

fn is_number(text: &str) -> bool {
    text.parse::<f64>().is_ok_and(f64::is_finite)
}

fn empty(name: &str, data_type: &str) -> Refusal {
    bad_value(format!(
        "The message attribute '{name}' must contain non-empty message attribute value for message attribute type \
         '{data_type}'."
    ))
}

fn bad_value(text: String) -> Refusal {
    Refusal::modelled(&INVALID_PARAMETER_VALUE_EXCEPTION, text)
}

#[cfg(test)]
mod tests {
    use strongroom_schema::Blob;

    use super::*;

    fn given(message: &str) -> Given<'static> {
        Given { subject: None, message: message.to_owned(), structure: None, attributes: Vec::new() }
    }

    #[test]
    fn each_protocol_has_its_text() {
        let given =
            Given { structure: Some("json"), ..given(r#"{"default":"d","http":"h","email":1,"sqs":"s"}"#) };
        let message = Message::new(given).unwrap();
        assert_eq!(message.text_for(Protocol::Http), "h");
        assert_eq!(message.text_for(Protocol::Https), "d");
        assert_eq!(message.text_for(Protocol::Email), "d");
        for body in [r#"{"http":"h"}"#, "[]", "{"] {
            assert!(Message::new(Given { structure: Some("json"), ..self::given(body) }).is_err(), "{body}");
        }
    }

    #[test]
    fn subjects_are_one_line() {
        for (subject, fits) in [
            ("a", true),
            ("", false),
            (" a", true),
            ("a\nb", false),
            ("a\u{85}b", false),
            ("a\u{2028}b", false),
            ("\u{e4}\u{1f511}", true),
            (&"\u{e4}".repeat(100), true),
            (&"\u{e4}".repeat(101), false),
            (&"a".repeat(100), true),
            (&"a".repeat(101), false),
        ] {
            let given = Given { subject: Some(subject.to_owned()), ..given("x") };
            assert_eq!(Message::new(given).is_ok(), fits, "{subject:?}");
        }
    }

    #[test]
    fn a_message_and_its_attributes_are_bounded_together() {
        assert!(Message::new(given(&"a".repeat(MOST_BYTES))).is_ok());
        assert!(Message::new(given(&"a".repeat(MOST_BYTES + 1))).is_err());
        let value = MessageAttributeValue {
            data_type: "String".to_owned(),
            string_value: Some("v".to_owned()),
            ..Default::default()
        };
        let with = Given { attributes: vec![("n", &value)], ..given(&"a".repeat(MOST_BYTES)) };
        assert!(Message::new(with).is_err());
        assert!(Message::new(given("")).is_err());
    }

    #[test]
    fn attributes_are_what_their_types_say() {
        let value = |data_type: &str, text: Option<&str>, bytes: Option<&[u8]>| MessageAttributeValue {
            data_type: data_type.to_owned(),
            string_value: text.map(str::to_owned),
            binary_value: bytes.map(|bytes| Blob(bytes.to_vec())),
        };
        for (name, value, fits) in [
            ("a", value("String", Some("x"), None), true),
            ("a", value("String.custom", Some("x"), None), true),
            ("a", value("Number", Some("1.5e3"), None), true),
            ("a", value("Number", Some("x"), None), false),
            ("a", value("Binary", None, Some(b"x")), true),
            ("a", value("Binary", Some("x"), None), false),
            ("a", value("String", None, Some(b"x")), false),
            ("a", value("String", Some(""), None), false),
            ("a", value("Text", Some("x"), None), false),
            (".a", value("String", Some("x"), None), false),
            ("a..b", value("String", Some("x"), None), false),
            ("AWS.a", value("String", Some("x"), None), false),
            ("a b", value("String", Some("x"), None), false),
        ] {
            let given = Given { attributes: vec![(name, &value)], ..given("x") };
            assert_eq!(Message::new(given).is_ok(), fits, "{name} {value:?}");
        }
    }
}

//! Attributes of keys as text (CloudHSM User Guide, "key attributes for CloudHSM CLI").

use std::fmt;
use std::str::FromStr;

use serde_json::{Value, json};
use strongroom_crypto::hex;
use strongroom_hsm_proto::command::{
    Attribute, AttributeName, AttributeValue, Curve, KeyClass, KeyType, Template,
};

/// Attributes that one value may hold, in a template.
const MAX_TEMPLATE: usize = 32;

/// What kind of value an attribute has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Flag,
    Number,
    Class,
    Type,
    Curve,
    Text,
    Bytes,
    Template,
}

use AttributeName as A;

/// Every attribute, in the order in which they are shown.
const ATTRIBUTES: &[(AttributeName, &str, Kind)] = &[
    (A::KeyType, "key-type", Kind::Type),
    (A::Label, "label", Kind::Text),
    (A::Id, "id", Kind::Bytes),
    (A::CheckValue, "check-value", Kind::Bytes),
    (A::Class, "class", Kind::Class),
    (A::Encrypt, "encrypt", Kind::Flag),
    (A::Decrypt, "decrypt", Kind::Flag),
    (A::Token, "token", Kind::Flag),
    (A::AlwaysSensitive, "always-sensitive", Kind::Flag),
    (A::Derive, "derive", Kind::Flag),
    (A::Destroyable, "destroyable", Kind::Flag),
    (A::Extractable, "extractable", Kind::Flag),
    (A::Local, "local", Kind::Flag),
    (A::Modifiable, "modifiable", Kind::Flag),
    (A::NeverExtractable, "never-extractable", Kind::Flag),
    (A::Private, "private", Kind::Flag),
    (A::Sensitive, "sensitive", Kind::Flag),
    (A::Sign, "sign", Kind::Flag),
    (A::Trusted, "trusted", Kind::Flag),
    (A::Unwrap, "unwrap", Kind::Flag),
    (A::Verify, "verify", Kind::Flag),
    (A::Wrap, "wrap", Kind::Flag),
    (A::WrapWithTrusted, "wrap-with-trusted", Kind::Flag),
    (A::WrapTemplate, "wrap-template", Kind::Template),
    (A::UnwrapTemplate, "unwrap-template", Kind::Template),
    (A::ValueLength, "key-length-bytes", Kind::Number),
    (A::PublicExponent, "public-exponent", Kind::Bytes),
    (A::Modulus, "modulus", Kind::Bytes),
    (A::ModulusBits, "modulus-size-bits", Kind::Number),
    (A::EcPoint, "ec-point", Kind::Bytes),
    (A::EcParams, "curve", Kind::Curve),
];

const CLASSES: &[(KeyClass, &str)] = &[
    (KeyClass::SecretKey, "secret-key"),
    (KeyClass::PublicKey, "public-key"),
    (KeyClass::PrivateKey, "private-key"),
];

const TYPES: &[(KeyType, &str)] = &[
    (KeyType::Aes, "aes"),
    (KeyType::GenericSecret, "generic-secret"),
    (KeyType::Rsa, "rsa"),
    (KeyType::Ec, "ec"),
    (KeyType::MlDsa, "ml-dsa"),
    (KeyType::Des3, "des3"),
];

/// The first name of a curve is the one that is shown.
const CURVES: &[(Curve, &str)] = &[
    (Curve::Secp256r1, "secp256r1"),
    (Curve::Secp256r1, "prime256v1"),
    (Curve::Secp224r1, "secp224r1"),
    (Curve::Secp384r1, "secp384r1"),
    (Curve::Secp521r1, "secp521r1"),
    (Curve::Secp256k1, "secp256k1"),
    (Curve::Ed25519, "ed25519"),
];

/// The name of an attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Name(pub(crate) AttributeName);

impl Name {
    fn kind(self) -> Kind {
        // Every attribute of the vocabulary is in the table: a test holds that.
        ATTRIBUTES.iter().find(|(name, ..)| *name == self.0).map_or(Kind::Bytes, |(.., kind)| *kind)
    }

    fn text(self) -> &'static str {
        ATTRIBUTES.iter().find(|(name, ..)| *name == self.0).map_or("unknown", |(_, text, _)| text)
    }

    /// Reads a value of this attribute.
    pub(crate) fn read(self, text: &str) -> Result<AttributeValue, String> {
        let bad = |expected: &str| format!("{} takes {expected}, not {text:?}", self.text());
        Ok(match self.kind() {
            Kind::Flag => match text.to_ascii_lowercase().as_str() {
                "true" => AttributeValue::Flag(true),
                "false" => AttributeValue::Flag(false),
                _ => return Err(bad("true or false")),
            },
            Kind::Number => AttributeValue::Number(text.parse().map_err(|_| bad("a number"))?),
            Kind::Class => {
                named(CLASSES, text).ok_or_else(|| bad("secret-key, public-key or private-key"))?
            }
            Kind::Type => named(TYPES, text).ok_or_else(|| bad("a type of key, like aes, rsa or ec"))?,
            Kind::Curve => named(CURVES, text).ok_or_else(|| bad("a curve, like secp256r1"))?,
            Kind::Text => AttributeValue::Bytes(text.as_bytes().to_vec()),
            Kind::Bytes => AttributeValue::Bytes(match text.strip_prefix("0x") {
                Some(digits) => hex::decode(digits).ok_or_else(|| bad("hexadecimal digits after 0x"))?,
                // Ids are often words.
                None if self.0 == A::Id => text.as_bytes().to_vec(),
                None => return Err(bad("hexadecimal digits after 0x")),
            }),
            Kind::Template => AttributeValue::Template(template(text)?),
        })
    }
}

fn named<T: Copy + Into<i32>>(table: &[(T, &str)], text: &str) -> Option<AttributeValue> {
    let (value, _) = table.iter().find(|(_, name)| name.eq_ignore_ascii_case(text))?;
    u64::try_from((*value).into()).ok().map(AttributeValue::Number)
}

/// Reads `NAME=VALUE NAME=VALUE`, also with commas between.
fn template(text: &str) -> Result<Template, String> {
    let attributes = text
        .split([' ', ','])
        .filter(|part| !part.is_empty())
        .take(MAX_TEMPLATE + 1)
        .map(|part| part.parse::<Assignment>().map(Assignment::into_attribute))
        .collect::<Result<Vec<_>, _>>()?;
    if attributes.len() > MAX_TEMPLATE {
        return Err(format!("a template holds at most {MAX_TEMPLATE} attributes"));
    }
    Ok(Template { attributes })
}

impl FromStr for Name {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = ATTRIBUTES.iter().find(|(_, name, _)| *name == text);
        found.map(|(name, ..)| Self(*name)).ok_or_else(|| {
            let names: Vec<_> = ATTRIBUTES.iter().map(|(_, name, _)| *name).collect();
            format!("there is no attribute {text:?}; there are {}", names.join(", "))
        })
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

/// `NAME=VALUE`
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Assignment {
    pub(crate) name: AttributeName,
    pub(crate) value: AttributeValue,
}

impl Assignment {
    pub(crate) fn flag(name: AttributeName, value: bool) -> Self {
        Self { name, value: AttributeValue::Flag(value) }
    }

    pub(crate) fn label(text: &str) -> Self {
        Self { name: A::Label, value: AttributeValue::Bytes(text.as_bytes().to_vec()) }
    }

    pub(crate) fn into_attribute(self) -> Attribute {
        Attribute { name: self.name.into(), value: Some(self.value) }
    }
}

impl FromStr for Assignment {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, value) = text.split_once('=').ok_or("expected NAME=VALUE, like wrap=true")?;
        let name: Name = name.parse()?;
        Ok(Self { name: name.0, value: name.read(value)? })
    }
}

/// An attribute as JSON shows it, with its name.
pub(crate) fn shown(attribute: &Attribute) -> Option<(&'static str, Value)> {
    let name = Name(AttributeName::try_from(attribute.name).ok()?);
    let value = match (name.kind(), attribute.value.as_ref()?) {
        (Kind::Class, AttributeValue::Number(number)) => json!(name_of(CLASSES, *number)),
        (Kind::Type, AttributeValue::Number(number)) => json!(name_of(TYPES, *number)),
        (Kind::Curve, AttributeValue::Number(number)) => json!(name_of(CURVES, *number)),
        (Kind::Text, AttributeValue::Bytes(bytes)) => json!(String::from_utf8_lossy(bytes)),
        (_, AttributeValue::Flag(flag)) => json!(flag),
        (_, AttributeValue::Number(number)) => json!(number),
        (_, AttributeValue::Bytes(bytes)) => json!(format!("0x{}", hex::encode(bytes))),
        (_, AttributeValue::Template(template)) => {
            Value::Object(in_order(template).map(|(name, value)| (name.to_owned(), value)).collect())
        }
    };
    Some((name.text(), value))
}

/// The attributes of a key, in the order in which they are shown.
pub(crate) fn in_order(template: &Template) -> impl Iterator<Item = (&'static str, Value)> {
    ATTRIBUTES.iter().filter_map(|(name, ..)| {
        shown(template.attributes.iter().find(|attribute| attribute.name == i32::from(*name))?)
    })
}

fn name_of<T: Copy + Into<i32>>(table: &[(T, &'static str)], number: u64) -> &'static str {
    table
        .iter()
        .find(|(value, _)| u64::try_from((*value).into()) == Ok(number))
        .map_or("unknown", |(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_attribute_of_the_vocabulary_has_a_name() {
        // The vocabulary's numbers are PKCS#11's, all below this one or at the two templates'.
        let numbers = (0..1_024).chain([1_073_742_353, 1_073_742_354]);
        for name in numbers.filter_map(|number| AttributeName::try_from(number).ok()) {
            assert_ne!(Name(name).text(), "unknown", "{name:?}");
            assert_eq!(Name(name).text().parse(), Ok(Name(name)));
        }
    }

    #[test]
    fn values_are_read_and_shown_alike() {
        for (text, shown_as) in [
            ("encrypt=true", json!(true)),
            ("token=FALSE", json!(false)),
            ("key-length-bytes=32", json!(32)),
            ("class=private-key", json!("private-key")),
            ("key-type=generic-secret", json!("generic-secret")),
            ("curve=prime256v1", json!("secp256r1")),
            ("label=a=b c", json!("a=b c")),
            ("id=0x00ff", json!("0x00ff")),
            ("id=word", json!("0x776f7264")),
            ("unwrap-template=extractable=false,sign=true", json!({"extractable": false, "sign": true})),
        ] {
            let assignment: Assignment = text.parse().unwrap();
            let (name, value) = shown(&assignment.into_attribute()).unwrap();
            assert_eq!((name, value), (text.split_once('=').unwrap().0, shown_as), "{text}");
        }
    }

    #[test]
    fn what_makes_no_sense_says_what_would() {
        for (text, part) in [
            ("encrypt", "NAME=VALUE"),
            ("encrypt=yes", "true or false"),
            ("encrypted=true", "there is no attribute \"encrypted\""),
            ("class=secret", "secret-key, public-key or private-key"),
            ("check-value=9b94bd", "after 0x"),
            ("key-length-bytes=-1", "a number"),
        ] {
            let error = text.parse::<Assignment>().unwrap_err();
            assert!(error.contains(part), "{text}: {error}");
        }
    }
}

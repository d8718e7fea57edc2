//! Templates: the attributes that come with a new key, and those that wrapping keys demand.

use std::collections::HashSet;

use strongroom_hsm_proto::command::{Attribute, AttributeName, AttributeValue, Template};

use super::{Flags, Origin, Sort};
use crate::refusal::Refusal;

/// The most attributes of a template.
const MOST_ATTRIBUTES: usize = 32;
/// The most characters of a label.
const LONGEST_LABEL: usize = 127;
/// The most bytes of an id.
const LONGEST_ID: usize = 128;

/// The attributes of a key that is about to be made.
#[derive(Debug, Default)]
pub(crate) struct Made {
    pub(crate) flags: Flags,
    pub(crate) label: String,
    pub(crate) id: Vec<u8>,
    pub(crate) wrap_template: Option<Template>,
    pub(crate) unwrap_template: Option<Template>,
}

/// Reads the template of a new key: what it says, and the defaults for the rest.
pub(crate) fn read(template: Option<&Template>, sort: Sort, origin: Origin) -> Result<Made, Refusal> {
    let defaults = sort.defaults(origin);
    let mut made = Made { flags: defaults, ..Made::default() };
    for (name, value) in pairs(template)? {
        match (name, value) {
            (name, AttributeValue::Flag(on)) if let Some(flag) = Flags::of(name) => {
                if !sort.choosable(origin).contains(flag) && defaults.contains(flag) != *on {
                    return Err(cannot_be(name, *on));
                }
                made.flags = made.flags.with(flag, *on);
            }
            (AttributeName::Label, AttributeValue::Bytes(bytes)) => made.label = check_label(bytes)?,
            (AttributeName::Id, AttributeValue::Bytes(bytes)) => made.id = check_id(bytes)?,
            (AttributeName::Class, AttributeValue::Number(number)) if *number == sort.class as u64 => {}
            (AttributeName::KeyType, AttributeValue::Number(number)) if *number == sort.key_type as u64 => {}
            (AttributeName::WrapTemplate, AttributeValue::Template(inner)) if sort.has_wrap_template() => {
                made.wrap_template = Some(check_stored_template(inner)?);
            }
            (AttributeName::UnwrapTemplate, AttributeValue::Template(inner))
                if sort.has_unwrap_template() =>
            {
                made.unwrap_template = Some(check_stored_template(inner)?);
            }
            (name, _) => return Err(not_here(name)),
        }
    }
    made.flags = sort.completed(made.flags, origin);
    Ok(made)
}

/// Checks a template that a wrapping key keeps: flags, labels and ids, nothing nested.
pub(crate) fn check_stored_template(template: &Template) -> Result<Template, Refusal> {
    for (name, value) in pairs(Some(template))? {
        match (name, value) {
            (name, AttributeValue::Flag(_)) if Flags::of(name).is_some() => {}
            (AttributeName::Label, AttributeValue::Bytes(bytes)) => {
                check_label(bytes)?;
            }
            (AttributeName::Id, AttributeValue::Bytes(bytes)) => {
                check_id(bytes)?;
            }
            (AttributeName::Class | AttributeName::KeyType, AttributeValue::Number(_)) => {}
            (name, _) => return Err(not_here(name)),
        }
    }
    Ok(template.clone())
}

/// Checks a label.
pub(crate) fn check_label(bytes: &[u8]) -> Result<String, Refusal> {
    match std::str::from_utf8(bytes) {
        Ok(label) if label.chars().count() <= LONGEST_LABEL => Ok(label.to_owned()),
        Ok(_) => Err(Refusal::invalid_attribute("A label has at most 127 characters")),
        Err(_) => Err(Refusal::invalid_attribute("A label is UTF-8 text")),
    }
}

pub(super) fn check_id(bytes: &[u8]) -> Result<Vec<u8>, Refusal> {
    if bytes.len() > LONGEST_ID {
        return Err(Refusal::invalid_attribute("An id has at most 128 bytes"));
    }
    Ok(bytes.to_vec())
}

/// The attributes of a template, each known, with a value and once.
pub(crate) fn pairs(template: Option<&Template>) -> Result<Vec<(AttributeName, &AttributeValue)>, Refusal> {
    let attributes = template.map_or(&[][..], |template| &template.attributes);
    if attributes.len() > MOST_ATTRIBUTES {
        return Err(Refusal::invalid_attribute("A template has at most 32 attributes"));
    }
    let mut seen = HashSet::new();
    attributes
        .iter()
        .map(|attribute| {
            let (name, value) = pair(attribute)?;
            if seen.insert(name) {
                Ok((name, value))
            } else {
                Err(Refusal::invalid_attribute("A template has each attribute once"))
            }
        })
        .collect()
}

/// An attribute's name and value.
pub(super) fn pair(attribute: &Attribute) -> Result<(AttributeName, &AttributeValue), Refusal> {
    let name = AttributeName::try_from(attribute.name)
        .map_err(|_| Refusal::invalid_attribute("The attribute is unknown"))?;
    let value =
        attribute.value.as_ref().ok_or_else(|| Refusal::invalid_attribute("An attribute has no value"))?;
    Ok((name, value))
}

/// AWS's name of an attribute.
pub(super) const fn spelled(name: AttributeName) -> &'static str {
    match name {
        AttributeName::Class => "class",
        AttributeName::Token => "token",
        AttributeName::Private => "private",
        AttributeName::Label => "label",
        AttributeName::Trusted => "trusted",
        AttributeName::CheckValue => "check-value",
        AttributeName::KeyType => "key-type",
        AttributeName::Id => "id",
        AttributeName::Sensitive => "sensitive",
        AttributeName::Encrypt => "encrypt",
        AttributeName::Decrypt => "decrypt",
        AttributeName::Wrap => "wrap",
        AttributeName::Unwrap => "unwrap",
        AttributeName::Sign => "sign",
        AttributeName::Verify => "verify",
        AttributeName::Derive => "derive",
        AttributeName::Modulus => "modulus",
        AttributeName::ModulusBits => "modulus-size-bits",
        AttributeName::PublicExponent => "public-exponent",
        AttributeName::ValueLength => "key-length-bytes",
        AttributeName::Extractable => "extractable",
        AttributeName::Local => "local",
        AttributeName::NeverExtractable => "never-extractable",
        AttributeName::AlwaysSensitive => "always-sensitive",
        AttributeName::Modifiable => "modifiable",
        AttributeName::Destroyable => "destroyable",
        AttributeName::EcParams => "curve",
        AttributeName::EcPoint => "ec-point",
        AttributeName::WrapWithTrusted => "wrap-with-trusted",
        AttributeName::WrapTemplate => "wrap-template",
        AttributeName::UnwrapTemplate => "unwrap-template",
    }
}

fn cannot_be(name: AttributeName, value: bool) -> Refusal {
    Refusal::invalid_attribute(format!("The attribute {} cannot be {value} for this key", spelled(name)))
}

fn not_here(name: AttributeName) -> Refusal {
    Refusal::invalid_attribute(format!("The attribute {} cannot be given here", spelled(name)))
}

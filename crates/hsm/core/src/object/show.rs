//! What may be known of a key.

use strongroom_hsm_proto::command::{
    Attribute, AttributeName, AttributeValue, KeyClass, KeyDescription, KeyQuorum, KeyType, Template,
};

use super::Flags;
use super::public::{bit_string, rsa_numbers};
use crate::effect::KeyRecord;

/// Every attribute, in the order of their numbers.
const SHOWN: [AttributeName; 31] = [
    AttributeName::Class,
    AttributeName::Token,
    AttributeName::Private,
    AttributeName::Label,
    AttributeName::Trusted,
    AttributeName::CheckValue,
    AttributeName::KeyType,
    AttributeName::Id,
    AttributeName::Sensitive,
    AttributeName::Encrypt,
    AttributeName::Decrypt,
    AttributeName::Wrap,
    AttributeName::Unwrap,
    AttributeName::Sign,
    AttributeName::Verify,
    AttributeName::Derive,
    AttributeName::Modulus,
    AttributeName::ModulusBits,
    AttributeName::PublicExponent,
    AttributeName::ValueLength,
    AttributeName::Extractable,
    AttributeName::Local,
    AttributeName::NeverExtractable,
    AttributeName::AlwaysSensitive,
    AttributeName::Modifiable,
    AttributeName::Destroyable,
    AttributeName::EcParams,
    AttributeName::EcPoint,
    AttributeName::WrapWithTrusted,
    AttributeName::WrapTemplate,
    AttributeName::UnwrapTemplate,
];

/// Describes a key.
pub(crate) fn describe(record: &KeyRecord) -> KeyDescription {
    let attributes = SHOWN
        .into_iter()
        .filter_map(|name| Some(Attribute { name: name.into(), value: Some(attribute(record, name)?) }));
    KeyDescription {
        key: record.handle,
        owner: record.owner.clone(),
        shared_with: record.shared_with.clone(),
        quorum: Some(KeyQuorum { manage: record.manage_quorum, usage: record.use_quorum }),
        attributes: Some(Template { attributes: attributes.collect() }),
        public_key: record.public.clone(),
        of_session: !record.has(Flags::TOKEN),
    }
}

/// The value of an attribute; none where the key has no such attribute.
pub(crate) fn attribute(record: &KeyRecord, name: AttributeName) -> Option<AttributeValue> {
    if let Some(flag) = Flags::of(name) {
        return Some(AttributeValue::Flag(record.has(flag)));
    }
    let rsa = record.is_type(KeyType::Rsa);
    let value = match name {
        AttributeName::Class => AttributeValue::Number(record.class as u64),
        AttributeName::KeyType => AttributeValue::Number(record.key_type as u64),
        AttributeName::Label => AttributeValue::Bytes(record.label.clone().into_bytes()),
        AttributeName::Id => AttributeValue::Bytes(record.id.clone()),
        AttributeName::ValueLength => AttributeValue::Number(record.length.into()),
        AttributeName::CheckValue if !record.check_value.is_empty() => {
            AttributeValue::Bytes(record.check_value.clone())
        }
        AttributeName::Modulus if rsa => AttributeValue::Bytes(rsa_numbers(&record.public)?.0.to_vec()),
        AttributeName::PublicExponent if rsa => {
            AttributeValue::Bytes(rsa_numbers(&record.public)?.1.to_vec())
        }
        AttributeName::ModulusBits if rsa => AttributeValue::Number(record.parameter.into()),
        // Of ML-DSA keys the parameter set stands in the place of the curve.
        AttributeName::EcParams if record.curve().is_some() || record.ml_dsa_set().is_some() => {
            AttributeValue::Number(record.parameter.into())
        }
        AttributeName::EcPoint if record.is_type(KeyType::Ec) => {
            AttributeValue::Bytes(bit_string(&record.public)?.to_vec())
        }
        AttributeName::WrapTemplate => AttributeValue::Template(record.wrap_template.clone()?),
        AttributeName::UnwrapTemplate => AttributeValue::Template(record.unwrap_template.clone()?),
        _ => return None,
    };
    Some(value)
}

impl KeyRecord {
    /// What sort of key it is; none for one that this version does not know.
    pub(crate) fn sort(&self) -> Option<super::Sort> {
        Some(super::Sort {
            class: KeyClass::try_from(self.class).ok()?,
            key_type: KeyType::try_from(self.key_type).ok()?,
        })
    }
}

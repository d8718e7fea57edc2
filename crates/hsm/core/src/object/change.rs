//! How attributes may change after a key is made.

use strongroom_hsm_proto::command::{Attribute, AttributeName, AttributeValue, KeyClass};

use super::template::{check_id, pair, spelled};
use super::{Flags, Sort, check_label, check_stored_template};
use crate::effect::KeyRecord;
use crate::refusal::Refusal;

/// Gives `record` with the attribute changed; or, where the attribute has that value already, as it is.
///
/// Whose key it is, is the caller's matter. `trusted` is an administrator's to set, and nothing else is.
pub(crate) fn change(
    record: &KeyRecord,
    attribute: &Attribute,
    by_administrator: bool,
) -> Result<KeyRecord, Refusal> {
    let (name, value) = pair(attribute)?;
    if (name == AttributeName::Trusted) != by_administrator {
        return Err(Refusal::forbidden(if by_administrator {
            "An admin can change the attribute trusted only"
        } else {
            "Only an admin can change the attribute trusted"
        }));
    }
    if !by_administrator && !record.has(Flags::MODIFIABLE) {
        return Err(Refusal::key_forbids("The key is not modifiable"));
    }
    let sort = record.sort().ok_or_else(|| Refusal::invalid_attribute("The key is of an unknown sort"))?;
    let mut changed = record.clone();
    match (name, value) {
        (AttributeName::Label, AttributeValue::Bytes(bytes)) => changed.label = check_label(bytes)?,
        (AttributeName::Id, AttributeValue::Bytes(bytes)) => changed.id = check_id(bytes)?,
        (AttributeName::WrapTemplate, AttributeValue::Template(template)) if sort.has_wrap_template() => {
            changed.wrap_template = Some(check_stored_template(template)?);
        }
        (AttributeName::UnwrapTemplate, AttributeValue::Template(template)) if sort.has_unwrap_template() => {
            changed.unwrap_template = Some(check_stored_template(template)?);
        }
        (name, AttributeValue::Flag(on)) if let Some(flag) = Flags::of(name) => {
            let flags = Flags::from_bits(record.flags);
            if flags.contains(flag) != *on && !may_become(sort, name, flag, *on) {
                return Err(Refusal::invalid_attribute(format!(
                    "The attribute {} cannot be set to {on}",
                    spelled(name)
                )));
            }
            changed.flags = flags.with(flag, *on).bits();
        }
        (name, _) => {
            return Err(Refusal::invalid_attribute(format!(
                "The attribute {} cannot be changed",
                spelled(name)
            )));
        }
    }
    Ok(changed)
}

/// Whether a flag that is `!on` may become `on`.
fn may_become(sort: Sort, name: AttributeName, flag: Flags, on: bool) -> bool {
    match name {
        AttributeName::Derive => sort.class != KeyClass::PublicKey && sort.usable().contains(flag),
        AttributeName::Encrypt
        | AttributeName::Decrypt
        | AttributeName::Sign
        | AttributeName::Verify
        | AttributeName::Wrap
        | AttributeName::Unwrap => sort.usable().contains(flag),
        AttributeName::Trusted => sort.class != KeyClass::PrivateKey,
        AttributeName::Destroyable => true,
        AttributeName::Token => on,
        AttributeName::Sensitive | AttributeName::WrapWithTrusted => on && sort.class != KeyClass::PublicKey,
        AttributeName::Extractable => !on && sort.class != KeyClass::PublicKey,
        AttributeName::Modifiable => !on,
        _ => false,
    }
}

//! What CreateKey says a key shall be made of and made for.

use strongroom_api_kms::{CreateKeyRequest, KeySpec as Named};
use strongroom_identity::RequestContext;

use crate::domain::spec::{KeySpec, KeyUsage};
use crate::error::Refusal;

/// The spec and the usage that the request asks for, with the defaults.
pub(super) fn asked_for(input: &CreateKeyRequest) -> Result<(KeySpec, KeyUsage), Refusal> {
    let spec = spec(input)?;
    let usage = match &input.key_usage {
        Some(usage) => KeyUsage::parse(usage.as_str()).ok_or_else(|| unknown("KeyUsage", usage.as_str()))?,
        None if spec.is_symmetric() => KeyUsage::EncryptDecrypt,
        None => {
            return Err(Refusal::Validation(
                "You must specify a KeyUsage value for all KMS keys except for symmetric encryption keys."
                    .to_owned(),
            ));
        }
    };
    if !spec.serves(usage) {
        return Err(Refusal::Validation(format!(
            "KeyUsage {} is not compatible with KeySpec {}",
            usage.as_str(),
            spec.as_str()
        )));
    }
    // AWS offers it in its Regions in China only.
    if spec == KeySpec::Sm2 {
        return Err(unsupported_here(spec.as_str()));
    }
    Ok((spec, usage))
}

/// Notes what the record of CreateKey shows although the caller left it out: each of the two names of the spec,
/// and the usage.
pub(super) fn note_defaults(context: &RequestContext, input: &CreateKeyRequest) {
    let default = Named::SymmetricDefault.as_str();
    let (spec, old_spec) = (&input.key_spec, &input.customer_master_key_spec);
    if old_spec.is_none() {
        context.defaulted("customerMasterKeySpec", spec.as_ref().map_or(default, Named::as_str));
    }
    if spec.is_none() {
        context.defaulted("keySpec", old_spec.as_ref().map_or(default, |spec| spec.as_str()));
    }
    if input.key_usage.is_none() {
        context.defaulted("keyUsage", KeyUsage::EncryptDecrypt.as_str());
    }
}

/// What AWS answers for specs that a Region does not have.
pub(super) fn unsupported_here(spec: &str) -> Refusal {
    Refusal::Unsupported(Some(format!("KeySpec {spec} is not supported in this Region")))
}

fn spec(input: &CreateKeyRequest) -> Result<KeySpec, Refusal> {
    let name = match (&input.key_spec, &input.customer_master_key_spec) {
        (Some(_), Some(_)) => {
            return Err(Refusal::Validation(
                "You cannot specify KeySpec and CustomerMasterKeySpec in the same request. CustomerMasterKeySpec is \
                 deprecated."
                    .to_owned(),
            ));
        }
        (Some(spec), None) => spec.as_str(),
        (None, Some(spec)) => spec.as_str(),
        (None, None) => return Ok(KeySpec::SymmetricDefault),
    };
    KeySpec::parse(name).ok_or_else(|| unknown("KeySpec", name))
}

/// A name that the schema lets through and nobody here knows.
fn unknown(member: &str, name: &str) -> Refusal {
    Refusal::Validation(format!("{member} {name} is unknown."))
}

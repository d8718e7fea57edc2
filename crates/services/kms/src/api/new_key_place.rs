//! Where CreateKey says that a key's material shall be: its origin, and the custom key store.

use serde_json::Value;
use strongroom_api_kms::{CreateKeyRequest, OriginType};

use crate::domain::origin::Origin;
use crate::domain::spec::KeySpec;
use crate::error::Refusal;

/// How people spell `AWS_CLOUDHSM`.
const SPELT: &str = "CLOUDHSM";

/// Where the key's materials come from, and the custom key store that the request names, if that is it. With `strict`, what AWS has no keys for in
/// custom key stores is refused, and so is the other spelling of the origin.
pub(super) fn asked_for(
    input: &CreateKeyRequest,
    spec: KeySpec,
    strict: bool,
) -> Result<(Origin, Option<String>), Refusal> {
    let in_cluster = || Ok((Origin::CustomKeyStore, Some(in_cluster(input, spec, strict)?)));
    match &input.origin {
        None | Some(OriginType::AwsKms) => in_no_store(input, Origin::AwsKms),
        Some(OriginType::External) => {
            // KMS Developer Guide, "Importing key material": not for these. The text is ours.
            if spec.is_post_quantum() {
                return Err(Refusal::Unsupported(Some(format!(
                    "KeySpec {} is not supported for Origin EXTERNAL.",
                    spec.as_str()
                ))));
            }
            in_no_store(input, Origin::External)
        }
        Some(OriginType::AwsCloudhsm) => in_cluster(),
        Some(origin) if origin.as_str() == SPELT => {
            if strict {
                return Err(Refusal::Validation(format!(
                    "1 validation error detected: Value '{SPELT}' at 'origin' failed to satisfy constraint: Member must \
                     satisfy enum value set: [AWS_KMS, EXTERNAL, AWS_CLOUDHSM, EXTERNAL_KEY_STORE]"
                )));
            }
            in_cluster()
        }
        Some(_) => Err(Refusal::NotYet("keys in external key stores")),
    }
}

/// The origin that the request asks for, as AWS spells it.
pub(super) fn origin(input: &CreateKeyRequest) -> &str {
    match &input.origin {
        None => OriginType::AwsKms.as_str(),
        Some(origin) if origin.as_str() == SPELT => OriginType::AwsCloudhsm.as_str(),
        Some(origin) => origin.as_str(),
    }
}

fn in_no_store(input: &CreateKeyRequest, origin: Origin) -> Result<(Origin, Option<String>), Refusal> {
    if input.custom_key_store_id.is_some() {
        return Err(Refusal::Validation(
            "CustomKeyStoreId can only be specified with Origin AWS_CLOUDHSM or EXTERNAL_KEY_STORE."
                .to_owned(),
        ));
    }
    expect_no_xks_key(input)?;
    Ok((origin, None))
}

fn in_cluster(input: &CreateKeyRequest, spec: KeySpec, strict: bool) -> Result<String, Refusal> {
    let store = input.custom_key_store_id.clone().ok_or_else(|| {
        Refusal::Validation("You must specify a CustomKeyStoreId with Origin AWS_CLOUDHSM.".to_owned())
    })?;
    expect_no_xks_key(input)?;
    if input.multi_region == Some(true) {
        return Err(Refusal::Unsupported(Some(
            "You cannot create a multi-Region key in a custom key store.".to_owned(),
        )));
    }
    if strict && !spec.is_symmetric() {
        return Err(Refusal::Unsupported(Some(
            "KeySpec must be SYMMETRIC_DEFAULT for a key in a custom key store.".to_owned(),
        )));
    }
    Ok(store)
}

fn expect_no_xks_key(input: &CreateKeyRequest) -> Result<(), Refusal> {
    match input.xks_key_id {
        None => Ok(()),
        Some(_) => Err(Refusal::Validation(
            "XksKeyId can only be specified with Origin EXTERNAL_KEY_STORE.".to_owned(),
        )),
    }
}

/// The parameters of a KMS call as its record shows them: the origin as AWS spells it.
pub fn spell_origin(parameters: String) -> String {
    if !parameters.contains(SPELT) {
        return parameters;
    }
    let Ok(mut shown) = serde_json::from_str::<Value>(&parameters) else { return parameters };
    match shown.get_mut("origin") {
        Some(origin) if origin == SPELT => {
            *origin = OriginType::AwsCloudhsm.as_str().into();
            shown.to_string()
        }
        _ => parameters,
    }
}

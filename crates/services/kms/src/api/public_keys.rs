//! Public halves of pairs.

use strongroom_api_kms::{
    CustomerMasterKeySpec, GetPublicKeyRequest, GetPublicKeyResponse, KeySpec, KeyUsageType, actions,
};
use strongroom_identity::RequestContext;
use strongroom_policy::Authorized;
use strongroom_schema::Blob;

use super::algorithms::Algorithms;
use super::asked;
use super::cryptography::permitted;
use crate::KeyManagement;
use crate::domain::key::SharedKey;
use crate::error::Refusal;

/// A public key is no secret and computes nothing: a disabled key gives it too.
pub(super) async fn get_public_key(
    kms: &KeyManagement,
    context: &RequestContext,
    input: GetPublicKeyRequest,
) -> Result<GetPublicKeyResponse, Refusal> {
    kms.check_grant_tokens(input.grant_tokens.as_deref())?;
    context.ask(asked::key_id(&input.key_id));
    let key = kms.find::<actions::GetPublicKey>(context, &input.key_id).await?;
    let key: Authorized<actions::GetPublicKey, SharedKey> = permitted(kms, context, key)?;
    let public_key = KeyManagement::public_key(&key)?;
    let key = key.resource();
    let algorithms = Algorithms::of(key.spec, key.usage);
    Ok(GetPublicKeyResponse {
        key_id: Some(key.arn.clone()),
        public_key: Some(Blob(public_key)),
        customer_master_key_spec: Some(CustomerMasterKeySpec::from(key.spec.as_str())),
        key_spec: Some(KeySpec::from(key.spec.as_str())),
        key_usage: Some(KeyUsageType::from(key.usage.as_str())),
        encryption_algorithms: algorithms.encryption,
        signing_algorithms: algorithms.signing,
        key_agreement_algorithms: algorithms.key_agreement,
        encapsulation_algorithms: algorithms.encapsulation,
    })
}

//! Secrets agreed on with the holders of other keys.

use strongroom_api_kms::{DeriveSharedSecretRequest, DeriveSharedSecretResponse, OriginType, actions};
use strongroom_identity::RequestContext;
use strongroom_policy::Authorized;

use super::cryptography::usable_for;
use super::recipient::{Enclave, attested, given};
use super::{algorithms, asked};
use crate::KeyManagement;
use crate::domain::spec::{KeyAgreementAlgorithm, KeyUsage};
use crate::error::Refusal;

pub(super) async fn derive_shared_secret(
    kms: &KeyManagement,
    context: &RequestContext,
    input: DeriveSharedSecretRequest,
) -> Result<DeriveSharedSecretResponse, Refusal> {
    let enclave = Enclave::named(kms, context, input.recipient.as_ref())?;
    kms.check_grant_tokens(input.grant_tokens.as_deref())?;
    context.ask(attested(enclave.as_ref(), asked::derive_shared_secret(&input)));
    let key = kms.find::<actions::DeriveSharedSecret>(context, &input.key_id).await?;
    let key: Authorized<actions::DeriveSharedSecret, _> =
        usable_for(kms, context, key, KeyUsage::KeyAgreement)?;
    let KeyAgreementAlgorithm::Ecdh =
        algorithms::key_agreement(key.resource(), &input.key_agreement_algorithm)?;
    let peer = key.resource().spec.peer(&input.public_key.0)?;
    if input.dry_run == Some(true) {
        return Err(kms.dry_run(key.resource()).await);
    }
    let secret = kms.derive_shared_secret(&key, &peer).await?;
    let given = given(enclave.as_ref(), &secret)?;
    let key = key.resource();
    Ok(DeriveSharedSecretResponse {
        key_id: Some(key.arn.clone()),
        shared_secret: given.plaintext,
        ciphertext_for_recipient: given.ciphertext_for_recipient,
        key_agreement_algorithm: Some(input.key_agreement_algorithm),
        key_origin: Some(OriginType::from(key.origin().as_str())),
    })
}

//! Secrets that are encapsulated for a key, and taken out again (ML-KEM, FIPS 203).
//!
//! A ciphertext that was altered, or made for another key, gives a secret all the same, which nobody else has: so says
//! the standard, and AWS's documentation of Decapsulate. Its length alone can be wrong.

use strongroom_api_kms::{
    DecapsulateRequest, DecapsulateResponse, EncapsulateRequest, EncapsulateResponse, actions,
};
use strongroom_identity::RequestContext;
use strongroom_policy::Authorized;
use strongroom_schema::Blob;

use super::cryptography::{secret_blob, usable_for};
use super::{algorithms, asked};
use crate::KeyManagement;
use crate::domain::spec::{EncapsulationAlgorithm, KeyUsage};
use crate::error::Refusal;

pub(super) async fn encapsulate(
    kms: &KeyManagement,
    context: &RequestContext,
    input: EncapsulateRequest,
) -> Result<EncapsulateResponse, Refusal> {
    kms.check_grant_tokens(input.grant_tokens.as_deref())?;
    context.ask(asked::key_id(&input.key_id));
    let key = kms.find::<actions::Encapsulate>(context, &input.key_id).await?;
    let key: Authorized<actions::Encapsulate, _> =
        usable_for(kms, context, key, KeyUsage::EncapsulateDecapsulate)?;
    let EncapsulationAlgorithm::MlKem =
        algorithms::encapsulation(key.resource(), &input.encapsulation_algorithm)?;
    if input.dry_run == Some(true) {
        return Err(kms.dry_run(key.resource()).await);
    }
    let made = kms.encapsulate(&key).await?;
    Ok(EncapsulateResponse {
        key_id: Some(key.resource().arn.clone()),
        shared_secret: Some(secret_blob(&made.secret)),
        shared_secret_ciphertext_blob: Some(Blob(made.ciphertext)),
        encapsulation_algorithm: Some(input.encapsulation_algorithm),
    })
}

pub(super) async fn decapsulate(
    kms: &KeyManagement,
    context: &RequestContext,
    input: DecapsulateRequest,
) -> Result<DecapsulateResponse, Refusal> {
    kms.check_grant_tokens(input.grant_tokens.as_deref())?;
    context.ask(asked::key_id(&input.key_id));
    let key = kms.find::<actions::Decapsulate>(context, &input.key_id).await?;
    let key: Authorized<actions::Decapsulate, _> =
        usable_for(kms, context, key, KeyUsage::EncapsulateDecapsulate)?;
    let EncapsulationAlgorithm::MlKem =
        algorithms::encapsulation(key.resource(), &input.encapsulation_algorithm)?;
    // A dry run does all but answer.
    let secret = kms.decapsulate(&key, &input.shared_secret_ciphertext_blob.0).await?;
    if input.dry_run == Some(true) {
        return Err(Refusal::DryRun);
    }
    Ok(DecapsulateResponse {
        key_id: Some(key.resource().arn.clone()),
        shared_secret: Some(secret_blob(&secret)),
        encapsulation_algorithm: Some(input.encapsulation_algorithm),
    })
}

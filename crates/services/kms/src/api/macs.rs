//! Message authentication codes: made, and verified.

use strongroom_api_kms::{
    GenerateMacRequest, GenerateMacResponse, VerifyMacRequest, VerifyMacResponse, actions,
};
use strongroom_identity::RequestContext;
use strongroom_policy::Authorized;
use strongroom_schema::Blob;

use super::cryptography::usable_for;
use super::{algorithms, asked};
use crate::KeyManagement;
use crate::domain::spec::KeyUsage;
use crate::error::Refusal;

pub(super) async fn generate_mac(
    kms: &KeyManagement,
    context: &RequestContext,
    input: GenerateMacRequest,
) -> Result<GenerateMacResponse, Refusal> {
    kms.check_grant_tokens(input.grant_tokens.as_deref())?;
    context.ask(asked::generate_mac(&input));
    let key = kms.find::<actions::GenerateMac>(context, &input.key_id).await?;
    let key: Authorized<actions::GenerateMac, _> =
        usable_for(kms, context, key, KeyUsage::GenerateVerifyMac)?;
    let algorithm = algorithms::mac(key.resource(), &input.mac_algorithm)?;
    if input.dry_run == Some(true) {
        return Err(kms.dry_run(key.resource()).await);
    }
    let mac = kms.generate_mac(&key, algorithm, &input.message.expose().0).await?;
    Ok(GenerateMacResponse {
        mac: Some(Blob(mac)),
        mac_algorithm: Some(input.mac_algorithm),
        key_id: Some(key.resource().arn.clone()),
    })
}

pub(super) async fn verify_mac(
    kms: &KeyManagement,
    context: &RequestContext,
    input: VerifyMacRequest,
) -> Result<VerifyMacResponse, Refusal> {
    kms.check_grant_tokens(input.grant_tokens.as_deref())?;
    context.ask(asked::verify_mac(&input));
    let key = kms.find::<actions::VerifyMac>(context, &input.key_id).await?;
    let key: Authorized<actions::VerifyMac, _> = usable_for(kms, context, key, KeyUsage::GenerateVerifyMac)?;
    let algorithm = algorithms::mac(key.resource(), &input.mac_algorithm)?;
    // A dry run does all but answer.
    kms.verify_mac(&key, algorithm, &input.message.expose().0, &input.mac.0).await?;
    if input.dry_run == Some(true) {
        return Err(Refusal::DryRun);
    }
    Ok(VerifyMacResponse {
        key_id: Some(key.resource().arn.clone()),
        mac_valid: Some(true),
        mac_algorithm: Some(input.mac_algorithm),
    })
}

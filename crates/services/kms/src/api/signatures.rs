//! Signing, and verifying signatures.
//!
//! The order of checks is AWS's: the key, permission, what the key is for, its state, the algorithm, the form and
//! length of the message, and the cryptography last.

use strongroom_api_kms::{
    MessageType, SignRequest, SignResponse, SigningAlgorithmSpec, VerifyRequest, VerifyResponse, actions,
};
use strongroom_identity::RequestContext;
use strongroom_policy::Authorized;
use strongroom_schema::Blob;

use super::cryptography::usable_for;
use super::{algorithms, asked};
use crate::KeyManagement;
use crate::domain::key::Key;
use crate::domain::spec::{self, KeyUsage, MessageForm, Signed, SigningAlgorithm};
use crate::error::Refusal;

pub(super) async fn sign(
    kms: &KeyManagement,
    context: &RequestContext,
    input: SignRequest,
) -> Result<SignResponse, Refusal> {
    kms.check_grant_tokens(input.grant_tokens.as_deref())?;
    note_message_type(context, input.message_type.as_ref());
    context.ask(asked::sign(&input));
    let key = kms.find::<actions::Sign>(context, &input.key_id).await?;
    let key: Authorized<actions::Sign, _> = usable_for(kms, context, key, KeyUsage::SignVerify)?;
    let (algorithm, signed) = what_is_signed(
        key.resource(),
        &input.signing_algorithm,
        input.message_type.as_ref(),
        &input.message.expose().0,
    )?;
    if input.dry_run == Some(true) {
        return Err(kms.dry_run(key.resource()).await);
    }
    let signature = kms.sign(&key, algorithm, signed).await?;
    Ok(SignResponse {
        key_id: Some(key.resource().arn.clone()),
        signature: Some(Blob(signature)),
        signing_algorithm: Some(input.signing_algorithm),
    })
}

pub(super) async fn verify(
    kms: &KeyManagement,
    context: &RequestContext,
    input: VerifyRequest,
) -> Result<VerifyResponse, Refusal> {
    kms.check_grant_tokens(input.grant_tokens.as_deref())?;
    note_message_type(context, input.message_type.as_ref());
    context.ask(asked::verify(&input));
    let key = kms.find::<actions::Verify>(context, &input.key_id).await?;
    let key: Authorized<actions::Verify, _> = usable_for(kms, context, key, KeyUsage::SignVerify)?;
    let (algorithm, signed) = what_is_signed(
        key.resource(),
        &input.signing_algorithm,
        input.message_type.as_ref(),
        &input.message.expose().0,
    )?;
    // A dry run does all but answer.
    kms.verify(&key, algorithm, signed, &input.signature.0).await?;
    if input.dry_run == Some(true) {
        return Err(Refusal::DryRun);
    }
    Ok(VerifyResponse {
        key_id: Some(key.resource().arn.clone()),
        signature_valid: Some(true),
        signing_algorithm: Some(input.signing_algorithm),
    })
}

fn what_is_signed<'m>(
    key: &Key,
    algorithm: &SigningAlgorithmSpec,
    form: Option<&MessageType>,
    message: &'m [u8],
) -> Result<(SigningAlgorithm, Signed<'m>), Refusal> {
    let algorithm = algorithms::signing(key, algorithm)?;
    let form = match form {
        None | Some(MessageType::Raw) => MessageForm::Raw,
        Some(MessageType::Digest) => MessageForm::Digest,
        Some(MessageType::ExternalMu) => MessageForm::ExternalMu,
        Some(other) => {
            return Err(Refusal::Validation(format!("MessageType {} is unknown.", other.as_str())));
        }
    };
    Ok((algorithm, spec::signed(key.spec, algorithm, form, message)?))
}

/// Records show the type of the message also where the caller left it to its default.
fn note_message_type(context: &RequestContext, form: Option<&MessageType>) {
    if form.is_none() {
        context.defaulted("messageType", MessageType::Raw.as_str());
    }
}

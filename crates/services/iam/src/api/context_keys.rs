//! The condition keys that policies ask for: what a simulation of them has to state.

use strongroom_api_iam::{self as iam, actions};
use strongroom_identity::RequestContext;
use strongroom_policy::document::{ContextKeyNames, Document, Kind as DocumentKind};

use crate::IdentityManagement;
use crate::domain::simulation::source::of_entity;
use crate::domain::simulation::subject::EntityArn;
use crate::error::Refusal;
use crate::targets::Target;

pub(super) async fn get_context_keys_for_custom_policy(
    identities: &IdentityManagement,
    context: &RequestContext,
    input: iam::GetContextKeysForCustomPolicyRequest,
) -> Result<iam::GetContextKeysForPolicyResponse, Refusal> {
    identities.read::<actions::GetContextKeysForCustomPolicy>(context, &[Target::Account]).await?;
    let mut names = ContextKeyNames::default();
    add(&mut names, &input.policy_input_list)?;
    Ok(iam::GetContextKeysForPolicyResponse { context_key_names: Some(names.into_vec()) })
}

/// Boundaries are not among the policies that AWS looks at here.
pub(super) async fn get_context_keys_for_principal_policy(
    identities: &IdentityManagement,
    context: &RequestContext,
    input: iam::GetContextKeysForPrincipalPolicyRequest,
) -> Result<iam::GetContextKeysForPolicyResponse, Refusal> {
    let source = EntityArn::expect(&input.policy_source_arn)?;
    let target = Target::One(source.kind, source.name);
    let directory = identities.read::<actions::GetContextKeysForPrincipalPolicy>(context, &[target]).await?;
    let entry = source.find(&directory).ok_or_else(|| source.kind.not_found(source.name))?;
    let mut names = ContextKeyNames::default();
    for attached in of_entity(&directory, entry) {
        // What does not read asks for nothing.
        if let Some(Ok(document)) = attached.text.map(|text| Document::parse(text, DocumentKind::Identity)) {
            names.add_document(&document);
        }
    }
    add(&mut names, &input.policy_input_list.unwrap_or_default())?;
    Ok(iam::GetContextKeysForPolicyResponse { context_key_names: Some(names.into_vec()) })
}

fn add(names: &mut ContextKeyNames, texts: &[String]) -> Result<(), Refusal> {
    for text in texts {
        let document = Document::parse(text, DocumentKind::Identity)
            .map_err(|error| Refusal::invalid_input(error.iam_message()))?;
        names.add_document(&document);
    }
    Ok(())
}

//! Materials that owners of keys bring.

use strongroom_api_kms::{
    AlgorithmSpec, DeleteImportedKeyMaterialRequest, DeleteImportedKeyMaterialResponse, ExpirationModelType,
    GetParametersForImportRequest, GetParametersForImportResponse, ImportKeyMaterialRequest,
    ImportKeyMaterialResponse, ImportType, WrappingKeySpec as NamedKeySpec, actions,
};
use strongroom_crypto::hex;
use strongroom_identity::RequestContext;
use strongroom_schema::{Blob, Timestamp};
use strongroom_secret::Secret;

use super::asked;
use crate::KeyManagement;
use crate::domain::importing::ImportTerms;
use crate::domain::key::{Key, MaterialId};
use crate::domain::wrapping::{WrappingAlgorithm, WrappingKeySpec};
use crate::error::Refusal;

/// How far ahead the end of a material may be, in milliseconds: 365 days.
const LONGEST_MS: i64 = 365 * 24 * 60 * 60 * 1000;

pub(super) async fn get_parameters_for_import(
    kms: &KeyManagement,
    context: &RequestContext,
    input: GetParametersForImportRequest,
) -> Result<GetParametersForImportResponse, Refusal> {
    context.ask(asked::get_parameters_for_import(&input));
    let key = kms.permitted::<actions::GetParametersForImport>(context, &input.key_id).await?;
    key.resource().expect_imported_origin()?;
    let algorithm = algorithm(&input.wrapping_algorithm)?;
    let under = key_spec(&input.wrapping_key_spec)?;
    let parameters = kms.import_parameters(context, &key, algorithm, under).await?;
    Ok(GetParametersForImportResponse {
        key_id: Some(key.resource().arn.clone()),
        import_token: Some(Blob(parameters.token)),
        public_key: Some(Secret::new(Blob(parameters.public_key))),
        parameters_valid_to: Some(Timestamp::from_millis(parameters.valid_to_ms)),
    })
}

pub(super) async fn import_key_material(
    kms: &KeyManagement,
    context: &RequestContext,
    input: ImportKeyMaterialRequest,
) -> Result<ImportKeyMaterialResponse, Refusal> {
    context.ask(asked::import_key_material(&input));
    let terms = terms(&input, context.now_ms)?;
    let key = kms.permitted::<actions::ImportKeyMaterial>(context, &input.key_id).await?;
    let token = input.import_token.0;
    let wrapped = input.encrypted_key_material.0;
    let id = kms.import_material(context, &key, &terms, &token, wrapped).await?;
    let key = key.resource();
    Ok(ImportKeyMaterialResponse { key_id: Some(key.arn.clone()), key_material_id: shown_id(key, Some(&id)) })
}

pub(super) async fn delete_imported_key_material(
    kms: &KeyManagement,
    context: &RequestContext,
    input: DeleteImportedKeyMaterialRequest,
) -> Result<DeleteImportedKeyMaterialResponse, Refusal> {
    let id = input.key_material_id.as_deref().map(material_id).transpose()?;
    let (key, id) = kms.delete_imported_material(context, &input.key_id, id.as_ref()).await?;
    let key_material_id = shown_id(&key, id.as_ref());
    Ok(DeleteImportedKeyMaterialResponse { key_id: Some(key.arn), key_material_id })
}

/// The id of a material as answers show it: that of symmetric keys alone, which can have several.
fn shown_id(key: &Key, id: Option<&MaterialId>) -> Option<String> {
    id.filter(|_| key.spec.is_symmetric()).map(|id| hex::encode(id))
}

/// What the request says of the material, as far as it makes sense by itself. (Of AWS's texts nothing is known.)
fn terms(input: &ImportKeyMaterialRequest, now_ms: i64) -> Result<ImportTerms, Refusal> {
    let refused = |why: &str| Err(Refusal::Validation(why.to_owned()));
    let expires = input.expiration_model != Some(ExpirationModelType::KeyMaterialDoesNotExpire);
    let expires_ms = match (expires, input.valid_to.map(Timestamp::as_millis)) {
        (true, None) => {
            return refused("ValidTo must be specified if ExpirationModel is KEY_MATERIAL_EXPIRES.");
        }
        (false, Some(_)) => {
            return refused(
                "ValidTo cannot be specified if ExpirationModel is KEY_MATERIAL_DOES_NOT_EXPIRE.",
            );
        }
        (true, Some(at_ms)) if at_ms <= now_ms => return refused("ValidTo must be in the future."),
        (true, Some(at_ms)) if at_ms > now_ms.saturating_add(LONGEST_MS) => {
            return refused("ValidTo must be at most 365 days in the future.");
        }
        (_, valid_to) => valid_to,
    };
    let is_new = input.import_type.as_ref().map(|kind| *kind == ImportType::NewKeyMaterial);
    if is_new == Some(true) && input.key_material_id.is_some() {
        return refused("KeyMaterialId cannot be specified if ImportType is NEW_KEY_MATERIAL.");
    }
    Ok(ImportTerms {
        is_new,
        expected: input.key_material_id.as_deref().map(material_id).transpose()?,
        expires_ms,
        description: input.key_material_description.clone(),
    })
}

/// The id of a material as the schema has let it through.
fn material_id(text: &str) -> Result<MaterialId, Refusal> {
    hex::decode(text)
        .and_then(|id| id.try_into().ok())
        .ok_or_else(|| Refusal::Validation(format!("KeyMaterialId {text} is none.")))
}

/// AWS refuses `RSAES_PKCS1_V1_5` since October 2023, and has SM2 in its Regions in China only. (The texts are ours.)
fn algorithm(algorithm: &AlgorithmSpec) -> Result<WrappingAlgorithm, Refusal> {
    WrappingAlgorithm::parse(algorithm.as_str()).ok_or_else(|| {
        Refusal::Unsupported(Some(format!("Wrapping algorithm {} is not supported.", algorithm.as_str())))
    })
}

fn key_spec(spec: &NamedKeySpec) -> Result<WrappingKeySpec, Refusal> {
    WrappingKeySpec::parse(spec.as_str()).ok_or_else(|| {
        Refusal::Unsupported(Some(format!(
            "WrappingKeySpec {} is not supported in this Region",
            spec.as_str()
        )))
    })
}

//! Rotation of keys: turned on and off, done on demand, and shown.

use strongroom_api_kms::{
    DisableKeyRotationRequest, EnableKeyRotationRequest, GetKeyRotationStatusRequest,
    GetKeyRotationStatusResponse, ImportState, IncludeKeyMaterial, KeyMaterialState, ListKeyRotationsRequest,
    ListKeyRotationsResponse, RotateKeyOnDemandRequest, RotateKeyOnDemandResponse, RotationType,
    RotationsListEntry, actions,
};
use strongroom_crypto::hex;
use strongroom_identity::RequestContext;
use strongroom_schema::{Timestamp, Unit};

use super::asked;
use super::metadata::expiration_model;
use crate::KeyManagement;
use crate::domain::import::ImportStage;
use crate::domain::key::{Key, Material};
use crate::domain::paging::Page;
use crate::error::Refusal;

/// Rotations in a page of ListKeyRotations, unless the caller says otherwise.
const PAGE: usize = 100;

/// Marks this list's markers.
const LIST: u8 = 5;

pub(super) async fn enable_key_rotation(
    kms: &KeyManagement,
    context: &RequestContext,
    input: EnableKeyRotationRequest,
) -> Result<Unit, Refusal> {
    context.ask(asked::enable_key_rotation(&input));
    let days = input.rotation_period_in_days;
    let enable = kms.change::<actions::EnableKeyRotation>(context, &input.key_id, |key| {
        key.expect_rotating_by_itself(kms.settings.strict)?;
        key.enable_rotation(context.now_ms, days)
    });
    context.responded("keyId", enable.await?.arn);
    Ok(Unit)
}

pub(super) async fn disable_key_rotation(
    kms: &KeyManagement,
    context: &RequestContext,
    input: DisableKeyRotationRequest,
) -> Result<Unit, Refusal> {
    let disable = kms.change::<actions::DisableKeyRotation>(context, &input.key_id, |key| {
        key.expect_rotating_by_itself(kms.settings.strict)?;
        key.disable_rotation()
    });
    context.responded("keyId", disable.await?.arn);
    Ok(Unit)
}

pub(super) async fn get_key_rotation_status(
    kms: &KeyManagement,
    context: &RequestContext,
    input: GetKeyRotationStatusRequest,
) -> Result<GetKeyRotationStatusResponse, Refusal> {
    let key = kms.permitted::<actions::GetKeyRotationStatus>(context, &input.key_id).await?;
    let key = key.resource();
    key.expect_schedule_shown(kms.settings.strict)?;
    let schedule = key.rotation_status();
    Ok(GetKeyRotationStatusResponse {
        key_rotation_enabled: Some(schedule.is_some()),
        key_id: Some(key.id.clone()),
        rotation_period_in_days: schedule.and_then(|schedule| i32::try_from(schedule.days).ok()),
        next_rotation_date: schedule.map(|schedule| Timestamp::from_millis(schedule.next_ms)),
        // A rotation on demand is done when its call is answered.
        on_demand_rotation_start_date: None,
    })
}

pub(super) async fn rotate_key_on_demand(
    kms: &KeyManagement,
    context: &RequestContext,
    input: RotateKeyOnDemandRequest,
) -> Result<RotateKeyOnDemandResponse, Refusal> {
    let key = kms.permitted::<actions::RotateKeyOnDemand>(context, &input.key_id).await?;
    kms.rotate_on_demand(context, &key).await?;
    Ok(RotateKeyOnDemandResponse { key_id: Some(key.resource().id.clone()) })
}

pub(super) async fn list_key_rotations(
    kms: &KeyManagement,
    context: &RequestContext,
    input: ListKeyRotationsRequest,
) -> Result<ListKeyRotationsResponse, Refusal> {
    let page = Page::parse(LIST, input.limit, PAGE, input.marker.as_deref())?;
    let key = kms.permitted::<actions::ListKeyRotations>(context, &input.key_id).await?;
    let key = key.resource();
    key.expect_rotation_shown(kms.settings.strict)?;
    let first_too = input.include_key_material == Some(IncludeKeyMaterial::AllKeyMaterial);
    // KMS Developer Guide: the list of a key that does not rotate is empty, although it has a material.
    let materials = key.materials.iter().filter(|_| key.spec.is_symmetric());
    let listed: Vec<_> = materials.filter(|material| first_too || material.rotation.is_some()).collect();
    // In order of time, so that a marker names the last one seen, and not what comes after it by name.
    let seen = |material: &&Material| hex::encode(&material.id) == page.after;
    let start = match page.after.as_str() {
        "" => 0,
        _ => 1 + listed.iter().position(seen).ok_or(Refusal::InvalidMarker)?,
    };
    let rest = listed.into_iter().skip(start).take(page.limit + 1);
    let entries = rest.map(|material| entry(key, material)).collect();
    let name = |entry: &RotationsListEntry| entry.key_material_id.clone().unwrap_or_default();
    let (entries, next_marker) = page.cut(LIST, entries, name);
    Ok(ListKeyRotationsResponse {
        rotations: Some(entries),
        truncated: Some(next_marker.is_some()),
        next_marker,
    })
}

fn entry(key: &Key, material: &Material) -> RotationsListEntry {
    let import = material.import.as_ref();
    let is_there = material.is_there();
    RotationsListEntry {
        key_id: Some(key.id.clone()),
        key_material_id: Some(hex::encode(&material.id)),
        key_material_state: Some(match import.map(|import| import.stage) {
            _ if key.current_material == Some(material.id) => KeyMaterialState::Current,
            Some(ImportStage::PendingRotation) => KeyMaterialState::PendingRotation,
            Some(ImportStage::PendingRegions) => KeyMaterialState::PendingMultiRegionImportAndRotation,
            Some(ImportStage::Permanent) | None => KeyMaterialState::NonCurrent,
        }),
        key_material_description: import.and_then(|import| import.description.clone()),
        import_state: import
            .map(|_| if is_there { ImportState::Imported } else { ImportState::PendingImport }),
        expiration_model: import.filter(|_| is_there).map(|import| expiration_model(import.expires_ms)),
        valid_to: material.expires_ms().map(Timestamp::from_millis),
        rotation_date: material.rotation.map(|_| Timestamp::from_millis(material.created_ms)),
        rotation_type: material.rotation.map(|kind| RotationType::from(kind.as_str())),
    }
}

//! Virtual MFA devices.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use strongroom_api_iam::{self as iam, AssignmentStatusType, actions};
use strongroom_identity::{ConditionKeys, RequestContext};
use strongroom_schema::{Blob, Unit};
use strongroom_secret::Secret;

use super::shapes::{self, moment};
use super::{ROOT_PATH, caller_name, own_name};
use crate::IdentityManagement;
use crate::codes::open;
use crate::domain::directory::{Directory, Entry};
use crate::domain::id::{new_id, secret_letters};
use crate::domain::kind::Kind;
use crate::domain::mfa::{Device, SEED_LENGTH};
use crate::domain::paging::Page;
use crate::domain::picture;
use crate::domain::tags::{self, Tags};
use crate::domain::user::MOST_DEVICES;
use crate::error::Refusal;
use crate::identities::Target;

pub(super) async fn create_virtual_mfa_device(
    identities: &IdentityManagement,
    context: &RequestContext,
    input: iam::CreateVirtualMFADeviceRequest,
) -> Result<iam::CreateVirtualMFADeviceResponse, Refusal> {
    let path = input.path.as_deref().unwrap_or(ROOT_PATH);
    let name = input.virtual_mfa_device_name.as_str();
    let given = Tags::parse(input.tags.as_deref())?;
    context.ask(tags::asked(ConditionKeys::new(), input.tags.as_deref()));
    let (id, seed) = (new_id(Kind::Mfa)?, secret_letters(SEED_LENGTH)?);
    let sealed = identities.sealer.seal(&Device::sealing_context(&id), seed.expose().as_bytes())?;
    let sealed_seed = STANDARD.encode(sealed);
    let (device, directory) = identities
        .change::<actions::CreateVirtualMFADevice, _>(
            context,
            &[Target::New(Kind::Mfa, path, name)],
            |edit| {
                let device = Device {
                    id: id.clone(),
                    path: path.to_owned(),
                    name: name.to_owned(),
                    created_ms: context.now_ms,
                    tags: given.clone(),
                    sealed_seed: sealed_seed.clone(),
                    enabled: None,
                };
                edit.add(Kind::Mfa, path, name, Entry::Device(device.clone()))?;
                Ok(device)
            },
        )
        .await?;
    let holder = caller_name(context).map_or_else(|| directory.account.to_string(), str::to_owned);
    let url = format!("otpauth://totp/{name}@{holder}?secret={}", seed.expose());
    let png = picture::png(&url)?;
    let mut shown = shapes::device(&directory, &device);
    shown.base32_string_seed = Some(Secret::new(Blob(seed.expose().as_bytes().to_vec())));
    shown.qr_code_png = Some(Secret::new(Blob(png)));
    shown.tags = device.tags.shown();
    Ok(iam::CreateVirtualMFADeviceResponse { virtual_mfa_device: shown })
}

pub(super) async fn delete_virtual_mfa_device(
    identities: &IdentityManagement,
    context: &RequestContext,
    input: iam::DeleteVirtualMFADeviceRequest,
) -> Result<Unit, Refusal> {
    let serial = input.serial_number.as_str();
    identities
        .change::<actions::DeleteVirtualMFADevice, _>(context, &[Target::One(Kind::Mfa, serial)], |edit| {
            let device = edit.device(serial)?;
            if device.enabled.is_some() {
                return Err(Refusal::conflict("MFA VirtualDevice in use. Must deactivate first."));
            }
            let id = device.id.clone();
            edit.remove(&id);
            Ok(())
        })
        .await?;
    Ok(Unit)
}

pub(super) async fn enable_mfa_device(
    identities: &IdentityManagement,
    context: &RequestContext,
    input: iam::EnableMFADeviceRequest,
) -> Result<Unit, Refusal> {
    let name = input.user_name.as_str();
    let codes = [input.authentication_code1.as_str(), input.authentication_code2.as_str()];
    identities
        .change::<actions::EnableMFADevice, _>(context, &[Target::One(Kind::User, name)], |edit| {
            let user = edit.user(name)?;
            if edit.devices_of(user).count() >= MOST_DEVICES {
                return Err(Refusal::quota("MFADevicesPerUser", MOST_DEVICES));
            }
            let device = edit.device(&input.serial_number)?;
            if device.enabled.is_some() {
                return Err(Refusal::exists("MFA Device is already in use."));
            }
            let (user_id, seed) = (user.id.clone(), open(identities, device)?);
            edit.device_mut(&input.serial_number, |device| {
                device.enable(&seed, &user_id, codes, context.now_ms)
            })
        })
        .await?;
    Ok(Unit)
}

pub(super) async fn resync_mfa_device(
    identities: &IdentityManagement,
    context: &RequestContext,
    input: iam::ResyncMFADeviceRequest,
) -> Result<Unit, Refusal> {
    let name = input.user_name.as_str();
    let codes = [input.authentication_code1.as_str(), input.authentication_code2.as_str()];
    identities
        .change::<actions::ResyncMFADevice, _>(context, &[Target::One(Kind::User, name)], |edit| {
            let seed = open(identities, device_of(edit, name, &input.serial_number)?)?;
            edit.device_mut(&input.serial_number, |device| device.resync(&seed, codes, context.now_ms))
        })
        .await?;
    Ok(Unit)
}

pub(super) async fn deactivate_mfa_device(
    identities: &IdentityManagement,
    context: &RequestContext,
    input: iam::DeactivateMFADeviceRequest,
) -> Result<Unit, Refusal> {
    let name = own_name(context, input.user_name)?;
    identities
        .change::<actions::DeactivateMFADevice, _>(context, &[Target::One(Kind::User, &name)], |edit| {
            device_of(edit, &name, &input.serial_number)?;
            edit.device_mut(&input.serial_number, |device| {
                device.enabled = None;
                Ok(())
            })
        })
        .await?;
    Ok(Unit)
}

pub(super) async fn get_mfa_device(
    identities: &IdentityManagement,
    context: &RequestContext,
    input: iam::GetMFADeviceRequest,
) -> Result<iam::GetMFADeviceResponse, Refusal> {
    let name = own_name(context, input.user_name)?;
    let directory =
        identities.read::<actions::GetMFADevice>(context, &[Target::One(Kind::User, &name)]).await?;
    let device = device_of(&directory, &name, &input.serial_number)?;
    Ok(iam::GetMFADeviceResponse {
        user_name: Some(name.clone()),
        enable_date: device.enabled.as_ref().map(|enabled| moment(enabled.since_ms)),
        serial_number: input.serial_number,
        certifications: None,
    })
}

pub(super) async fn list_mfa_devices(
    identities: &IdentityManagement,
    context: &RequestContext,
    input: iam::ListMFADevicesRequest,
) -> Result<iam::ListMFADevicesResponse, Refusal> {
    let page = Page::parse(input.max_items, input.marker.as_deref())?;
    let name = own_name(context, input.user_name)?;
    let directory =
        identities.read::<actions::ListMFADevices>(context, &[Target::One(Kind::User, &name)]).await?;
    let mut devices: Vec<_> = directory.devices_of(directory.user(&name)?).collect();
    devices.sort_by(|one, other| one.id.cmp(&other.id));
    let (devices, marker) = page.cut(devices.into_iter(), |device| device.id.clone());
    let shown = |device: &Device| iam::MFADevice {
        user_name: name.clone(),
        serial_number: Kind::Mfa.arn(directory.account, &device.path, &device.name),
        enable_date: moment(device.enabled.as_ref().map_or(device.created_ms, |enabled| enabled.since_ms)),
    };
    Ok(iam::ListMFADevicesResponse {
        mfa_devices: devices.into_iter().map(shown).collect(),
        is_truncated: Some(marker.is_some()),
        marker,
    })
}

pub(super) async fn list_virtual_mfa_devices(
    identities: &IdentityManagement,
    context: &RequestContext,
    input: iam::ListVirtualMFADevicesRequest,
) -> Result<iam::ListVirtualMFADevicesResponse, Refusal> {
    let page = Page::parse(input.max_items, input.marker.as_deref())?;
    let wanted = match input.assignment_status {
        Some(AssignmentStatusType::Assigned) => Some(true),
        Some(AssignmentStatusType::Unassigned) => Some(false),
        Some(AssignmentStatusType::Any | AssignmentStatusType::Unknown(_)) | None => None,
    };
    let target = Target::Below(Kind::Mfa, ROOT_PATH);
    let directory = identities.read::<actions::ListVirtualMFADevices>(context, &[target]).await?;
    let devices = directory.devices();
    let mut devices: Vec<_> =
        devices.filter(|device| wanted.is_none_or(|wanted| device.enabled.is_some() == wanted)).collect();
    devices.sort_by(|one, other| one.id.cmp(&other.id));
    let (devices, marker) = page.cut(devices.into_iter(), |device| device.id.clone());
    Ok(iam::ListVirtualMFADevicesResponse {
        virtual_mfa_devices: devices.into_iter().map(|device| shapes::device(&directory, device)).collect(),
        is_truncated: Some(marker.is_some()),
        marker,
    })
}

/// The device of that serial number, if the user has it.
fn device_of<'d>(directory: &'d Directory, user: &str, serial: &str) -> Result<&'d Device, Refusal> {
    let user = directory.user(user)?;
    let device = directory.device(serial)?;
    let is_his = device.enabled.as_ref().is_some_and(|enabled| enabled.user == user.id);
    if is_his {
        return Ok(device);
    }
    Err(Refusal::no_such(format!("MFA device with serial number {serial} is not the user's.")))
}

//! Virtual MFA devices.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use strongroom_api_iam::{self as iam, AssignmentStatusType, actions};
use strongroom_identity::{ConditionKeys, RequestContext};
use strongroom_schema::{Blob, Unit};
use strongroom_secret::Secret;

use super::holders::Holder;
use super::shapes::{self, moment};
use super::{ROOT_PATH, caller_name};
use crate::IdentityManagement;
use crate::codes::open;
use crate::domain::directory::{Directory, Entry};
use crate::domain::id::{new_id, secret_letters};
use crate::domain::kind::Kind;
use crate::domain::mfa::{Device, Now, SEED_LENGTH};
use crate::domain::paging::Page;
use crate::domain::picture;
use crate::domain::tags::{self, Tags};
use crate::domain::user::MOST_DEVICES;
use crate::error::Refusal;
use crate::targets::Target;

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
    let target = Target::New(Kind::Mfa, path, name);
    let (device, directory) = identities
        .make::<actions::CreateVirtualMFADevice, actions::TagMFADevice, _>(context, target, &given, |edit| {
            let device = Device {
                id: id.clone(),
                path: path.to_owned(),
                name: name.to_owned(),
                created_ms: context.now_ms,
                tags: given.clone(),
                sealed_seed: sealed_seed.clone(),
                enabled: None,
                spent: 0,
            };
            edit.add(Kind::Mfa, path, name, Entry::Device(device.clone()))?;
            Ok(device)
        })
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
    let holder = Holder::of_call(identities, context, Some(input.user_name)).await?;
    let codes = [input.authentication_code1.as_str(), input.authentication_code2.as_str()];
    let now = Now { domain_ms: context.now_ms, real_ms: identities.sessions.clocks().real_now() };
    identities
        .change::<actions::EnableMFADevice, _>(context, &[holder.target()], |edit| {
            let holder_id = holder.id(edit)?;
            if edit.devices_of(&holder_id).count() >= MOST_DEVICES {
                return Err(Refusal::quota("MFADevicesPerUser", MOST_DEVICES));
            }
            let device = edit.device(&input.serial_number)?;
            if device.enabled.is_some() {
                return Err(Refusal::exists("MFA Device is already in use."));
            }
            let seed = open(identities, device)?;
            edit.device_mut(&input.serial_number, |device| device.enable(&seed, &holder_id, codes, now))
        })
        .await?;
    Ok(Unit)
}

pub(super) async fn resync_mfa_device(
    identities: &IdentityManagement,
    context: &RequestContext,
    input: iam::ResyncMFADeviceRequest,
) -> Result<Unit, Refusal> {
    let holder = Holder::of_call(identities, context, Some(input.user_name)).await?;
    let codes = [input.authentication_code1.as_str(), input.authentication_code2.as_str()];
    let real_ms = identities.sessions.clocks().real_now();
    identities
        .change::<actions::ResyncMFADevice, _>(context, &[holder.target()], |edit| {
            let seed = open(identities, device_of(edit, &holder, &input.serial_number)?)?;
            edit.device_mut(&input.serial_number, |device| device.resync(&seed, codes, real_ms))
        })
        .await?;
    Ok(Unit)
}

pub(super) async fn deactivate_mfa_device(
    identities: &IdentityManagement,
    context: &RequestContext,
    input: iam::DeactivateMFADeviceRequest,
) -> Result<Unit, Refusal> {
    let holder = Holder::of_call(identities, context, input.user_name).await?;
    identities
        .change::<actions::DeactivateMFADevice, _>(context, &[holder.target()], |edit| {
            device_of(edit, &holder, &input.serial_number)?;
            edit.device_mut(&input.serial_number, |device| {
                device.disable();
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
    let holder = Holder::of_call(identities, context, input.user_name).await?;
    let directory = identities.read::<actions::GetMFADevice>(context, &[holder.target()]).await?;
    let device = device_of(&directory, &holder, &input.serial_number)?;
    Ok(iam::GetMFADeviceResponse {
        user_name: holder.name(&directory),
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
    let holder = Holder::of_call(identities, context, input.user_name).await?;
    let directory = identities.read::<actions::ListMFADevices>(context, &[holder.target()]).await?;
    let holder_id = holder.id(&directory)?;
    let mut devices: Vec<_> = directory.devices_of(&holder_id).collect();
    devices.sort_by(|one, other| one.id.cmp(&other.id));
    let (devices, marker) = page.cut(devices.into_iter(), |device| device.id.clone());
    let name = holder.name(&directory).unwrap_or_default();
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

/// The device of that serial number, if the holder has it.
fn device_of<'d>(directory: &'d Directory, holder: &Holder, serial: &str) -> Result<&'d Device, Refusal> {
    let holder_id = holder.id(directory)?;
    let device = directory.device(serial)?;
    if device.enabled.as_ref().is_some_and(|enabled| enabled.user == holder_id) {
        return Ok(device);
    }
    Err(Refusal::no_such(format!("MFA device with serial number {serial} is not the user's.")))
}

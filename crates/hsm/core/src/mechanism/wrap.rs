//! Keys leave and come, encrypted under other keys.

use strongroom_crypto::aes::AesKey;
use strongroom_crypto::{ec, ed25519, rsa};
use strongroom_hsm_proto::command::{
    Curve, KeyClass, KeyType, MechanismKind, QuorumService, Result as Answered, Template, UnwrapKey, WrapKey,
    WrappedKey,
};
use strongroom_secret::SecretBytes;

use super::aes::{open_gcm, seal_gcm};
use super::parameters::{NOT_FOR_THIS_KEY, Parameters, at_most};
use crate::audit::Companion;
use crate::effect::KeyRecord;
use crate::hsm::Caller;
use crate::material::Material;
use crate::object::{Circle, Flags, NewKey, Origin, Sort, attribute, check_secret_length, read, united};
use crate::outcome::{Draft, Progress};
use crate::refusal::Refusal;
use crate::state::Resource;

/// The most bytes of a wrapped key.
const LONGEST_WRAPPED: usize = 16_288;
/// The bytes of the temporary key of RSA-AES.
const TEMPORARY_KEY_LENGTH: usize = 32;

impl Caller<'_> {
    pub(crate) fn wrap_key(&self, command: &WrapKey) -> Result<Progress, Refusal> {
        let parameters = Parameters::read(command.mechanism.as_ref(), self.hsm.options.mode)?;
        let user = self.crypto_user()?;
        self.about_keys(command.payload, 0);
        if is_key_wrap(parameters.kind) {
            self.account.borrow_mut().companion = Some(Companion::After(command.wrapping));
        }
        let (draft, payload, wrapping) = {
            let state = self.hsm.state();
            let payload = self.owned_key(&state, &user, command.payload)?;
            let wrapping = self.usable_key(&state, &user, command.wrapping)?;
            may_wrap(&wrapping.record, &payload.record)?;
            let service = QuorumService::KeyManagement;
            let draft = Draft::new(state.history.revision());
            let draft = self.approved_for_key(&state, service, &payload.record, draft)?;
            // One approval serves one key: a key wrapped under itself needs one.
            let draft = if command.payload == command.wrapping {
                draft
            } else {
                self.approved_for_key(&state, service, &wrapping.record, draft)?
            };
            (
                draft.relying_on([Resource::Key(command.payload), Resource::Key(command.wrapping)]),
                payload,
                wrapping,
            )
        };
        let draft = draft.verified()?;
        let material = self.hsm.material(&payload)?;
        let bytes = material.secret_bytes()?;
        let (wrapped, iv) =
            wrap(&*self.hsm.material(&wrapping)?, &parameters, &payload.record, bytes.expose())?;
        Ok(draft.answering(Answered::Wrapped(WrappedKey { wrapped, iv })).change())
    }

    pub(crate) fn unwrap_key(&self, command: &UnwrapKey) -> Result<Progress, Refusal> {
        let parameters = Parameters::read(command.mechanism.as_ref(), self.hsm.options.mode)?;
        let owner = self.crypto_user()?;
        at_most(&command.wrapped, LONGEST_WRAPPED)?;
        if is_key_wrap(parameters.kind) {
            self.account.borrow_mut().companion = Some(Companion::Before(command.unwrapping));
        }
        let class = KeyClass::try_from(command.class);
        let key_type = KeyType::try_from(command.key_type);
        let ((Ok(class @ KeyClass::SecretKey), Ok(key_type @ (KeyType::Aes | KeyType::GenericSecret)))
        | (Ok(class @ KeyClass::PrivateKey), Ok(key_type @ (KeyType::Rsa | KeyType::Ec)))) =
            (class, key_type)
        else {
            return Err(Refusal::invalid_mechanism("Keys of this class and type cannot be unwrapped"));
        };
        let (draft, unwrapping) = {
            let state = self.hsm.state();
            let unwrapping = self.usable_key(&state, &owner, command.unwrapping)?;
            if !unwrapping.record.has(Flags::UNWRAP) {
                return Err(Refusal::key_forbids("The key does not allow unwrapping"));
            }
            let draft = Draft::new(state.history.revision()).relying_on([Resource::Key(command.unwrapping)]);
            let draft =
                self.approved_for_key(&state, QuorumService::KeyManagement, &unwrapping.record, draft)?;
            (draft, unwrapping)
        };
        let draft = draft.verified()?;
        let circle = Circle::read(&owner, &command.share_with, command.quorum.as_ref())?;
        let template: Template =
            united(command.template.as_ref(), unwrapping.record.unwrap_template.as_ref())?;
        // All of the template is checked before anything is unwrapped: what it says is no hint at what comes out.
        let sort = Sort { class, key_type };
        let made = read(Some(&template), sort, Origin::Unwrapped)?;
        let bytes = unwrap(&*self.hsm.material(&unwrapping)?, &parameters, &command.wrapped)?;
        let material = parse(key_type, bytes)?;
        let curve = match key_type {
            KeyType::Ec => Curve::try_from(material.parameter() as i32).ok(),
            _ => None,
        };
        self.hsm.permit_curve(curve)?;
        let key = NewKey::new(&owner, sort, made, material, &circle)?;
        self.place_one(&owner, key, draft)
    }
}

/// Whether the mechanism is one of those that the audit log records by the wrapping key too.
const fn is_key_wrap(kind: MechanismKind) -> bool {
    matches!(
        kind,
        MechanismKind::AesKeyWrapNoPad | MechanismKind::AesKeyWrapZeroPad | MechanismKind::AesKeyWrapPkcs5Pad
    )
}

/// Whether one key may go out under another.
fn may_wrap(wrapping: &KeyRecord, payload: &KeyRecord) -> Result<(), Refusal> {
    if payload.is(KeyClass::PublicKey) {
        return Err(Refusal::key_forbids("Public keys are not wrapped"));
    }
    if !payload.has(Flags::EXTRACTABLE) {
        return Err(Refusal::key_forbids("The payload key is not extractable"));
    }
    if !wrapping.has(Flags::WRAP) {
        return Err(Refusal::key_forbids("The key does not allow wrapping"));
    }
    if payload.has(Flags::WRAP_WITH_TRUSTED) && !wrapping.has(Flags::TRUSTED) {
        return Err(Refusal::key_forbids("The payload key can only be wrapped with a trusted key"));
    }
    let demanded = wrapping.wrap_template.iter().flat_map(|template| &template.attributes);
    for demand in demanded {
        let name = strongroom_hsm_proto::command::AttributeName::try_from(demand.name);
        if name.ok().and_then(|name| attribute(payload, name)) != demand.value {
            return Err(Refusal::key_forbids(
                "The payload key does not have the attributes of the wrap-template of the wrapping key",
            ));
        }
    }
    Ok(())
}

/// Wraps, and gives the IV where the HSM chose one that is not in the result.
fn wrap(
    wrapping: &Material,
    parameters: &Parameters<'_>,
    payload: &KeyRecord,
    bytes: &[u8],
) -> Result<(Vec<u8>, Vec<u8>), Refusal> {
    check_iv(parameters)?;
    let wrapped = match (parameters.kind, wrapping) {
        (MechanismKind::AesGcm | MechanismKind::CloudHsmAesGcm, Material::Aes(key)) => {
            return seal_gcm(key, parameters, bytes);
        }
        (MechanismKind::AesKeyWrapNoPad, Material::Aes(key)) => {
            if bytes.len() < 16 || !bytes.len().is_multiple_of(8) {
                return Err(Refusal::invalid_data(
                    "Without padding only keys of whole blocks of 8 bytes can be wrapped",
                ));
            }
            key.wrap_kw(bytes)?
        }
        (MechanismKind::AesKeyWrapZeroPad, Material::Aes(key)) => key.wrap_kwp(bytes)?,
        (MechanismKind::AesKeyWrapPkcs5Pad, Material::Aes(key)) => key.wrap_kw_pkcs5(bytes)?,
        (MechanismKind::RsaAesKeyWrap, Material::RsaPublic(key)) => {
            let hash = parameters.needed_hash()?;
            let temporary = AesKey::generate(TEMPORARY_KEY_LENGTH)?;
            let mut wrapped = key.encrypt_oaep(hash, &[], temporary.expose())?;
            wrapped.extend(temporary.wrap_kwp(bytes)?);
            wrapped
        }
        (MechanismKind::RsaOaep, Material::RsaPublic(key)) => {
            let hash = parameters.needed_hash()?;
            fits(payload, bytes, key.oaep_capacity(hash))?;
            key.encrypt_oaep(hash, &[], bytes)?
        }
        (MechanismKind::RsaPkcs, Material::RsaPublic(key)) => {
            parameters.not_in_fips_mode()?;
            fits(payload, bytes, key.modulus_length().saturating_sub(rsa::PKCS1_OVERHEAD))?;
            key.encrypt_pkcs1(bytes)?
        }
        _ => return Err(NOT_FOR_THIS_KEY),
    };
    Ok((wrapped, Vec::new()))
}

/// Refuses IVs that would not be used: those of key wrap are fixed (RFC 3394, 2.2.3.1; RFC 5649, 3). Only the one of
/// RFC 3394 may be spelled out.
fn check_iv(parameters: &Parameters<'_>) -> Result<(), Refusal> {
    let iv = parameters.raw.iv.as_slice();
    let fits = match parameters.kind {
        MechanismKind::AesKeyWrapNoPad | MechanismKind::AesKeyWrapPkcs5Pad => {
            iv.is_empty() || iv == [0xa6; 8]
        }
        MechanismKind::AesKeyWrapZeroPad => iv.is_empty(),
        _ => true,
    };
    if fits { Ok(()) } else { Err(Refusal::invalid_mechanism("The mechanism has an IV of its own")) }
}

fn fits(payload: &KeyRecord, bytes: &[u8], most: usize) -> Result<(), Refusal> {
    if !payload.is(KeyClass::SecretKey) {
        return Err(Refusal::invalid_mechanism("The mechanism wraps secret keys only"));
    }
    at_most(bytes, most)
}

fn unwrap(
    unwrapping: &Material,
    parameters: &Parameters<'_>,
    wrapped: &[u8],
) -> Result<SecretBytes, Refusal> {
    check_iv(parameters)?;
    Ok(match (parameters.kind, unwrapping) {
        (MechanismKind::AesGcm | MechanismKind::CloudHsmAesGcm, Material::Aes(key)) => {
            open_gcm(key, parameters, wrapped)?
        }
        (MechanismKind::AesKeyWrapNoPad, Material::Aes(key)) => key.unwrap_kw(wrapped)?,
        (MechanismKind::AesKeyWrapZeroPad, Material::Aes(key)) => key.unwrap_kwp(wrapped)?,
        (MechanismKind::AesKeyWrapPkcs5Pad, Material::Aes(key)) => key.unwrap_kw_pkcs5(wrapped)?,
        (MechanismKind::RsaAesKeyWrap, Material::Rsa(key)) => {
            let (temporary, wrapped) =
                wrapped.split_at_checked(key.modulus_length()).ok_or_else(Refusal::cryptography)?;
            let temporary = key.decrypt_oaep(parameters.needed_hash()?, &[], temporary)?;
            AesKey::new(temporary.expose())?.unwrap_kwp(wrapped)?
        }
        (MechanismKind::RsaOaep, Material::Rsa(key)) => {
            key.decrypt_oaep(parameters.needed_hash()?, &[], wrapped)?
        }
        (MechanismKind::RsaPkcs, Material::Rsa(key)) => {
            parameters.not_in_fips_mode()?;
            key.decrypt_pkcs1(wrapped)?
        }
        _ => return Err(NOT_FOR_THIS_KEY),
    })
}

/// Reads unwrapped bytes. What is no such key is as wrong as what does not unwrap: one code for both.
fn parse(key_type: KeyType, bytes: SecretBytes) -> Result<Material, Refusal> {
    Ok(match key_type {
        KeyType::Aes => Material::Aes(AesKey::new(bytes.expose())?),
        KeyType::Rsa => Material::Rsa(rsa::PrivateKey::from_pkcs8(bytes.expose())?),
        KeyType::Ec => match ec::PrivateKey::from_pkcs8(bytes.expose()) {
            Ok(key) => Material::Ec(key),
            Err(_) => Material::Ed25519(Box::new(ed25519::PrivateKey::from_pkcs8(bytes.expose())?)),
        },
        _ => {
            check_secret_length(key_type, bytes.expose().len() as u32)
                .map_err(|_| Refusal::cryptography())?;
            Material::Secret(bytes)
        }
    })
}

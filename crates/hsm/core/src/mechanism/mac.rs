//! HMAC and AES-CMAC.

use strongroom_crypto::digest::Hash;
use strongroom_crypto::hmac::Hmac;
use strongroom_hsm_proto::command::MechanismKind;
use strongroom_secret::constant_time_eq;

use super::parameters::{LONGEST_DATA, NOT_FOR_THIS_KEY, Parameters, at_most};
use crate::material::Material;
use crate::refusal::Refusal;

/// The shortest MAC that is made or accepted, in bytes.
const SHORTEST_MAC: usize = 8;

/// Gives the MAC, of the length that the parameters ask for.
pub(super) fn sign(key: &Material, parameters: &Parameters<'_>, data: &[u8]) -> Result<Vec<u8>, Refusal> {
    let mut mac = match (parameters.kind, key) {
        (MechanismKind::Hmac, Material::Secret(secret)) => {
            let hash = parameters.needed_hash()?;
            at_most(data, longest(hash))?;
            Hmac::new(hash, secret.expose()).sign(&[data])
        }
        (MechanismKind::AesCmac, Material::Aes(key)) => {
            at_most(data, LONGEST_DATA)?;
            key.cmac(&[data])?.to_vec()
        }
        _ => return Err(NOT_FOR_THIS_KEY),
    };
    match parameters.raw.tag_length as usize {
        0 => {}
        length if (SHORTEST_MAC..=mac.len()).contains(&length) => mac.truncate(length),
        _ => return Err(Refusal::invalid_mechanism("The MAC has 8 bytes or more, up to its whole length")),
    }
    Ok(mac)
}

/// Tells whether a MAC is right.
pub(super) fn verify(
    key: &Material,
    parameters: &Parameters<'_>,
    data: &[u8],
    mac: &[u8],
) -> Result<bool, Refusal> {
    Ok(constant_time_eq(&sign(key, parameters, data)?, mac))
}

/// What CloudHSM takes in one call.
const fn longest(hash: Hash) -> usize {
    match hash {
        Hash::Sha1 | Hash::Sha256 => 16_288,
        Hash::Sha224 => 16_256,
        Hash::Sha384 | Hash::Sha512 => 16_224,
    }
}

//! ECDSA and Ed25519.

use strongroom_crypto::digest::Hash;
use strongroom_crypto::{ec, ed25519};
use strongroom_hsm_proto::command::MechanismKind;

use super::parameters::{NOT_FOR_THIS_KEY, Parameters, at_most};
use crate::refusal::Refusal;

/// The longest digest that ECDSA takes without a hash being named.
const LONGEST_DIGEST: usize = 64;
/// The most bytes that pure Ed25519 signs.
const LONGEST_ED25519: usize = 16_000;

pub(super) fn sign(
    key: &ec::PrivateKey,
    parameters: &Parameters<'_>,
    data: &[u8],
) -> Result<Vec<u8>, Refusal> {
    Ok(key.sign_digest(&ecdsa_digest(parameters, data)?)?)
}

/// Tells whether a signature is right.
pub(super) fn verify(
    key: &ec::PublicKey,
    parameters: &Parameters<'_>,
    data: &[u8],
    signature: &[u8],
) -> Result<bool, Refusal> {
    Ok(key.verify_digest(&ecdsa_digest(parameters, data)?, signature).is_ok())
}

fn ecdsa_digest(parameters: &Parameters<'_>, data: &[u8]) -> Result<Vec<u8>, Refusal> {
    if parameters.kind != MechanismKind::Ecdsa {
        return Err(NOT_FOR_THIS_KEY);
    }
    match parameters.hash {
        Some(hash) => parameters.digest(hash, data),
        None if data.is_empty() || data.len() > LONGEST_DIGEST => {
            Err(Refusal::invalid_data("The digest has 1 to 64 bytes"))
        }
        None => Ok(data.to_vec()),
    }
}

pub(super) fn sign_ed25519(
    key: &ed25519::PrivateKey,
    parameters: &Parameters<'_>,
    data: &[u8],
) -> Result<Vec<u8>, Refusal> {
    parameters.not_in_fips_mode()?;
    let signature = match parameters.kind {
        MechanismKind::Ed25519 => {
            at_most(data, LONGEST_ED25519)?;
            key.sign(data)?
        }
        MechanismKind::Ed25519ph => key.sign_prehashed(&prehash(parameters, data)?, &[])?,
        _ => return Err(NOT_FOR_THIS_KEY),
    };
    Ok(signature.to_vec())
}

/// Tells whether a signature is right.
pub(super) fn verify_ed25519(
    key: &ed25519::PublicKey,
    parameters: &Parameters<'_>,
    data: &[u8],
    signature: &[u8],
) -> Result<bool, Refusal> {
    parameters.not_in_fips_mode()?;
    let verified = match parameters.kind {
        MechanismKind::Ed25519 => {
            at_most(data, LONGEST_ED25519)?;
            key.verify(data, signature)
        }
        MechanismKind::Ed25519ph => key.verify_prehashed(&prehash(parameters, data)?, &[], signature),
        _ => return Err(NOT_FOR_THIS_KEY),
    };
    Ok(verified.is_ok())
}

fn prehash(parameters: &Parameters<'_>, data: &[u8]) -> Result<[u8; 64], Refusal> {
    if parameters.hash.is_some_and(|hash| hash != Hash::Sha512) {
        return Err(Refusal::invalid_mechanism("Ed25519ph hashes with SHA-512"));
    }
    let digest = parameters.digest(Hash::Sha512, data)?;
    digest.try_into().map_err(|_| Refusal::invalid_data("The digest has 64 bytes"))
}

//! ML-DSA, over messages and over an external mu.

use strongroom_crypto::ml_dsa::{MU_LENGTH, PrivateKey, PublicKey};
use strongroom_hsm_proto::command::MechanismKind;

use super::parameters::{LONGEST_DATA, NOT_FOR_THIS_KEY, Parameters, at_most};
use crate::refusal::Refusal;

pub(super) fn sign(key: &PrivateKey, parameters: &Parameters<'_>, data: &[u8]) -> Result<Vec<u8>, Refusal> {
    check(parameters, data)?;
    Ok(if parameters.raw.prehashed { key.sign_mu(mu(data)?)? } else { key.sign(data)? })
}

/// Tells whether a signature is right.
pub(super) fn verify(
    key: &PublicKey,
    parameters: &Parameters<'_>,
    data: &[u8],
    signature: &[u8],
) -> Result<bool, Refusal> {
    check(parameters, data)?;
    Ok(if parameters.raw.prehashed {
        key.verify_mu(mu(data)?, signature).is_ok()
    } else {
        key.verify(data, signature).is_ok()
    })
}

fn check(parameters: &Parameters<'_>, data: &[u8]) -> Result<(), Refusal> {
    if parameters.kind != MechanismKind::MlDsa {
        return Err(NOT_FOR_THIS_KEY);
    }
    at_most(data, LONGEST_DATA)
}

fn mu(data: &[u8]) -> Result<&[u8; MU_LENGTH], Refusal> {
    data.try_into().map_err(|_| Refusal::invalid_data("An external mu has 64 bytes"))
}

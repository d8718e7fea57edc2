//! RSA: signatures and encryption.

use strongroom_crypto::rsa::{PrivateKey, PublicKey};
use strongroom_hsm_proto::command::MechanismKind;
use strongroom_secret::SecretBytes;

use super::parameters::{NOT_FOR_THIS_KEY, Parameters, at_most};
use crate::refusal::Refusal;

/// The longest salt of PSS that is looked at.
const LONGEST_SALT: u32 = 512;

pub(super) fn sign(key: &PrivateKey, parameters: &Parameters<'_>, data: &[u8]) -> Result<Vec<u8>, Refusal> {
    Ok(match (parameters.kind, parameters.hash) {
        (MechanismKind::RsaPkcs, Some(hash)) => key.sign_pkcs1(hash, &parameters.digest(hash, data)?)?,
        (MechanismKind::RsaPkcs, None) => {
            at_most(data, key.modulus_length().saturating_sub(11))?;
            key.sign_pkcs1_raw(data)?
        }
        (MechanismKind::RsaPss, _) => {
            let hash = parameters.needed_hash()?;
            key.sign_pss(hash, &parameters.digest(hash, data)?, salt_length(parameters)?)?
        }
        (MechanismKind::RsaRaw, _) => {
            at_most(data, key.modulus_length())?;
            key.sign_raw(data)?
        }
        _ => return Err(NOT_FOR_THIS_KEY),
    })
}

/// Tells whether a signature is right.
pub(super) fn verify(
    key: &PublicKey,
    parameters: &Parameters<'_>,
    data: &[u8],
    signature: &[u8],
) -> Result<bool, Refusal> {
    let verified = match (parameters.kind, parameters.hash) {
        (MechanismKind::RsaPkcs, Some(hash)) => {
            key.verify_pkcs1(hash, &parameters.digest(hash, data)?, signature)
        }
        (MechanismKind::RsaPkcs, None) => key.verify_pkcs1_raw(data, signature),
        (MechanismKind::RsaPss, _) => {
            let hash = parameters.needed_hash()?;
            key.verify_pss(hash, &parameters.digest(hash, data)?, salt_length(parameters)?, signature)
        }
        (MechanismKind::RsaRaw, _) => key.verify_raw(data, signature),
        _ => return Err(NOT_FOR_THIS_KEY),
    };
    Ok(verified.is_ok())
}

pub(super) fn encrypt(
    key: &PublicKey,
    parameters: &Parameters<'_>,
    plaintext: &[u8],
) -> Result<Vec<u8>, Refusal> {
    Ok(match parameters.kind {
        MechanismKind::RsaPkcs => {
            parameters.not_in_fips_mode()?;
            at_most(plaintext, key.modulus_length().saturating_sub(11))?;
            key.encrypt_pkcs1(plaintext)?
        }
        MechanismKind::RsaOaep => {
            let hash = parameters.needed_hash()?;
            at_most(plaintext, key.oaep_capacity(hash))?;
            key.encrypt_oaep(hash, &[], plaintext)?
        }
        MechanismKind::RsaRaw => {
            at_most(plaintext, key.modulus_length())?;
            key.encrypt_raw(plaintext)?
        }
        _ => return Err(NOT_FOR_THIS_KEY),
    })
}

pub(super) fn decrypt(
    key: &PrivateKey,
    parameters: &Parameters<'_>,
    ciphertext: &[u8],
) -> Result<SecretBytes, Refusal> {
    at_most(ciphertext, key.modulus_length())?;
    Ok(match parameters.kind {
        MechanismKind::RsaPkcs => {
            parameters.not_in_fips_mode()?;
            key.decrypt_pkcs1(ciphertext)?
        }
        MechanismKind::RsaOaep => key.decrypt_oaep(parameters.needed_hash()?, &[], ciphertext)?,
        MechanismKind::RsaRaw => key.decrypt_raw(ciphertext)?,
        _ => return Err(NOT_FOR_THIS_KEY),
    })
}

fn salt_length(parameters: &Parameters<'_>) -> Result<usize, Refusal> {
    if parameters.raw.salt_length > LONGEST_SALT {
        return Err(Refusal::invalid_mechanism("The salt is too long"));
    }
    Ok(parameters.raw.salt_length as usize)
}

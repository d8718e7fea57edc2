//! AES that encrypts: ECB, CBC, CTR, GCM.

use strongroom_crypto::aes::{AesKey, BLOCK_LENGTH};
use strongroom_crypto::random;
use strongroom_hsm_proto::command::MechanismKind;
use strongroom_secret::SecretBytes;

use super::parameters::{LONGEST_DATA, NOT_FOR_THIS_KEY, Parameters, at_most};
use crate::refusal::Refusal;

const GCM_IV_LENGTH: usize = 12;
/// What CloudHSM takes in one call.
const LONGEST_CBC: usize = 16_272;
const LONGEST_GCM: usize = 16_224;
const LONGEST_AAD: usize = 16_224;

/// Gives the ciphertext, and the IV where the HSM chose one that is not in it.
pub(super) fn encrypt(
    key: &AesKey,
    parameters: &Parameters<'_>,
    plaintext: &[u8],
) -> Result<(Vec<u8>, Vec<u8>), Refusal> {
    check_length(parameters.kind, plaintext.len())?;
    let without_iv = |ciphertext| Ok((ciphertext, Vec::new()));
    match parameters.kind {
        MechanismKind::AesEcb => without_iv(key.encrypt_ecb(whole_blocks(plaintext)?)?),
        MechanismKind::AesCbc => {
            without_iv(key.encrypt_cbc(block(&parameters.raw.iv)?, whole_blocks(plaintext)?)?)
        }
        MechanismKind::AesCbcPad => without_iv(key.encrypt_cbc_pad(block(&parameters.raw.iv)?, plaintext)?),
        MechanismKind::AesCtr => without_iv(key.encrypt_ctr(block(&parameters.raw.iv)?, plaintext)?),
        MechanismKind::AesGcm | MechanismKind::CloudHsmAesGcm => seal_gcm(key, parameters, plaintext),
        _ => Err(NOT_FOR_THIS_KEY),
    }
}

/// Gives the plaintext.
pub(super) fn decrypt(
    key: &AesKey,
    parameters: &Parameters<'_>,
    ciphertext: &[u8],
) -> Result<SecretBytes, Refusal> {
    at_most(ciphertext, LONGEST_DATA)?;
    let iv = &parameters.raw.iv;
    Ok(match parameters.kind {
        MechanismKind::AesEcb => key.decrypt_ecb(whole_blocks(ciphertext)?)?,
        MechanismKind::AesCbc => key.decrypt_cbc(block(iv)?, whole_blocks(ciphertext)?)?,
        MechanismKind::AesCbcPad => key.decrypt_cbc_pad(block(iv)?, whole_blocks(ciphertext)?)?,
        MechanismKind::AesCtr => key.decrypt_ctr(block(iv)?, ciphertext)?,
        MechanismKind::AesGcm | MechanismKind::CloudHsmAesGcm => open_gcm(key, parameters, ciphertext)?,
        _ => return Err(NOT_FOR_THIS_KEY),
    })
}

/// AES-GCM under an IV of the HSM's: beside the ciphertext, or (`CKM_CLOUDHSM_AES_GCM`) before it.
pub(super) fn seal_gcm(
    key: &AesKey,
    parameters: &Parameters<'_>,
    plaintext: &[u8],
) -> Result<(Vec<u8>, Vec<u8>), Refusal> {
    at_most(&parameters.raw.aad, LONGEST_AAD)?;
    let iv: [u8; GCM_IV_LENGTH] = random::bytes()?;
    let sealed = key.seal_gcm(&iv, &parameters.raw.aad, plaintext, tag_length(parameters)?)?;
    if parameters.kind == MechanismKind::CloudHsmAesGcm {
        return Ok(([iv.as_slice(), &sealed].concat(), Vec::new()));
    }
    Ok((sealed, iv.to_vec()))
}

/// Opens what [`seal_gcm`] made.
pub(super) fn open_gcm(
    key: &AesKey,
    parameters: &Parameters<'_>,
    sealed: &[u8],
) -> Result<SecretBytes, Refusal> {
    at_most(&parameters.raw.aad, LONGEST_AAD)?;
    let (iv, sealed) = if parameters.kind == MechanismKind::CloudHsmAesGcm {
        sealed.split_at_checked(GCM_IV_LENGTH).ok_or_else(Refusal::cryptography)?
    } else {
        (parameters.raw.iv.as_slice(), sealed)
    };
    if iv.is_empty() || iv.len() > 256 {
        return Err(Refusal::invalid_data("The IV of AES-GCM has 1 to 256 bytes"));
    }
    Ok(key.open_gcm(iv, &parameters.raw.aad, sealed, tag_length(parameters)?)?)
}

/// The tag's length in bytes; 0 bits stand for 128.
fn tag_length(parameters: &Parameters<'_>) -> Result<usize, Refusal> {
    match parameters.raw.tag_length {
        0 => Ok(16),
        bits @ (96 | 104 | 112 | 120 | 128) => Ok(bits as usize / 8),
        _ => Err(Refusal::invalid_mechanism("The tag of AES-GCM has 96, 104, 112, 120 or 128 bits")),
    }
}

fn check_length(kind: MechanismKind, length: usize) -> Result<(), Refusal> {
    let most = match kind {
        MechanismKind::AesCbc | MechanismKind::AesCbcPad => LONGEST_CBC,
        MechanismKind::AesGcm | MechanismKind::CloudHsmAesGcm => LONGEST_GCM,
        _ => LONGEST_DATA,
    };
    if length > most {
        return Err(Refusal::invalid_data("The data is too long for one call"));
    }
    Ok(())
}

fn whole_blocks(data: &[u8]) -> Result<&[u8], Refusal> {
    if data.is_empty() || !data.len().is_multiple_of(BLOCK_LENGTH) {
        return Err(Refusal::invalid_data("The data must be whole blocks of 16 bytes"));
    }
    Ok(data)
}

fn block(iv: &[u8]) -> Result<&[u8; BLOCK_LENGTH], Refusal> {
    iv.try_into().map_err(|_| Refusal::invalid_data("The IV has 16 bytes"))
}

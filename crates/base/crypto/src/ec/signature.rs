#![allow(unsafe_code, reason = "aws-lc-rs gives a signature in one form only, by its algorithm's name")]

use std::ptr;

use aws_lc_sys::{
    ECDSA_SIG, ECDSA_SIG_from_bytes, ECDSA_SIG_get0, ECDSA_SIG_new, ECDSA_SIG_set0, ECDSA_SIG_to_bytes,
    OPENSSL_free,
};

use super::Curve;
use crate::CryptoError;
use crate::ffi::{Owned, check, number, number_padded};

/// Writes a signature `r || s` as the DER `ECDSA-Sig-Value` (RFC 3279, 2.2.3) of X.509, TLS and KMS.
pub fn signature_to_der(curve: Curve, raw: &[u8]) -> Result<Vec<u8>, CryptoError> {
    to_der(&from_raw(curve, raw)?)
}

pub(super) fn to_der(signature: &Owned<ECDSA_SIG>) -> Result<Vec<u8>, CryptoError> {
    let (mut data, mut length) = (ptr::null_mut(), 0);
    // SAFETY: the signature is valid and the results writable; the bytes are then ours, to be freed so.
    unsafe {
        check(ECDSA_SIG_to_bytes(&raw mut data, &raw mut length, signature.as_ptr()))?;
        let der = std::slice::from_raw_parts(data, length).to_vec();
        OPENSSL_free(data.cast());
        Ok(der)
    }
}

/// Reads a DER `ECDSA-Sig-Value` and gives `r || s`, each as long as a coordinate.
pub fn signature_from_der(curve: Curve, der: &[u8]) -> Result<Vec<u8>, CryptoError> {
    to_raw(curve, &from_der(der)?)
}

pub(super) fn from_der(der: &[u8]) -> Result<Owned<ECDSA_SIG>, CryptoError> {
    // SAFETY: the bytes are readable; the result is a new signature or null.
    unsafe { Owned::take(ECDSA_SIG_from_bytes(der.as_ptr(), der.len())) }
}

pub(super) fn to_raw(curve: Curve, signature: &Owned<ECDSA_SIG>) -> Result<Vec<u8>, CryptoError> {
    let mut raw = vec![0; 2 * curve.coordinate_length()];
    let (left, right) = raw.split_at_mut(curve.coordinate_length());
    let (mut r, mut s) = (ptr::null(), ptr::null());
    // SAFETY: the signature is valid; its numbers are borrowed from it, and checked for null when written.
    unsafe {
        ECDSA_SIG_get0(signature.as_ptr(), &raw mut r, &raw mut s);
        number_padded(r, left)?;
        number_padded(s, right)?;
    }
    Ok(raw)
}

pub(super) fn from_raw(curve: Curve, raw: &[u8]) -> Result<Owned<ECDSA_SIG>, CryptoError> {
    if raw.len() != 2 * curve.coordinate_length() {
        return Err(CryptoError);
    }
    let (left, right) = raw.split_at(curve.coordinate_length());
    let (r, s) = (number(left)?, number(right)?);
    // SAFETY: the signature is new; ECDSA_SIG_set0 takes the numbers over when it succeeds, after which they
    // are released here.
    unsafe {
        let signature = Owned::take(ECDSA_SIG_new())?;
        check(ECDSA_SIG_set0(signature.as_ptr(), r.as_ptr(), s.as_ptr()))?;
        let _taken_over = (r.release(), s.release());
        Ok(signature)
    }
}
